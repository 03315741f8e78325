"""Change points: lasting steps of a series of campaigns from one level to another.

Within a campaign the unit of replication is the launch; between campaigns it is the campaign, as conditions differ
between hours: the error of a level is estimated from the scatter of its campaigns, not from the number of launches. The
best piecewise-constant fits in log time, one for each number of steps, are found exactly. The fit with the most steps
is chosen of which every step is significant by a t test, corrected for all possible positions of the steps.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from results.stats.estimates import BAND, CONFIDENCE, Estimate

FEWEST = 3
"""Minimum number of campaigns on a level: two adjacent outliers must not make a level."""
MOST_STEPS = 12
EDGE = math.log1p(BAND)
"""Edge of the band in log time."""
CHI2_1_MEDIAN = 0.455
"""The median of the square of a standard normal."""

Cuts = tuple[int, ...]
"""The index of the first campaign of every level except the first."""


@dataclass(frozen=True)
class Step:
    """The change from the previous level: ratio of times, and p value under the null of a change within the band.

    `p` is corrected for all tests of the family, `ratio` is not; `ratio.launches` counts campaigns.
    """

    ratio: Estimate
    p: float


@dataclass(frozen=True)
class Level:
    """Campaigns `begin` up to `end` (exclusive; indices in the series), their time, and the step to this level."""

    begin: int
    end: int
    seconds: float
    step: Step | None = None


def levels(series: Sequence[Sequence[float]], looked_at: int = 1) -> tuple[Level, ...]:
    """The levels of a series of campaigns, each given by its launches' times, in chronological order.

    `looked_at`: the number of series in the family. For families without a step, the probability of any step is at most
    5 % if the scatter of campaigns is normal and independent. A step is lasting (FEWEST campaigns on both sides),
    larger than the band, and no drift: a straight line through the campaigns of both levels must not fit better.
    """
    if not series:
        return ()
    points = points_of(series)
    found: Cuts = ()
    proven: tuple[Step, ...] = ()
    for cuts in best_fits(points):
        tests = (
            ways(len(series), len(cuts)) * looked_at * 2 ** len(cuts)
        )  # halved for each additional step: the sum is at most 1
        if steps := _significant_steps(points, cuts, tests):
            found, proven = cuts, steps
    return tuple(
        Level(part.start, part.stop, math.exp(points.middle + _mean(points, part)), step)
        for part, step in zip(_parts(points, found), (None, *proven), strict=True)
    )


@dataclass(frozen=True)
class Points:
    """Campaigns' centres in log time about their `middle`, their weights, and the variance from their launches."""

    middle: float
    values: np.ndarray
    weights: np.ndarray
    noise: np.ndarray


def points_of(series: Sequence[Sequence[float]]) -> Points:
    """A campaign's weight follows from the scatter between campaigns and from the spread of its launches."""
    logs = [np.log(np.sort(times)) for times in series]
    values = np.array([math.fsum(one) / len(one) for one in logs])
    freedom = sum(len(one) - 1 for one in logs)
    within = math.fsum(float(np.sum((one - one.mean()) ** 2)) for one in logs)
    noise = np.array([within / freedom / len(one) if freedom else 0.0 for one in logs])
    jumps = float(np.median(np.diff(values) ** 2)) / (2 * CHI2_1_MEDIAN) if len(values) > 1 else 0.0
    variance = max(jumps - float(noise.mean()), 0.0) + noise
    weights = variance.mean() / variance if variance.all() else np.ones(len(series))
    middle = float(np.median(values))
    return Points(middle, values - middle, weights, noise)


def ways(count: int, cuts: int) -> int:
    """The number of ways to cut `count` campaigns so many times."""
    return math.comb(count - (FEWEST - 1) * (cuts + 1) - 1, cuts)


