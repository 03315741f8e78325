"""Statistics over launches, computed when results are read.

The launch is the unit of replication: rounds of one process share whatever that process was dealt (memory layout,
thread placement), so a launch counts once, by the median of its rounds. Intervals are Student's t over launches on
the logarithm; a ratio pairs the launches that ran together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import stdtrit

CONFIDENCE = 0.95
BAND = 0.02
"""Ratios within 1 ± BAND make a dead heat."""


class Verdict(StrEnum):
    """Of a ratio of times, contestant over reference."""

    FASTER = "faster"
    SLOWER = "slower"
    DEAD_HEAT = "dead heat"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval over `launches`; with one launch the interval is unknown (NaN)."""

    value: float
    low: float
    high: float
    launches: int

    @property
    def relative_half_width(self) -> float:
        """Half of the interval as a share of the value, NaN when unknown."""
        return (self.high - self.low) / 2 / abs(self.value)


def launch_time(seconds: Sequence[float]) -> float:
    """Seconds per step of one launch: the median of its rounds."""
    return float(np.median(seconds))


def geometric(values: Sequence[float]) -> Estimate:
    """The geometric mean of positive values, one a launch, with its interval."""
    mean, half = _mean(np.log(values))
    return Estimate(math.exp(mean), math.exp(mean - half), math.exp(mean + half), len(values))


def arithmetic(values: Sequence[float]) -> Estimate:
    """The arithmetic mean of values, one a launch, with its interval."""
    mean, half = _mean(np.asarray(values))
    return Estimate(mean, mean - half, mean + half, len(values))


def ratio(times: Mapping[object, float], reference: Mapping[object, float]) -> Estimate | None:
    """`times` over `reference`, paired by key (the block that both ran in); None without a pair."""
    pairs = [times[block] / reference[block] for block in times if block in reference]
    return geometric(pairs) if pairs else None


def difference(longer: Sequence[float], shorter: Sequence[float]) -> Estimate | None:
    """The difference of two mean times from launches of their own (Welch's interval); None if either is empty."""
    if not longer or not shorter:
        return None
    value = float(np.mean(longer) - np.mean(shorter))
    launches = min(len(longer), len(shorter))
    if launches < 2:
        return Estimate(value, math.nan, math.nan, launches)
    parts = [float(np.var(side, ddof=1)) / len(side) for side in (longer, shorter)]
    variance = sum(parts)
    if variance == 0:
        return Estimate(value, value, value, launches)
    freedom = variance**2 / sum(part**2 / (len(side) - 1) for part, side in zip(parts, (longer, shorter), strict=True))
    half = _quantile(freedom) * math.sqrt(variance)
    return Estimate(value, value - half, value + half, launches)


def verdict(estimate: Estimate | None, band: float = BAND) -> Verdict:
    """Whether the whole interval lies below, above or inside 1 ± band; unclear otherwise."""
    if estimate is None or math.isnan(estimate.low):
        return Verdict.UNCLEAR
    if estimate.high < 1 - band:
        return Verdict.FASTER
    if estimate.low > 1 + band:
        return Verdict.SLOWER
    if 1 - band <= estimate.low and estimate.high <= 1 + band:
        return Verdict.DEAD_HEAT
    return Verdict.UNCLEAR


def _mean(values: np.ndarray) -> tuple[float, float]:
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, math.nan
    return mean, _quantile(len(values) - 1) * float(np.std(values, ddof=1)) / math.sqrt(len(values))


def _quantile(freedom: float) -> float:
    return float(stdtrit(freedom, 0.5 + CONFIDENCE / 2))
