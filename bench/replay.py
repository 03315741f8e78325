"""How pytest-benchmark gets durations that were measured elsewhere: through its public `timer=` option.

It reads its timer before and after each call of the target. This timer answers 0.0 to the first read and, to the
second, the duration that the target set in between, so what pytest-benchmark subtracts is that number exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Replay:
    """A timer with a duration to tell."""

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
            raise RuntimeError("a benchmark with this timer must say how long it took; use bench.replay.report")
        return self._duration


TIMER = Replay()


def report(benchmark: Any, durations: Sequence[float], **facts: Any) -> None:
    """Make `durations` (seconds per step, one a launch) the rounds of a test, with `facts` as its extra_info."""
    pending = iter(durations)
    benchmark.extra_info.update(facts)
    benchmark.pedantic(lambda: TIMER.set(next(pending)), rounds=len(durations), iterations=1, warmup_rounds=0)
