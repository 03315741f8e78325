"""Flags on whether a case has a stable time: warm-up not converged, bimodal launches, drifting launches."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from results.quality import Flag, Flagged, in_each, in_words
from results.stats.estimates import BAND, geometric
from results.stats.launches import Launches
from results.units import step_time

FEWEST = 6
"""Minimum number of launches for a test of bimodality or drift."""
MIN_LAUNCHES_BOTH_MODES = 8
"""Minimum number of launches that is likely to contain both modes; fewer may all be of one mode, undetected."""
MIN_LAUNCHES_SINGLETON = 10
"""Minimum number of launches for a mode of a single launch; with fewer launches, the interval is wide enough for it."""
TWO_KINDS = 0.9
"""Launches are bimodal if more than this share of their variance lies between the two modes."""
TREND_P = 0.01


def bimodal(times: Sequence[float]) -> bool:
    """Whether launches have two modes."""
    return split_modes(times) is not None


def split_modes(times: Sequence[float]) -> tuple[Sequence[float], Sequence[float]] | None:
    """The faster and the slower launches, if they have two modes with means that differ by more than twice the band.

    None if they do not, or are too few for the test.
    """
    if len(times) < FEWEST:
        return None
    ordered = sorted(times)
    logs = np.log(ordered)
    whole = float(np.sum((logs - logs.mean()) ** 2))
    if not whole:
        return None
    least = 1 if len(logs) >= MIN_LAUNCHES_SINGLETON else 2
    low = np.arange(least, len(logs) - least + 1)  # launches of the lower mode, at every cut
    high, below = len(logs) - low, np.cumsum(logs)[low - 1]
    gap = (logs.sum() - below) / high - below / low
    share = low * high / len(logs) * gap**2 / whole
    best = int(np.argmax(share))
    if share[best] <= TWO_KINDS or gap[best] <= 2 * BAND:
        return None
    return ordered[: low[best]], ordered[low[best] :]


def drifts(times: Sequence[float]) -> bool:
    """Whether launch times, in the order in which they ran, increase or decrease by more than the band."""
    return drift(times) != 0


def drift(times: Sequence[float]) -> float:
    """Relative change of launch times from the first launch to the last, in the order in which they ran.

    0 if it is within the band or not significant, or if the launches are too few for the test.
    """
    if len(times) < FEWEST or len(set(times)) == 1:
        return 0.0
    logs = np.log(times)
    slope = float(np.polyfit(np.arange(len(logs)), logs, 1)[0]) * (len(logs) - 1)
    if abs(slope) <= BAND:
        return 0.0
    from scipy.stats import spearmanr  # takes half a second to import, which most commands do not need

    return math.expm1(slope) if spearmanr(np.arange(len(logs)), logs).pvalue < TREND_P else 0.0


def _times(launches: Launches) -> list[float]:
    return list(launches["seconds"].tolist())


def _kinds(seen: Flagged) -> str:
    """Describe the modes of the case in which they differ most."""
    found = [(case, both) for case, times in seen.times() if (both := split_modes(times))]
    case, both = max(found, key=lambda one: geometric(one[1][1]).value / geometric(one[1][0]).value)
    parts = " and ".join(f"{in_words(len(kind))} of {step_time(geometric(kind).value)}" for kind in both)
    return f"launches have two modes ({parts} in {case}); the mean describes neither, its interval may be too narrow"


def _drift(seen: Flagged) -> str:
    """Describe the drift of the case with the largest one."""
    case, most = max(((case, drift(times)) for case, times in seen.times()), key=lambda one: abs(one[1]))
    way = f"by {most:+.1%} from the first to the last in {case}"
    return f"launch times increase or decrease during the campaign ({way}); ratios are paired and less affected"


def _unsettled(seen: Flagged) -> str:
    count = int((seen.launches.warmup_converged == False).sum())  # noqa: E712
    return f"step times had not converged when warm-up ended, in {in_words(count)}"


WARMUP_NOT_CONVERGED = Flag(
    name="warmup_not_converged",
    meaning="step times had not converged when warm-up ended",
    detect=in_each(lambda launches: any(one is False for one in launches["warmup_converged"])),
    describe=_unsettled,
    hint="raise warmup_limit in the suite; if they never converge, inspect the rounds in results.load()",
)
BIMODAL = Flag(
    name="bimodal",
    meaning="its launches have two modes: the mean describes neither",
    detect=in_each(lambda launches: bimodal(_times(launches))),
    describe=_kinds,
    hint="inspect the launches in the report; usual causes are thread placement and the allocator: try --as-shipped",
)
DRIFT = Flag(
    name="drift",
    meaning="its times increase or decrease during the campaign",
    detect=in_each(lambda launches: drifts(_times(launches))),
    describe=_drift,
    hint="let the machine reach its operating temperature, or fix its clock; use the ratios rather than the times",
)
