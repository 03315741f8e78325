"""Whether a case has one time at all: steps that had not settled, launches of two kinds, launches that drift."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from results.quality import Flag, Flagged, in_each, in_words
from results.schema.record import Record
from results.stats.estimates import BAND, geometric, launch_time
from results.units import step_time

FEWEST = 6
"""Launches from which on a pattern among them can be told from chance."""
MIN_LAUNCHES_BOTH_MODES = 8
"""Launches from which on both of two kinds are likely to be among them; fewer may all be of one, and nothing tells."""
MIN_LAUNCHES_SINGLETON = 10
"""Launches from which on one may be a kind by itself; the interval of fewer is wide enough for what it stands for."""
TWO_KINDS = 0.9
"""Share of the launches' variance that lies between two kinds, from which on there are two."""
TREND_P = 0.01


def bimodal(times: Sequence[float]) -> bool:
    """Whether launches fall into two kinds."""
    return split_modes(times) is not None


def split_modes(times: Sequence[float]) -> tuple[Sequence[float], Sequence[float]] | None:
    """The faster and the slower launches, if they fall into two kinds whose means differ by more than twice the band.

    None where they do not, or are too few to tell.
    """
    if len(times) < FEWEST:
        return None
    ordered = sorted(times)
    logs = np.log(ordered)
    whole = float(np.sum((logs - logs.mean()) ** 2))
    if not whole:
        return None
    least = 1 if len(logs) >= MIN_LAUNCHES_SINGLETON else 2
    low = np.arange(least, len(logs) - least + 1)  # launches of the lower kind, at every cut
    high, below = len(logs) - low, np.cumsum(logs)[low - 1]
    gap = (logs.sum() - below) / high - below / low
    share = low * high / len(logs) * gap**2 / whole
    best = int(np.argmax(share))
    if share[best] <= TWO_KINDS or gap[best] <= 2 * BAND:
        return None
    return ordered[: low[best]], ordered[low[best] :]


def drifts(times: Sequence[float]) -> bool:
    """Whether launches, in the order they ran, grow or shrink by more than the band."""
    return drift(times) != 0


def drift(times: Sequence[float]) -> float:
    """By which share launches grow from the first to the last, in the order they ran; negative where they shrink.

    0 where that is within the band or may be chance, or there are too few to tell.
    """
    if len(times) < FEWEST or len(set(times)) == 1:
        return 0.0
    logs = np.log(times)
    slope = float(np.polyfit(np.arange(len(logs)), logs, 1)[0]) * (len(logs) - 1)
    if abs(slope) <= BAND:
        return 0.0
    from scipy.stats import spearmanr  # half a second, which not every command should wait

    return math.expm1(slope) if spearmanr(np.arange(len(logs)), logs).pvalue < TREND_P else 0.0


def _times(launches: Sequence[Record]) -> list[float]:
    return [launch_time(record.seconds) for record in launches]


def _kinds(seen: Flagged) -> str:
    """The two kinds of the case where they are furthest apart."""
    found = [(case, both) for case, times in seen.times() if (both := split_modes(times))]
    case, both = max(found, key=lambda one: geometric(one[1][1]).value / geometric(one[1][0]).value)
    parts = " and ".join(f"{in_words(len(kind))} of {step_time(geometric(kind).value)}" for kind in both)
    return f"launches fall into two kinds ({parts} in {case}); a mean describes neither, its interval may be too narrow"


def _drift(seen: Flagged) -> str:
    """The way of the case that goes furthest."""
    case, most = max(((case, drift(times)) for case, times in seen.times()), key=lambda one: abs(one[1]))
    way = f"by {most:+.1%} from the first to the last in {case}"
    return f"launches grow or shrink as the campaign goes on ({way}): times are of no one state; ratios are paired"


def _unsettled(seen: Flagged) -> str:
    count = int((seen.launches.warmup_converged == False).sum())  # noqa: E712
    return f"steps had not settled when warm-up ended, in {in_words(count)}"


WARMUP_NOT_CONVERGED = Flag(
    name="warmup_not_converged",
    meaning="step times had not converged when warm-up ended",
    detect=in_each(lambda launches: any(one.warmup_converged is False for one in launches)),
    describe=_unsettled,
    hint="raise warmup_limit in the suite; if they never settle, look at the rounds in results.load()",
)
BIMODAL = Flag(
    name="bimodal",
    meaning="its launches have two modes: the mean describes neither",
    detect=in_each(lambda launches: bimodal(_times(launches))),
    describe=_kinds,
    hint="look at the launches in the report; thread placement or the allocator are usual causes: try --as-shipped",
)
DRIFT = Flag(
    name="drift",
    meaning="its times increase or decrease during the campaign",
    detect=in_each(lambda launches: drifts(_times(launches))),
    describe=_drift,
    hint="let the machine reach its temperature, or fix its clock; trust the ratios rather than the times",
)
