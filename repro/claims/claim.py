"""Claims as data: the statement in this project's words, the paper's number, and how it is tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from impls import registry
from impls.errors import UnknownName
from repro.claims.experiment import Experiment
from results.schema.findings import Verdict


class Kind(StrEnum):
    """Kind of a claim: structural (arithmetic on the table), training, or speed."""

    STRUCTURAL = "structural"
    TRAINING = "training"
    SPEED = "speed"


@dataclass(frozen=True)
class CheckResult:
    """Result of a check without training: the verdict, and one line with its arithmetic."""

    verdict: Verdict
    evidence: str


@dataclass(frozen=True)
class Claim:
    """A testable statement of a paper.

    `number`: the paper's figure, verbatim; `method`: how it is tested here, and how that differs from the paper.
    `check` tests a structural or speed claim at once. `experiments` test a training claim, the closest to the paper
    first; each needs a data set. `needs`: what is missing without either: names of data sets (`repro.data`), or a
    sentence for what no option provides.
    """

    id: str
    kind: Kind
    place: str
    statement: str
    number: str
    method: str
    check: Callable[[], CheckResult] | None = None
    experiments: tuple[Experiment, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def data(self) -> tuple[str, ...]:
        """The data sets that it can be tested on, the closest to the paper's first."""
        return tuple(dict.fromkeys(experiment.data for experiment in self.experiments))

    @property
    def wanted(self) -> tuple[str, ...]:
        """What would make it testable if it is not: any one of these."""
        return tuple(dict.fromkeys((*self.needs, *self.data)))


@dataclass(frozen=True)
class Paper:
    """A paper's claims. `name` is the prefix of their ids; ids that end in E1, E2, ... are errata found here."""

    name: str
    title: str
    source: str
    claims: tuple[Claim, ...]


@cache
def papers() -> dict[str, Paper]:
    """Every paper by name, in the order of the folders in `repro.papers`."""
    return registry.find("repro.papers", "deadheat.papers", Paper)


def claims() -> dict[str, Claim]:
    """Every claim by id."""
    return {claim.id: claim for paper in papers().values() for claim in paper.claims}


def load_claim(name: str) -> Claim:
    """The claim with that id, case-insensitive; UnknownName with the nearest otherwise."""
    known = claims()
    if name.upper() not in known:
        raise UnknownName("claim", name.upper(), known)
    return known[name.upper()]


def supported(evidence: str) -> CheckResult:
    return CheckResult(Verdict.SUPPORTED, evidence)


def contradicted(evidence: str) -> CheckResult:
    return CheckResult(Verdict.CONTRADICTED, evidence)


def holds(true: bool, evidence: str) -> CheckResult:
    """`supported` if `true`, `contradicted` otherwise."""
    return supported(evidence) if true else contradicted(evidence)
