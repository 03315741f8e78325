"""Warm-up ends when steps have settled, and says so when they have not."""

from __future__ import annotations

from itertools import chain, count, repeat

import numpy as np
import pytest

from bench.worker.warmup import MOST_GROWING, WINDOW, settled, warm_up


def feed(times):
    iterator = iter(times)
    return lambda: next(iterator)


def test_level_steps_have_settled_after_two_windows():
    times, steady = warm_up(feed(repeat(0.01)), minimum=0.01, maximum=10)
    assert steady is True
    assert len(times) == 2 * WINDOW


def test_slow_first_steps_are_waited_for():
    times, steady = warm_up(feed(chain(repeat(0.05, 15), repeat(0.01))), minimum=0.01, maximum=10)
    assert steady is True
    assert times[-WINDOW:] == [0.01] * WINDOW


def test_steps_that_keep_growing_are_never_called_settled():
    times, steady = warm_up(feed(0.01 * 1.01**n for n in count()), minimum=0.01, maximum=2)
    assert steady is False
    assert sum(times) >= 2


def test_too_few_steps_to_tell_are_neither():
    assert warm_up(feed(repeat(1.0)), minimum=0.5, maximum=2) == ([1.0, 1.0], None)


def test_at_least_one_step_and_the_least_time():
    assert len(warm_up(feed(repeat(1.0)), minimum=0.001, maximum=0.001)[0]) == 1
    assert sum(warm_up(feed(repeat(0.01)), minimum=0.5, maximum=0.5)[0]) >= 0.5


def test_steps_go_on_while_memory_grows_but_not_forever():
    growth = iter([True, True, False])
    assert warm_up(feed(repeat(1.0)), 0.001, 0.001, lambda: next(growth))[0] == [1.0] * 3
    assert len(warm_up(feed(repeat(1.0)), 0.001, 0.001, lambda: True)[0]) == 1 + MOST_GROWING


@pytest.mark.parametrize("spread", [0.002, 0.05, 0.3])
def test_noise_alone_is_nearly_always_settled_and_a_jump_is_not(spread):
    rng = np.random.default_rng(5)
    noise = np.exp(rng.normal(0, spread, (1000, 2 * WINDOW)))
    assert np.mean([settled(list(times)) for times in noise]) > 0.85
    jumped = noise * np.where(np.arange(2 * WINDOW) < WINDOW, 1.03 + 3 * spread, 1)
    assert np.mean([settled(list(times)) for times in jumped]) < 0.15
