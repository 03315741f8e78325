"""Findings: the verdict on each claim of the papers, with evidence and trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """Verdict on a claim. The last one means that no check was possible."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    INCONCLUSIVE = "inconclusive"
    NOT_TESTABLE = "not testable here"


@dataclass(frozen=True)
class ContrastResult:
    """One comparison of a training claim, with its interval over `pairs` seeds.

    `value` is in `unit`; `low` and `high` are None with fewer than two pairs. `claimed` is the claimed
    range, None for an open end; `paper` is the paper's value, as text. `remedy`: what would make an inconclusive
    comparison conclusive.
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
    """A tested claim. `arms`: ids of the trials of each arm; `scale`: how the trials differ from the paper's."""

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
