"""What a paper claims, as data: a statement in our words, the paper's number, and how it is tested here."""

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
    """What a claim is about: arithmetic on the table, how a network learns, or how long it takes."""

    STRUCTURAL = "structural"
    TRAINING = "training"
    SPEED = "speed"


@dataclass(frozen=True)
class CheckResult:
    """What a check that needs no training found: the verdict, and one line with the arithmetic behind it."""

    verdict: Verdict
    evidence: str


@dataclass(frozen=True)
class Claim:
    """A paper's checkable statement.

    `number` is the paper's figure as it stands there; `method` says how it is tested here, and where that can't speak
    for the paper. `check` settles a structural or speed claim at once. `experiments` test a training claim, the
    closest to the paper's own first; each asks for a data set. `needs` names what is missing where there is neither:
    data sets (`repro.data`) by name, or a sentence for what no option can bring.
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
        """The data sets that it can be tested on, the closest to the paper's own first."""
        return tuple(dict.fromkeys(experiment.data for experiment in self.experiments))

    @property
    def wanted(self) -> tuple[str, ...]:
        """What would make it testable, where it is not: any of these."""
        return tuple(dict.fromkeys((*self.needs, *self.data)))


@dataclass(frozen=True)
class Paper:
    """A paper's claims. `name` begins the id of each; ids that end in E1, E2, ... are errata that we found."""

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
    """The claim of that id, in any case of letters; UnknownName with the nearest otherwise."""
    known = claims()
    if name.upper() not in known:
        raise UnknownName("claim", name.upper(), known)
    return known[name.upper()]


def supported(evidence: str) -> CheckResult:
    return CheckResult(Verdict.SUPPORTED, evidence)


def contradicted(evidence: str) -> CheckResult:
    return CheckResult(Verdict.CONTRADICTED, evidence)


def holds(true: bool, evidence: str) -> CheckResult:
    """`supported` if the arithmetic came out as the paper says, `contradicted` otherwise."""
    return supported(evidence) if true else contradicted(evidence)
