"""How many seeds a verdict will need, from the spread of trials that are there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from repro.claims.experiment import Contrast
from repro.claims.judge import MAX_SEEDS, Arms, values
from results.stats.estimates import CONFIDENCE

POWER = 0.8
"""The share of repetitions in which so many seeds decide."""


@dataclass(frozen=True)
class Power:
    """A contrast's need. `spread`: the standard deviation over seeds of the difference (of the logarithm, for a ratio).

    `seeds`: so many decide it if the effect is the paper's, and as many tell that half of it is not there if there is
    none; infinite from MAX_SEEDS on, and NaN with fewer than two pilot seeds.
    """

    statement: str
    pilot_seeds: int
    spread: float
    seeds: float


def needed(contrast: Contrast, arms: Arms) -> Power:
    """The power of a contrast by its trials.

    The distance that must be told is half of the paper's effect; without a figure, that from the mean of the trials to
    the claimed region's nearest end.
    """
    differences = values(contrast, arms)
    if len(differences) < 2:
        return Power(contrast.statement, len(differences), math.nan, math.nan)
    spread = float(np.std(differences, ddof=1))
    return Power(contrast.statement, len(differences), spread, seeds_for(spread, _distance(contrast, differences)))


def seeds_for(spread: float, distance: float, power: float = POWER, confidence: float = CONFIDENCE) -> float:
    """The fewest seeds whose interval excludes a value at `distance` from the truth with probability `power`.

    By the sum of both quantiles of Student's t, which is within a seed of the noncentral t's from three seeds on.
    Infinite if it is MAX_SEEDS or more.
    """
    for seeds in range(2, MAX_SEEDS):
        freedom = seeds - 1
        reach = float(stdtrit(freedom, 0.5 + confidence / 2) + stdtrit(freedom, power))
        if reach * spread / math.sqrt(seeds) <= distance:
            return seeds
    return math.inf


def _distance(contrast: Contrast, differences: Sequence[float]) -> float:
    if contrast.size is not None:
        return abs(math.log(contrast.size) if contrast.scale == "ratio" else contrast.size) / 2
    ends = (contrast.claimed.low, contrast.claimed.high)
    known = [math.log(end) if contrast.scale == "ratio" and end > 0 else end for end in ends]
    mean = float(np.mean(differences))
    return min(abs(mean - end) for end in known if math.isfinite(end))
