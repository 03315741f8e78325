"""Warm-up ends when steps have settled, and says so when they have not."""

from __future__ import annotations

from itertools import chain, count, repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.worker.warmup import ENOUGH, LEAST, LEAST_ON_CARD, MOST_GROWING, WINDOW, settled, steps_of_round, warm_up


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
    assert warm_up(feed(repeat(1.0)), minimum=0.5, maximum=4) == ([1.0] * 4, None)


@pytest.mark.parametrize("least", [LEAST, LEAST_ON_CARD])
@pytest.mark.parametrize("seconds", [0.005, 1.0, 100.0])
def test_at_least_so_many_steps_and_the_least_time(seconds, least):
    times = feed(chain([120.0], repeat(seconds)))
    assert len(warm_up(times, minimum=0.001, maximum=0.1, least=least)[0]) == least
    assert sum(warm_up(feed(repeat(0.01)), minimum=0.5, maximum=0.5)[0]) >= 0.5


def test_steps_go_on_while_memory_grows_but_not_forever():
    growth = iter([True, True, False])
    assert warm_up(feed(repeat(1.0)), 0.001, 0.001, lambda: next(growth))[0] == [1.0] * (LEAST + 2)
    assert len(warm_up(feed(repeat(1.0)), 0.001, 0.001, lambda: True)[0]) == LEAST + MOST_GROWING


@given(
    step=st.floats(1e-5, 10.0),
    alone=st.lists(st.floats(1.0, 30.0), min_size=LEAST_ON_CARD - 1, max_size=20),
    recording=st.floats(1e-5, 100.0),
    minimum=st.floats(1e-3, 0.1),
)
def test_a_round_is_long_enough_whatever_single_steps_took(step, alone, recording, minimum):
    """A step alone takes up to 30 times as long as in a round; the first one records, besides."""
    rounds = []

    def one_round(steps: int) -> float:
        rounds.append(steps)
        return step

    single = [step + recording, *(step * times for times in alone)]
    steps = steps_of_round(one_round, single, minimum)
    assert steps * (step if rounds else min(single)) >= minimum * ENOUGH
    assert rounds == sorted(rounds)


def test_a_disturbed_round_does_not_end_the_calibration():
    rounds = iter([0.5, 0.001, 0.001])
    assert steps_of_round(lambda steps: next(rounds), [0.12, 0.004, 0.004], 0.05) == 50


def test_steps_that_are_long_by_themselves_need_no_further_round():
    assert steps_of_round(lambda steps: pytest.fail("a round was run"), [3.0, 0.3, 0.3], 0.05) == 1


@pytest.mark.parametrize("spread", [0.002, 0.05, 0.3])
def test_noise_alone_is_nearly_always_settled_and_a_jump_is_not(spread):
    rng = np.random.default_rng(5)
    noise = np.exp(rng.normal(0, spread, (1000, 2 * WINDOW)))
    assert np.mean([settled(list(times)) for times in noise]) > 0.85
    jumped = noise * np.where(np.arange(2 * WINDOW) < WINDOW, 1.03 + 3 * spread, 1)
    assert np.mean([settled(list(times)) for times in jumped]) < 0.15
