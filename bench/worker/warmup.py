"""Warm-up: steps until their times converge and memory has stopped growing, and whether they converged."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

WINDOW = 10
"""Steps per window; two windows are compared."""
CHANGE = 0.02
"""Relative difference of two windows, and trend over one window, below which step times have converged."""
CHECK_EVERY = 0.005
"""Seconds of steps between two convergence checks, as a check takes time itself."""
MOST_GROWING = 8
"""Further steps, at most, while memory grows."""
NOISE_ALLOWANCE = 2 * 1.253 * 1.4826 * math.sqrt(2 / WINDOW)
"""Two standard errors of the difference of two windows' medians, in median absolute deviations of normal noise."""


def warm_up(
    step: Callable[[], float], minimum: float, maximum: float, grew: Callable[[], bool] = lambda: False
) -> tuple[list[float], bool | None]:
    """The seconds of every step, and whether they converged; None if there were too few steps to decide.

    Takes at least `minimum` seconds and one step; ends after `maximum` seconds without convergence. `grew`: whether the
    last step needed more memory than any before; further steps follow as long as it did.
    """
    times = [step()]
    spent, next_check = times[0], max(minimum, times[0])
    while spent < maximum or spent < minimum:
        if spent >= next_check:
            if settled(times):
                break
            next_check = spent + CHECK_EVERY
        times.append(step())
        spent += times[-1]
    for _ in range(MOST_GROWING):
        if not grew():
            break
        times.append(step())
    return times, settled(times)


def settled(times: Sequence[float]) -> bool | None:
    """Whether the last two windows have equal medians and no trend, within their spread.

    None with fewer steps than two windows. The trend is the Theil-Sen estimator: the median slope between two steps.
    """
    if len(times) < 2 * WINDOW:
        return None
    last = np.asarray(times[-2 * WINDOW :])
    windows = last.reshape(2, WINDOW)
    before, after = middles = np.median(windows, 1)
    spread = np.median(np.abs(windows - middles[:, None]))
    allowed = max(CHANGE * after, NOISE_ALLOWANCE * spread)
    first, second = np.triu_indices(len(last), 1)
    trend = np.median((last[second] - last[first]) / (second - first)) * WINDOW
    return bool(abs(after - before) <= allowed and abs(trend) <= allowed)
