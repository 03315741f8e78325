"""What is asked of intervals: of simulated campaigns, and of committed ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from bench.validation.coverage.machines import (
    CELLS,
    CONTESTANT_OF,
    CONTROLS,
    MOST_LAUNCHES,
    NETWORK_OF,
    NETWORKS,
    Machine,
    Resampled,
)
from bench.validation.coverage.measured import MeasuredCampaign
from bench.validation.coverage.methods import Floats, Method, Sample, plain
from results.stats.estimates import BAND, CONFIDENCE
from results.stats.moderation import inflation_of, moderated

MOST_CHOICES = 60
"""Of blocks, evenly from all choices of so many."""
Flags = np.ndarray[Any, np.dtype[np.bool_]]

WIDENED = "the same, widened by controls"
KNOWN_WITHIN = 0.06
"""A ratio counts as decided if its whole interval is within that of 1, or on one side of the band."""


@dataclass(frozen=True)
class Held:
    """Of intervals after so many launches: the share that holds the truth, half of the one in the middle, the share of
    controls whose interval lies outside the band."""

    launches: float
    covered: float
    half_width: float
    false_differences: float


def fixed(machine: Machine | Resampled, methods: Mapping[str, Method], count: int, seed: int) -> dict[str, list[Held]]:
    """By method: intervals after 2 to MOST_LAUNCHES launches of `count` campaigns."""
    rng = np.random.default_rng(seed)
    campaigns = machine.campaigns(rng, count)
    found: dict[str, list[Held]] = {name: [] for name in methods}
    for launches in range(2, MOST_LAUNCHES + 1):
        logs = campaigns.logs[..., :launches]
        number = np.full(logs.shape[:2], float(launches))
        sample = Sample(logs.var(-1, ddof=1), number, campaigns.seen(number, rng), CONTESTANT_OF)
        for name, method in methods.items():
            found[name].append(_held(launches, logs.mean(-1), campaigns.truth, method(sample)))
        widened = widths(logs.mean(-1), sample.variance, number, sample.within)
        found.setdefault(WIDENED, []).append(_held(launches, logs.mean(-1), campaigns.truth, widened))
    return found


def widths(mean: Floats, variance: Floats, launches: Floats, within: Floats) -> Floats:
    """Half of the intervals as a campaign reports them: moderated, and widened by what its controls show."""
    fitted = moderated(variance, launches, within)
    inflation = inflation_of(fitted.p_value(mean)[:, CONTROLS])
    return np.asarray(fitted.half_width(CONFIDENCE).width * inflation[:, None])


def _held(launches: float, mean: Floats, truth: Floats, half: Floats) -> Held:
    covered = float(np.mean(np.abs(mean - truth) <= half))
    same, width = mean[:, CONTROLS], half[:, CONTROLS]
    outside = (same - width > np.log1p(BAND)) | (same + width < np.log1p(-BAND))
    return Held(float(launches), covered, float(np.median(half)), float(np.mean(outside)))


def stopped(machine: Machine | Resampled, count: int, seed: int, noise: float = 1.0) -> Held:
    """The intervals of campaigns that look after each launch, and launch a network until all its ratios are decided.

    `launches` is the mean. Intervals are those of `widths`. All deviations from the true ratios are multiplied by
    `noise`: with less, campaigns stop earlier.
    """
    rng = np.random.default_rng(seed)
    campaigns = machine.campaigns(rng, count).quieter(noise)
    launches = np.full((count, CELLS), 2.0)
    rows, cells = np.indices(launches.shape)
    sums, squares = np.cumsum(campaigns.logs, -1), np.cumsum(campaigns.logs**2, -1)
    for look in range(2, MOST_LAUNCHES + 1):
        last = launches.astype(int) - 1
        mean = sums[rows, cells, last] / launches
        variance = np.maximum(squares[rows, cells, last] - launches * mean**2, 0) / (launches - 1)
        half = widths(mean, variance, launches, campaigns.seen(launches, rng))
        unclear = undecided(mean, half)
        open_networks = np.stack([unclear[:, network == NETWORK_OF].any(-1) for network in range(NETWORKS)], -1)
        if look < MOST_LAUNCHES:
            launches = launches + (open_networks[:, NETWORK_OF] & (launches == look))
    return _held(float(launches.mean()), mean, campaigns.truth, half)


def undecided(mean: Floats, half: Floats, within: float = KNOWN_WITHIN) -> Flags:
    """Whether log ratios with these halves of intervals have no verdict yet (results.stats.verdicts)."""
    low, high = np.expm1(mean - half), np.expm1(mean + half)
    return np.asarray(~((high < -BAND) | (low > BAND) | (np.maximum(-low, high) <= within)))


@dataclass(frozen=True)
class Predicted:
    """The share of cells where the mean of the other launches lies outside of what the interval from `launches`
    predicts; half of the interval in the middle."""

    launches: int
    missed: float
    half_width: float


def predicted(
    campaigns: Sequence[MeasuredCampaign], methods: Mapping[str, Method], launches: Sequence[int] = (2, 3, 4)
) -> dict[str, list[Predicted]]:
    """By method, in the mean of the campaigns: from choices of so many blocks of each, two others left at least.

    The mean of n launches and that of the m others differ by a variance of (1 / n + 1 / m) times that of a launch.
    """
    found: dict[str, list[Predicted]] = {name: [] for name in methods}
    for number in launches:
        choices = [list(_choices(one, number)) for one in campaigns if len(one.cells[0].ratios) >= number + 2]
        for name, method in methods.items():
            results = [np.mean([_missed(*choice, method) for choice in own], 0) for own in choices]
            missed, half = np.mean(results, 0)
            found[name].append(Predicted(number, float(missed), float(half)))
    return found


def _choices(campaign: MeasuredCampaign, number: int) -> Iterator[tuple[Sample, Floats]]:
    """(sample, distance of its means from those of the other blocks, scaled to the width of the interval)."""
    logs = np.array([cell.logs for cell in campaign.cells])
    blocks = range(logs.shape[1])
    every = list(combinations(blocks, number))
    for drawn in every[:: 1 + len(every) // MOST_CHOICES]:
        rest = [block for block in blocks if block not in drawn]
        part = logs[:, drawn]
        distance = np.abs(logs[:, rest].mean(-1) - part.mean(-1)) / np.sqrt(1 + number / len(rest))
        sample = replace(
            campaign.sample(), variance=part.var(-1, ddof=1), launches=np.full(len(campaign.cells), float(number))
        )
        yield sample, distance


def _missed(sample: Sample, distance: Floats, method: Method) -> tuple[float, float]:
    half = method(sample)
    return float(np.mean(distance > half)), float(np.median(half))


@dataclass(frozen=True)
class Verdicts:
    """How many ratios of measured campaigns a method calls so; `kept`: dead heats that are one by plain t, too."""

    ratios: int
    unclear: int
    dead_heats: int
    kept: int
    half_width: float


def verdicts(campaigns: Sequence[MeasuredCampaign], methods: Mapping[str, Method]) -> dict[str, Verdicts]:
    """By method, of all ratios of two launches and more; `half_width` is the one in the middle."""
    return {name: _verdicts(campaigns, method) for name, method in methods.items()}


def _verdicts(campaigns: Sequence[MeasuredCampaign], method: Method) -> Verdicts:
    mean = np.concatenate([[cell.logs.mean() for cell in campaign.cells] for campaign in campaigns])
    half, own = (np.concatenate([one(campaign.sample()) for campaign in campaigns]) for one in (method, plain))
    heats = _dead_heat(mean, half)
    unclear = undecided(mean, half, 0.0) & ~heats
    kept = heats & _dead_heat(mean, own)
    return Verdicts(len(mean), int(unclear.sum()), int(heats.sum()), int(kept.sum()), float(np.median(half)))


def _dead_heat(mean: Floats, half: Floats) -> Flags:
    return np.asarray((np.expm1(mean - half) >= -BAND) & (np.expm1(mean + half) <= BAND))
