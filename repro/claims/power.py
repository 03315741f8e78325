"""How many seeds a verdict will need, from the spread of trials that are there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from repro.claims.experiment import Contrast
from repro.claims.judge import MAX_SEEDS, Arms, shared, values
from results.stats.estimates import CONFIDENCE

POWER = 0.8
"""The share of repetitions in which so many seeds decide."""


@dataclass(frozen=True)
class Power:
    """A contrast's need. `spread`: the standard deviation over seeds of the difference (of the logarithm, for a ratio).

    `seeds`: so many decide it if the effect is the paper's, and as many tell that half of it is not there if there is
    none, if that number is chosen beforehand; infinite from MAX_SEEDS on, and NaN with fewer than two pilot seeds.
    """

    statement: str
    pilot_seeds: int
    spread: float
    seeds: float


def needed(contrast: Contrast, arms: Arms, family: int = 1) -> Power:
    """The power of a contrast by its trials. `family`: number of contrasts of the claim.

    The distance that must be told is half of the paper's effect, or that of the effect to the claimed region's nearest
    end, if that is less; without a figure, the distance of the trials' mean to that end.
    """
    differences = values(contrast, arms)
    if len(differences) < 2:
        return Power(contrast.statement, len(differences), math.nan, math.nan)
    spread = float(np.std(differences, ddof=1))
    seeds = seeds_for(spread, _distance(contrast, differences), confidence=shared(CONFIDENCE, family))
    return Power(contrast.statement, len(differences), spread, seeds)


def seeds_for(spread: float, distance: float, power: float = POWER, confidence: float = CONFIDENCE) -> float:
    """The fewest seeds whose interval excludes a value at `distance` from the truth with probability `power`.

    By the sum of both quantiles of Student's t, which is within a seed of the noncentral t's from three seeds on.
    Infinite if it is MAX_SEEDS or more.
    """
    for seeds in range(2, MAX_SEEDS):
        freedom = seeds - 1
        reach = float(stdtrit(freedom, 0.5 + confidence / 2) + stdtrit(freedom, power))
        if distance and reach * spread / math.sqrt(seeds) <= distance:
            return seeds
    return math.inf


def _distance(contrast: Contrast, differences: Sequence[float]) -> float:
    ends = [_scaled(contrast, end) for end in (contrast.claimed.low, contrast.claimed.high)]
    known = [end for end in ends if math.isfinite(end)]
    if contrast.size is None:
        return min(abs(float(np.mean(differences)) - end) for end in known)
    size = _scaled(contrast, contrast.size)
    return min([abs(size) / 2, *(abs(size - end) for end in known)])


def _scaled(contrast: Contrast, value: float) -> float:
    """The logarithm for a ratio."""
    if contrast.scale != "ratio":
        return value
    return math.log(value) if value > 0 else -math.inf
