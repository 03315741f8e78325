"""Warm-up: steps until they have settled, and whether they ever did."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

WINDOW = 10
"""Steps of which two windows are compared."""
CHANGE = 0.02
"""Share by which two windows may differ, or the steps grow or shrink over one, and be called settled."""
LOOK_EVERY = 0.005
"""Seconds of steps between two looks at whether they have settled: to look is work, too."""
DOUBT = 2 * 1.253 * 1.4826 * math.sqrt(2 / WINDOW)
"""Two standard errors of the difference of two windows' medians, in median absolute deviations of normal noise."""


def warm_up(step: Callable[[], float], least: float, most: float) -> tuple[list[float], bool | None]:
    """The seconds of every step, and whether they settled; None where `most` seconds were too few to tell.

    At least `least` seconds and one step; after `most` seconds it ends, settled or not.
    """
    times = [step()]
    spent, look_at = times[0], max(least, times[0])
    while spent < most or spent < least:
        if spent >= look_at:
            if settled(times):
                break
            look_at = spent + LOOK_EVERY
        times.append(step())
        spent += times[-1]
    return times, settled(times)


def settled(times: Sequence[float]) -> bool | None:
    """Whether the last two windows have the same median and no trend, as far as their own spread lets one say.

    None with fewer steps than that. The trend is Theil and Sen's: the median slope between two steps.
    """
    if len(times) < 2 * WINDOW:
        return None
    last = np.asarray(times[-2 * WINDOW :])
    windows = last.reshape(2, WINDOW)
    before, after = middles = np.median(windows, 1)
    spread = np.median(np.abs(windows - middles[:, None]))
    allowed = max(CHANGE * after, DOUBT * spread)
    first, second = np.triu_indices(len(last), 1)
    trend = np.median((last[second] - last[first]) / (second - first)) * WINDOW
    return bool(abs(after - before) <= allowed and abs(trend) <= allowed)
