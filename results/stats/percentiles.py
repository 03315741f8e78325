"""Percentiles of the times of single steps: which ones a launch's steps allow, and their values.

A percentile is an order statistic, a time that a step took; nothing is interpolated. It needs so many steps that an
interval between two order statistics holds it with 95 % confidence, were the steps independent (David and Nagaraja
2003, Order Statistics, section 7.1). With fewer, the extreme steps say nothing of it, and it is missing. Steps in a row
are not independent, so this is the least that is needed, and the interval within a launch is not reported: the launch
is the unit of replication (results.stats.estimates), and intervals are over launches.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from results.stats.estimates import CONFIDENCE

PER_MILLE: Mapping[str, int] = {
    "1": 10, "5": 50, "10": 100, "25": 250, "50": 500, "75": 750, "90": 900, "95": 950, "99": 990, "99.5": 995,
    "99.9": 999,
}  # fmt: skip
"""The percentiles of a launch, which draw the distribution of its steps: steps below it, of a thousand."""
REPORTED = ("50", "90", "99", "99.9")
"""Those that tables have."""


def fewest(percentile: str) -> int:
    """The smallest number of steps for a percentile of PER_MILLE: 6 for the median, 3688 for 99.9.

    The largest of n steps is below the percentile p in p^n of all launches, the smallest above it in (1 - p)^n. Neither
    may be more than half of the error that the confidence allows.
    """
    share = PER_MILLE[percentile] / 1000
    return math.ceil(math.log((1 - CONFIDENCE) / 2) / math.log(max(share, 1 - share)))


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """The percentiles that so many steps allow, by name, in increasing order, each the time of a step, in seconds."""
    ordered, count = sorted(seconds), len(seconds)
    return {
        name: ordered[-(-per_mille * count // 1000) - 1]
        for name, per_mille in PER_MILLE.items()
        if count >= fewest(name)
    }
