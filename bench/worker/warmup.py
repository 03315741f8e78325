"""Warm-up: steps until their times converge and memory has stopped growing, and whether they converged."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

LEAST = 1
"""Single steps after the first call, at least."""
LEAST_ON_CARD = 3
"""The same on a card, where an execution that records its second call replays from the third on."""
WINDOW = 10
"""Steps per window; two windows are compared."""
CHANGE = 0.02
"""Relative difference of two windows, and trend over one window, below which step times have converged."""
CHECK_EVERY = 0.005
"""Seconds of steps between two convergence checks, as a check takes time itself."""
CALIBRATIONS = 5
"""Rounds, at most, in which the number of their steps is found."""
DISTURBED = 2
"""A round whose steps took so many times the shortest one says nothing about its length."""
ENOUGH = 0.9
"""Fraction of the minimum length at which a round is accepted, as rounds vary by more than the rest."""
MOST_GROWING = 8
"""Further steps, at most, while memory grows."""
NOISE_ALLOWANCE = 2 * 1.253 * 1.4826 * math.sqrt(2 / WINDOW)
"""Two standard errors of the difference of two windows' medians, in median absolute deviations of normal noise."""


def warm_up(
    step: Callable[[], float],
    minimum: float,
    maximum: float,
    grew: Callable[[], bool] = lambda: False,
    least: int = LEAST,
) -> tuple[list[float], bool | None]:
    """The seconds of every step, and whether they converged; None if there were too few steps to decide.

    Takes at least `minimum` seconds and `least` steps; ends after `maximum` seconds without convergence. `grew`:
    whether the last step needed more memory than any before; further steps follow as long as it did.
    """
    times = [step()]
    spent, next_check = times[0], max(minimum, times[0])
    while len(times) < least or spent < maximum or spent < minimum:
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


def steps_of_round(one_round: Callable[[int], float], single: Sequence[float], minimum: float) -> int:
    """Steps with which a round takes at least `minimum` seconds, nearly.

    one_round: runs a round of so many steps and returns its seconds per step. single: those of single steps, one of
    which may have been long because it recorded. Rounds grow until one is long enough by the shortest step seen; a
    disturbed round does not end that. Steps that are long by themselves need no further round.
    """
    steps, fastest = 1, min(single)
    if fastest >= minimum * ENOUGH:
        return steps
    for _ in range(CALIBRATIONS):
        steps = math.ceil(minimum / fastest)
        taken = one_round(steps)
        fastest = min(fastest, taken)
        if taken < fastest * DISTURBED and steps * fastest >= minimum * ENOUGH:
            break
    return steps


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
