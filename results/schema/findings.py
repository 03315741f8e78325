"""Findings: the verdict on each claim of the papers, with evidence and trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """Verdict on a claim. `not at this scale`: the direction is open, and half of the paper's effect is excluded.

    The last one means that no check was possible.
    """

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_AT_THIS_SCALE = "not at this scale"
    INCONCLUSIVE = "inconclusive"
    NOT_TESTABLE = "not testable here"


class SizeVerdict(StrEnum):
    """Whether an effect of at least half of the paper's size is there."""

    AT_LEAST_HALF = "at least half of the paper's"
    LESS_THAN_HALF = "less than half of the paper's"
    OPEN = "open"


@dataclass(frozen=True)
class ContrastResult:
    """One comparison of a training claim, with its interval over `pairs` seeds.

    `value` is in `unit`; `low` and `high` are None with fewer than two pairs. `claimed` is the claimed
    range, None for an open end; `paper` is the paper's value, as text. `remedy`: what would make an inconclusive
    comparison conclusive. `size`: the effect that the paper reports, in `unit`, None if it gives none; `size_verdict`:
    whether half of it is there; `size_bound`: the largest effect in the paper's direction that the interval of that
    verdict holds. `is_missing_trials`: trials of its seeds have failed or never reached what is compared.
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
    size: float | None = None
    size_verdict: SizeVerdict | None = None
    size_bound: float | None = None
    is_missing_trials: bool = False


@dataclass(frozen=True)
class ClaimResult:
    """A tested claim. `arms`: ids of the trials of each arm; `scale`: how the trials differ from the paper's.

    `looks`: the numbers of seeds after which it was judged, if seeds were added until it was decided.
    """

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
    looks: tuple[int, ...] = ()


@dataclass(frozen=True)
class Agreement:
    """The frameworks' losses step by step from the same weights, images and order.

    Their relative difference was within `tolerance` for the first `together` of `steps` steps. `trials`: ids by
    framework.
    """

    statement: str
    tolerance: float
    together: int
    steps: int
    trials: Mapping[str, str]


@dataclass(frozen=True)
class Trained:
    """A network trained by its recipe in each framework: accuracy on the test images, as a share, and the target."""

    name: str
    scale: str
    aim: float
    trials: Mapping[str, str]
    command: str


@dataclass(frozen=True)
class Findings:
    """The findings of a reproduction."""

    claims: tuple[ClaimResult, ...] = ()
    agreement: Agreement | None = None
    trained: tuple[Trained, ...] = ()