def best_fits(points: Points) -> list[Cuts]:
    """For each possible number of steps, from one up, the cuts with the least squares."""
    squares = _squares(points)
    best = squares[0]  # by n, for the first n campaigns on so many levels
    found, starts = [], []
    for _ in range(min(MOST_STEPS, len(points.values) // FEWEST - 1)):
        sums = best[:, None] + squares
        starts.append(sums.argmin(axis=0))
        best = sums.min(axis=0)
        found.append(_traced(starts, len(points.values)))
    return found


def _traced(starts: Sequence[np.ndarray], count: int) -> Cuts:
    ends = [count]
    for last in reversed(starts):
        ends.append(int(last[ends[-1]]))
    return tuple(reversed(ends[1:]))


def _squares(points: Points) -> np.ndarray:
    """[begin, end] -> the weighted sum of squares of those campaigns about their mean; infinite where too few."""
    sums = [np.concatenate([[0.0], np.cumsum(points.weights * points.values**power)]) for power in range(3)]
    weight, first, second = (one[None, :] - one[:, None] for one in sums)
    ends = np.arange(len(sums[0]))
    enough = ends[None, :] - ends[:, None] >= FEWEST
    return np.where(enough, np.maximum(second - first**2 / np.where(enough, weight, 1.0), 0.0), math.inf)


def _significant_steps(points: Points, cuts: Cuts, tests: int) -> tuple[Step, ...]:
    """The step at each cut with its Bonferroni-corrected p value; empty unless all are significant."""
    parts = _parts(points, cuts)
    means = [_mean(points, part) for part in parts]
    changes = [after - before for before, after in itertools.pairwise(means)]
    if any(abs(change) <= EDGE for change in changes):  # most fits end here
        return ()
    freedom = len(points.values) - len(parts)
    scatter = sum(_squares_about(points, part, mean) for part, mean in zip(parts, means)) / freedom
    errors = [math.sqrt(sum(_variance(points, one, scatter) for one in both)) for both in itertools.pairwise(parts)]
    p_values = [tests * _within_band(change, error, freedom) for change, error in zip(changes, errors)]
    if max(p_values) >= 1 - CONFIDENCE or _drifts(points, parts):
        return ()
    campaigns = [after.stop - before.start for before, after in itertools.pairwise(parts)]
    ratios = [_ratio(*found, freedom=freedom) for found in zip(changes, errors, campaigns)]
    return tuple(Step(ratio, p) for ratio, p in zip(ratios, p_values))


def _ratio(change: float, error: float, campaigns: int, freedom: int) -> Estimate:
    half = float(stdtrit(freedom, 0.5 + CONFIDENCE / 2)) * error
    return Estimate(math.exp(change), math.exp(change - half), math.exp(change + half), campaigns)


def _within_band(change: float, error: float, freedom: int) -> float:
    """Two-sided p value of a change as large as this if the true change is at the edge of the band."""
    if error == 0:
        return float(abs(change) <= EDGE)
    return float(stdtr(freedom, (EDGE - abs(change)) / error) + stdtr(freedom, (-EDGE - abs(change)) / error))


def _variance(points: Points, part: slice, scatter: float) -> float:
    """Variance of a level, from the scatter of campaigns; at least that from their launches."""
    weights = points.weights[part]
    launches = float(np.sum(weights**2 * points.noise[part])) / float(np.sum(weights)) ** 2
    return max(scatter / float(np.sum(weights)), launches)


def _mean(points: Points, part: slice) -> float:
    weights = points.weights[part]
    return float(np.sum(weights * points.values[part]) / np.sum(weights))


def _parts(points: Points, cuts: Cuts) -> list[slice]:
    return [slice(*ends) for ends in itertools.pairwise((0, *cuts, len(points.values)))]


def _squares_about(points: Points, part: slice, mean: float) -> float:
    return float(np.sum(points.weights[part] * (points.values[part] - mean) ** 2))


def _drifts(points: Points, parts: Sequence[slice]) -> bool:
    """Whether a straight line fits any two adjacent levels better than the levels do."""
    return any(_line_fits(points, before, after) for before, after in itertools.pairwise(parts))


def _line_fits(points: Points, before: slice, after: slice) -> bool:
    both = slice(before.start, after.stop)
    values, weights = points.values[both], points.weights[both]
    places = np.arange(len(values))
    line = np.polyval(np.polyfit(places, values, 1, w=np.sqrt(weights)), places)
    straight = float(np.sum(weights * (values - line) ** 2))
    return straight < sum(_squares_about(points, part, _mean(points, part)) for part in (before, after))
