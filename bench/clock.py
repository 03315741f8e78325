"""The timed region. No other file reads the clock for a result."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from impls.frameworks import Stopwatch


def time_round(
    step: Callable[[], Any],
    synchronize: Callable[[Any], None],
    steps: int,
    clock: Callable[[], int] = time.perf_counter_ns,
    stopwatch: Stopwatch | None = None,
) -> tuple[float, Any]:
    """Seconds per step of `steps` calls and one wait for their results, and the outputs of the last call.

    `clock` returns nanoseconds; only the model that validates this pipeline with known durations replaces it.
    A device's `stopwatch`, if given, records two events in the device's queue.
    """
    outputs = None
    if stopwatch:
        stopwatch.start()
    start = clock()
    for _ in range(steps):
        outputs = step()
    if stopwatch:
        stopwatch.stop()
    synchronize(outputs)
    return (clock() - start) / (1e9 * steps), outputs


def now() -> float:
    """Seconds of a monotonic clock, for budgets, limits and progress."""
    return time.monotonic()
