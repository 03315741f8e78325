"""What came of testing papers' claims: a verdict each, with the evidence and the trials that it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """Of a claim. Everything but the last is what a check found; the last says that there was none."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    INCONCLUSIVE = "inconclusive"
    NOT_TESTABLE = "not testable here"


@dataclass(frozen=True)
class ContrastResult:
    """One comparison that a training claim rests on, with its interval over `pairs` seeds.

    `value` is in `unit`; `low` and `high` are None with fewer than two pairs. `claimed` is the range that the claim
    asserts, None for an open end; `paper` is the paper's own figure for the same, as text. `remedy` says what would
    settle an inconclusive one.
    """

    statement: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    pairs: int
    confidence: float
    claimed: tuple[float | None, float | None]
    paper: str
    verdict: Verdict
    remedy: str = ""


@dataclass(frozen=True)
class ClaimResult:
    """A claim as it was tested. `arms` names the trials (by id) of each arm; `scale` says how far from the paper."""

    id: str
    paper: str
    kind: str
    place: str
    statement: str
    number: str
    method: str
    verdict: Verdict
    evidence: str
    needs: tuple[str, ...] = ()
    scale: str = ""
    seeds: int = 0
    framework: str = ""
    command: str = ""
    contrasts: tuple[ContrastResult, ...] = ()
    arms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Agreement:
    """The frameworks' losses step by step from the same weights, images and order.

    They were within `tolerance` of each other (relative) for the first `together` of `steps` steps. `trials`: the id
    for each framework.
    """

    statement: str
    tolerance: float
    together: int
    steps: int
    trials: Mapping[str, str]


@dataclass(frozen=True)
class Trained:
    """A network trained by its recipe, in each framework: the share of test images it gets right, and the aim."""

    name: str
    scale: str
    aim: float
    trials: Mapping[str, str]
    command: str


@dataclass(frozen=True)
class Findings:
    """What a reproduction came to."""

    claims: tuple[ClaimResult, ...] = ()
    agreement: Agreement | None = None
    trained: tuple[Trained, ...] = ()
