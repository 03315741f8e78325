"""What the interval of a ratio of times says: faster, slower, dead heat, within N %, or unclear.

A verdict uses the whole 95 % interval. Where it shows no direction, it says how far from 1 the ratio can be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from results.stats.estimates import BAND, Estimate, launches_for

WIDEST_PERCENT = 25
"""A ratio whose interval is not within so many percent of 1, and shows no direction, is unclear."""
DECIDED_PERCENT = 6
"""A ratio without a direction is decided where its interval is within so many percent of 1."""


class TimingVerdict(StrEnum):
    """Of a ratio of times, contestant over reference."""

    FASTER = "faster"
    SLOWER = "slower"
    DEAD_HEAT = "dead heat"
    WITHIN = "within"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Judgement:
    """A verdict; `percent` is that of WITHIN, None for the others. As text: "faster", "within 6 %"."""

    verdict: TimingVerdict
    percent: int | None = None

    def __post_init__(self) -> None:
        if (self.percent is not None) != (self.verdict is TimingVerdict.WITHIN):
            raise ValueError(f"verdict {self.verdict.value!r} with percent {self.percent}: `within` alone has one")

    def __str__(self) -> str:
        return self.verdict.value if self.percent is None else f"{self.verdict.value} {self.percent} %"

    @property
    def is_decided(self) -> bool:
        """Whether more launches are not needed: a direction, a dead heat, or within DECIDED_PERCENT."""
        if self.percent is not None:
            return self.percent <= DECIDED_PERCENT
        return self.verdict is not TimingVerdict.UNCLEAR


JUDGEMENTS = tuple(
    Judgement(verdict, percent)
    for verdict in TimingVerdict
    for percent in (range(round(100 * BAND) + 1, WIDEST_PERCENT + 1) if verdict is TimingVerdict.WITHIN else (None,))
)
"""All that there are."""


def judge(estimate: Estimate | None) -> Judgement:
    """The verdict on a ratio; unclear for None and where the interval is unknown.

    Faster and slower if the whole interval lies beyond BAND; otherwise what `bound` says.
    """
    if estimate is not None and estimate.high < 1 - BAND:
        return Judgement(TimingVerdict.FASTER)
    if estimate is not None and estimate.low > 1 + BAND:
        return Judgement(TimingVerdict.SLOWER)
    return bound(estimate)


def bound(estimate: Estimate | None) -> Judgement:
    """The verdict on a ratio without regard to direction: dead heat, within N %, or unclear.

    N is the smallest whole percent with the whole interval in 1 ± N %, at most WIDEST_PERCENT.
    """
    if estimate is None or math.isnan(estimate.low):
        return Judgement(TimingVerdict.UNCLEAR)
    if _is_within(estimate, BAND):
        return Judgement(TimingVerdict.DEAD_HEAT)
    held = (percent for percent in range(1, WIDEST_PERCENT + 1) if _is_within(estimate, percent / 100))
    percent = next(held, None)
    return Judgement(TimingVerdict.UNCLEAR) if percent is None else Judgement(TimingVerdict.WITHIN, percent)


def _is_within(estimate: Estimate, share: float) -> bool:
    return 1 - share <= estimate.low and estimate.high <= 1 + share


def launches_needed(estimate: Estimate | None) -> float:
    """How many launches, all told, would decide a ratio if launches go on spreading as they have.

    NaN where the spread is unknown (one launch), infinite where the number is larger than anyone would wait for.
    """
    if estimate is None or math.isnan(estimate.low):
        return math.nan
    return launches_for(estimate, _decisive_half_width(estimate.value))


def _decisive_half_width(ratio: float) -> float:
    """The half-width, on logarithms, of the widest interval around a ratio that is decided."""
    value, decided = math.log(ratio), DECIDED_PERCENT / 100
    faster, slower = math.log1p(-BAND) - value, value - math.log1p(BAND)
    within = min(value - math.log1p(-decided), math.log1p(decided) - value)
    return max(faster, slower, within)
