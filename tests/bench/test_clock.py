"""The timed region, and the replay of what it gave into pytest-benchmark."""

from __future__ import annotations

import pytest

from bench import clock
from bench.replay import Replay


def test_a_round_calls_every_step_waits_once_and_divides():
    ticks, calls, waited = iter([1_000, 7_001_000]), [], []

    def step() -> int:
        calls.append(None)
        return len(calls)

    seconds, outputs = clock.time_round(step, waited.append, steps=7, clock=lambda: next(ticks))
    assert seconds == 1e-3
    assert outputs == 7
    assert waited == [7], "one wait, for the outputs of the last step"


def test_a_replayed_duration_is_that_number_exactly():
    timer = Replay()
    for duration in (0.1, 1e-9, 1 / 3):
        start = timer()
        timer.set(duration)
        assert timer() - start == duration


def test_a_target_that_tells_no_duration_is_an_error_and_not_a_number():
    timer = Replay()
    timer()
    with pytest.raises(RuntimeError, match="must set its duration"):
        timer()
    for wrong in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="must be positive"):
            timer.set(wrong)
