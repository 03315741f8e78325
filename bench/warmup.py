"""Warm-up: steps until they have settled, and whether they ever did."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

WINDOW = 10
"""Steps of which two windows are compared."""
CHANGE = 0.02
"""Share by which two windows may differ, or the steps grow or shrink over one, and be called settled."""


def warm_up(step: Callable[[], float], least: float, most: float) -> tuple[list[float], bool | None]:
    """The seconds of every step, and whether they settled; None where `most` seconds were too few to tell.

    At least `least` seconds and one step; after `most` seconds it ends, settled or not.
    """
    times = [step()]
    spent = times[0]
    while spent < least or (spent < most and not _asked(times)):
        times.append(step())
        spent += times[-1]
    return times, settled(times)


def _asked(times: Sequence[float]) -> bool:
    """Whether steps have settled, asked only now and then: to look is work, too."""
    return len(times) % WINDOW == 0 and bool(settled(times))


def settled(times: Sequence[float]) -> bool | None:
    """Whether the last two windows have the same median and no trend, as far as their own spread lets one say.

    None with fewer steps than that. The trend is Theil and Sen's: the median slope between two steps.
    """
    if len(times) < 2 * WINDOW:
        return None
    last = np.asarray(times[-2 * WINDOW :])
    before, after = np.median(last[:WINDOW]), np.median(last[WINDOW:])
    spread = np.median(np.abs(last[WINDOW:] - after))
    allowed = max(CHANGE * after, 2 * spread / math.sqrt(WINDOW))
    first, second = np.triu_indices(len(last), 1)
    trend = np.median((last[second] - last[first]) / (second - first)) * WINDOW
    return bool(abs(after - before) <= allowed and abs(trend) <= allowed)
