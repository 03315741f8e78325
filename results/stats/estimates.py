"""Statistics over launches, computed when results are read.

The launch is the unit of replication: rounds of one process share its memory layout and thread placement, so a launch
counts once, by the median of its rounds. Intervals are Student's t over launches on
the logarithm. A ratio pairs launches of the same block, and within them adjacent rounds.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import TypeVar

import numpy as np
from scipy.special import stdtr, stdtrit

T = TypeVar("T")
MOST_AT_ONCE = 2**20
"""Numbers that are computed with at once, to bound memory."""
Rounds = Sequence[float]
"""Seconds per step of one launch's rounds, in the order of time."""

CONFIDENCE = 0.95
DETECTION_CONFIDENCE = 0.99
"""Confidence level for calling a difference significant: a table has a hundred ratios, and without any difference, five
of a hundred 95 % intervals exclude 1."""
BAND = 0.02
"""Ratios within 1 ± BAND make a dead heat."""
MOST_LAUNCHES = 10_000
"""A required number of launches from this limit on is reported as infinite."""


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval over `launches`; the interval of a single launch is NaN.

    The interval is Student's t with `freedom` degrees of freedom (None: launches - 1). It uses up
    `error_share` of the error that its confidence allows: all, unless it is the narrower of two
    (results.stats.moderation). A further launch adds `freedom_per_launch` degrees of freedom: less than one where the
    interval is over nodes (results.stats.nodes).
    """

    value: float
    low: float
    high: float
    launches: int
    freedom: float | None = None
    error_share: float = 1.0
    freedom_per_launch: float = 1.0

    @property
    def relative_half_width(self) -> float:
        """Half-width of the interval relative to the value; NaN if unknown."""
        return (self.high - self.low) / 2 / abs(self.value)

    @property
    def is_significant(self) -> bool:
        """Whether the 99 % interval of a ratio excludes 1. A verdict requires more: a difference beyond the band."""
        if self.launches < 2:
            return False
        wider = self.quantile(DETECTION_CONFIDENCE) / self.quantile()
        return abs(math.log(self.low * self.high)) > wider * math.log(self.high / self.low)

    @property
    def own_freedom(self) -> float:
        """Degrees of freedom of its interval; 0 for a single launch."""
        return self.launches - 1 if self.freedom is None else self.freedom

    def quantile(self, confidence: float = CONFIDENCE, launches: int | None = None) -> float:
        """Half of the interval of that confidence, in standard errors; or as it would be after so many launches."""
        freedom = self.own_freedom
        freedom += 0 if launches is None else (launches - self.launches) * self.freedom_per_launch
        return _quantile(freedom, 1 - (1 - confidence) * self.error_share)


def launch_time(seconds: Sequence[float]) -> float:
    """Seconds per step of one launch: the median of its rounds."""
    return float(median(seconds))  # for few numbers, NumPy's overhead is ten times the computation


def launch_times(launches: Mapping[object, Rounds]) -> list[float]:
    """Seconds per step of each launch."""
    return [launch_time(rounds) for rounds in launches.values()]


def geometric(values: Sequence[float]) -> Estimate:
    """The geometric mean of positive values, one per launch, with its interval."""
    if min(values) == max(values):  # exactly that, not its logarithm's exponential
        half = 0.0 if len(values) > 1 else math.nan
        return Estimate(values[0], values[0] - half, values[0] + half, len(values))
    mean, half = _mean(np.log(values))
    return Estimate(math.exp(mean), math.exp(mean - half), math.exp(mean + half), len(values))


def arithmetic(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """The arithmetic mean of values, one per launch (or seed), with its interval."""
    mean, half = _mean(np.asarray(values), confidence)
    return Estimate(mean, mean - half, mean + half, len(values))


def paired_shift(rounds: Rounds, reference: Rounds) -> float:
    """One launch over another of the same block: the median over all pairs of their rounds' ratios' geometric means.

    Hodges and Lehmann's estimate, on logarithms, of the shift between the n-th round of the one and the n-th of the
    other: disturbances of both cancel, and the estimate is robust to single outlying rounds. Of three rounds one is
    more than it bears, so there it is the median of the ratios. If the numbers of rounds differ, it is the ratio of the
    medians.
    """
    return paired_shifts([(rounds, reference)])[0]


def paired_shifts(pairs: Sequence[tuple[Rounds, Rounds]]) -> list[float]:
    """`paired_shift` of each of the pairs, computed together: NumPy's overhead on one pair exceeds its computation."""
    return shifts_of(pairs, round_ratios(pairs))


