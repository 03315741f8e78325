"""Replay of measured durations in pytest-benchmark, through its public `timer=` option.

pytest-benchmark reads its timer before and after each call of the target. This timer returns 0.0 first and then the
duration that the target has set in between, so that the difference is exactly that number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Replay:
    """A timer that returns durations set by its target."""

    __name__ = "bench.replay.TIMER"  # what pytest-benchmark saves as the name of the timer

    def __init__(self) -> None:
        self._duration: float | None = None
        self._running = False

    def set(self, seconds: float) -> None:
        if not seconds > 0:
            raise ValueError(f"a duration must be positive, got {seconds!r}")
        self._duration = seconds

    def __call__(self) -> float:
        self._running = not self._running
        if self._running:
            self._duration = None
            return 0.0
        if self._duration is None:
            raise RuntimeError("a benchmark with this timer must set its duration; use bench.replay.report")
        return self._duration


TIMER = Replay()


def report(benchmark: Any, durations: Sequence[float], **facts: Any) -> None:
    """Report `durations` (seconds per step, one per launch) as the rounds of a test, with `facts` as its extra_info."""
    pending = iter(durations)
    benchmark.extra_info.update(facts)
    benchmark.pedantic(lambda: TIMER.set(next(pending)), rounds=len(durations), iterations=1, warmup_rounds=0)