def round_ratios(pairs: Sequence[tuple[Rounds, Rounds]]) -> list[tuple[list[int], np.ndarray]]:
    """The ratios of rounds, paired in order, of pairs with equally many: (places of pairs, array (pairs, rounds)) each.

    Pairs of another number of rounds are in another part. A part has at most MOST_AT_ONCE pairs of ratios.
    """
    alike: dict[int, list[int]] = {}
    for place, (rounds, reference) in enumerate(pairs):
        if len(rounds) == len(reference):
            alike.setdefault(len(rounds), []).append(place)
    found = []
    for size, places in alike.items():
        for part in at_once(len(places), size):
            some = places[part]
            found.append((some, np.divide([pairs[place][0] for place in some], [pairs[place][1] for place in some])))
    return found


def at_once(count: int, rounds: int) -> list[slice]:
    """The parts of so many pairs of launches, of so many rounds each, that are computed with at once."""
    step = max(MOST_AT_ONCE // max(rounds, 1) ** 2, 1)
    return [slice(begin, begin + step) for begin in range(0, count, step)]


def shifts_of(pairs: Sequence[tuple[Rounds, Rounds]], ratios: Sequence[tuple[list[int], np.ndarray]]) -> list[float]:
    """`paired_shifts`, from the ratios of their rounds."""
    found = [math.nan] * len(pairs)
    unlike = set(range(len(pairs)))
    for places, own in ratios:
        unlike.difference_update(places)
        for place, shift in zip(places, shifts(own).tolist(), strict=True):
            found[place] = shift
    for place in unlike:
        rounds, reference = pairs[place]
        found[place] = launch_time(rounds) / launch_time(reference)
    return found


def shifts(ratios: np.ndarray) -> np.ndarray:
    """`paired_shift` of each row of ratios of rounds: (launches, rounds)."""
    size = ratios.shape[1]
    if size == 3:
        return np.asarray(np.median(ratios, axis=1))
    first, second = _upper_triangle(size)
    means = np.sort(np.sqrt(ratios[:, first] * ratios[:, second]), axis=1)
    count = means.shape[1]
    return np.asarray(np.sqrt(means[:, (count - 1) // 2] * means[:, count // 2]))


@cache
def _upper_triangle(size: int) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.triu_indices(size)
    return rows, columns


def ratio(launches: Mapping[object, Rounds], reference: Mapping[object, Rounds]) -> Estimate | None:
    """The ratio of `launches` to `reference`, paired by key (the block of both); None without a pair."""
    pairs = paired_shifts([(rounds, reference[block]) for block, rounds in launches.items() if block in reference])
    return geometric(pairs) if pairs else None


def independent_ratio(times: Sequence[float], reference: Sequence[float]) -> Comparison | None:
    """The ratio of `times` to `reference` for unpaired launches: Welch's test on logarithms; None if either is empty.

    `slower` and `faster` are one-sided p values of a ratio beyond the band; NaN with fewer than two launches on a side.
    """
    if not times or not reference:
        return None
    logs = np.log(times), np.log(reference)
    value = float(np.mean(logs[0]) - np.mean(logs[1]))
    launches = min(map(len, logs))
    if launches < 2:
        return Comparison(Estimate(math.exp(value), math.nan, math.nan, launches), math.nan, math.nan)
    error, freedom = _welch(*logs)
    half = _quantile(freedom) * error
    estimate = Estimate(math.exp(value), math.exp(value - half), math.exp(value + half), launches)
    return compared(estimate, value, error, freedom)


def paired_ratio(launches: Mapping[object, Rounds], reference: Mapping[object, Rounds]) -> Comparison | None:
    """The same for launches of the same blocks, paired by key: Student's test on logarithms."""
    pairs = np.log(paired_shifts([(launches[block], reference[block]) for block in launches if block in reference]))
    if not len(pairs):
        return None
    value = float(np.mean(pairs))
    if len(pairs) < 2:
        return Comparison(Estimate(math.exp(value), math.nan, math.nan, len(pairs)), math.nan, math.nan)
    error, freedom = float(np.std(pairs, ddof=1)) / math.sqrt(len(pairs)), len(pairs) - 1.0
    return compared(geometric(list(np.exp(pairs))), value, error, freedom)


def compared(ratio: Estimate, value: float, error: float, freedom: float) -> Comparison:
    """The comparison of a ratio with the logarithm `value`, which has that standard error and degrees of freedom."""
    slower = _beyond(value - math.log1p(BAND), error, freedom)
    faster = _beyond(math.log1p(-BAND) - value, error, freedom)
    return Comparison(ratio, slower, faster, freedom)


@dataclass(frozen=True)
class Comparison:
    """A ratio with the p values of being slower, and faster, by more than the band. `freedom`: of its error, or NaN."""

    ratio: Estimate
    slower: float
    faster: float
    freedom: float = math.nan


def holm(p_values: Mapping[T, float]) -> dict[T, float]:
    """Holm's adjusted p values: rejecting those up to 5 % errs anywhere in the family in at most 5 % of families.

    NaN (no interval) counts as no test and does not affect the other p values.
    """
    known = sorted((p, key) for key, p in enumerate(p_values.values()) if not math.isnan(p))
    adjusted = [math.nan] * len(p_values)
    largest = 0.0
    for place, (p, key) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - place)))
        adjusted[key] = largest
    return dict(zip(p_values, adjusted, strict=True))


def geometric_mean(ratios: Sequence[Estimate], shared: bool = False) -> Estimate:
    """The geometric mean of ratios of different workloads, with an interval propagated from theirs.

    It describes these workloads, not a population of workloads; `launches` is their number. `shared`: their errors may
    be the same, so that they do not average out.
    """
    middle = float(np.mean([math.log(one.value) for one in ratios]))
    halves = [(math.log(one.high) - math.log(one.low)) / 2 for one in ratios]
    half = (sum(halves) if shared else math.sqrt(sum(half**2 for half in halves))) / len(ratios)
    return Estimate(math.exp(middle), math.exp(middle - half), math.exp(middle + half), len(ratios))


def launches_for(estimate: Estimate, half_width: float) -> float:
    """The total number of launches for an interval of that half-width, on logarithms, if their spread stays the same.

    The estimate must have an interval. Infinite if the number is MOST_LAUNCHES or more.
    """
    half = (math.log(estimate.high) - math.log(estimate.low)) / 2
    spread = half * math.sqrt(estimate.launches) / estimate.quantile()
    return _fewest(MOST_LAUNCHES, lambda n: estimate.quantile(launches=n) * spread / math.sqrt(n) <= half_width)


def count_needed(spread: float, distance: float, most: int) -> float:
    """The number of values of this `spread` (standard deviation) for an interval with half-width of at most `distance`.

    Infinite if that is `most` or more.
    """
    return _fewest(most, lambda n: _quantile(n - 1) * spread / math.sqrt(n) <= distance)


def _fewest(most: int, suffices: Callable[[int], bool]) -> float:
    """The smallest number from 2 on that suffices, as all larger ones do; infinite where that is `most` or more."""
    needed = bisect.bisect_left(range(most), True, lo=2, key=suffices)
    return math.inf if needed == most else float(needed)


def difference(longer: Sequence[float], shorter: Sequence[float]) -> Estimate | None:
    """The difference of two mean times of unpaired launches (Welch's interval); None if either is empty."""
    if not longer or not shorter:
        return None
    value = float(np.mean(longer) - np.mean(shorter))
    launches = min(len(longer), len(shorter))
    if launches < 2:
        return Estimate(value, math.nan, math.nan, launches)
    error, freedom = _welch(np.asarray(longer), np.asarray(shorter))
    half = _quantile(freedom) * error
    return Estimate(value, value - half, value + half, launches)


def _welch(*sides: np.ndarray) -> tuple[float, float]:
    """(standard error of the difference of two means, its degrees of freedom)."""
    parts = [float(np.var(side, ddof=1)) / len(side) for side in sides]
    variance = sum(parts)
    if variance == 0:
        return 0.0, min(map(len, sides)) - 1.0
    freedom = variance**2 / sum(part**2 / (len(side) - 1) for part, side in zip(parts, sides, strict=True))
    return math.sqrt(variance), freedom


def _beyond(distance: float, error: float, freedom: float) -> float:
    """One-sided p value of an estimate that lies `distance` beyond a bound."""
    if error == 0:
        return float(distance <= 0)
    return float(stdtr(freedom, -distance / error))


def _mean(values: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, math.nan
    return mean, _quantile(len(values) - 1, confidence) * float(np.std(values, ddof=1)) / math.sqrt(len(values))


def _quantile(freedom: float, confidence: float = CONFIDENCE) -> float:
    return float(stdtrit(freedom, 0.5 + confidence / 2))
