"""Steps in a series of campaigns: what must not matter, what must not be called one, and what must be found.

Simulated and seeded. Launches spread by 2 %, and what a campaign's hour does to all of them is drawn beside it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results.stats.estimates import BAND
from results.stats.steps import FEWEST, best_fits, levels, points_of, ways

HISTORIES, CAMPAIGNS, LAUNCHES, LAUNCH_SPREAD = 200, 12, 3, 0.02
Hours = Callable[[np.random.Generator, int], np.ndarray]
"""(dice, campaigns) -> what the hour does to each campaign, on the logarithm."""


def quiet(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.zeros(count)


def jitter(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.normal(0, 0.015, count)


def neighbours(rng: np.random.Generator, count: int) -> np.ndarray:
    """One campaign in twenty is slow as a whole, by up to a third."""
    return jitter(rng, count) + (rng.random(count) < 0.05) * rng.uniform(0.05, 0.3, count)


def weather(rng: np.random.Generator, count: int) -> np.ndarray:
    """An hour is like the one before: correlation 0.5."""
    found = [rng.normal(0, 0.015)]
    while len(found) < count:
        found.append(0.5 * found[-1] + rng.normal(0, 0.015 * math.sqrt(0.75)))
    return np.array(found)


HOURS = quiet, jitter, neighbours, weather


def series(rng: np.random.Generator, hours: np.ndarray, launches: int | np.ndarray = LAUNCHES) -> list[list[float]]:
    """Launches' times of campaigns."""
    counts = np.broadcast_to(launches, hours.shape)
    return [list(np.exp(hour + rng.normal(0, LAUNCH_SPREAD, n))) for hour, n in zip(hours, counts)]


def change(at: int, size: float, count: int = CAMPAIGNS) -> np.ndarray:
    return math.log(size) * (np.arange(count) >= at)


def places(found) -> list[int]:
    return [level.begin for level in found[1:]]


@pytest.mark.parametrize("count", [CAMPAIGNS, 40])
@pytest.mark.parametrize("hours", HOURS)
def test_where_nothing_changes_a_step_is_seen_in_at_most_5_percent_of_histories(hours, count):
    rng = np.random.default_rng([count, HOURS.index(hours)])
    seen = sum(len(levels(series(rng, hours(rng, count)))) > 1 for _ in range(HISTORIES))
    assert seen <= 0.05 * HISTORIES


def test_nor_where_the_newest_campaigns_have_a_single_launch():
    """They scatter more, and not because anything changed."""
    rng = np.random.default_rng(5)
    counts = np.array([10] * 9 + [1] * 3)
    seen = sum(len(levels(series(rng, quiet(rng, CAMPAIGNS), counts))) > 1 for _ in range(HISTORIES))
    assert seen <= 0.05 * HISTORIES


def test_nor_where_every_change_is_within_the_band():
    rng = np.random.default_rng(6)
    small = change(6, 1 + 0.9 * BAND)
    assert all(len(levels(series(rng, small, 30))) == 1 for _ in range(HISTORIES))


def test_nor_where_times_grow_little_by_little():
    """What would be steps of 2 to 3 % each is a drift: mostly it is not taken for steps."""
    rng = np.random.default_rng(7)
    drift = np.linspace(0, 0.1, CAMPAIGNS)
    seen = sum(len(levels(series(rng, drift + 0.3 * jitter(rng, CAMPAIGNS), 10))) > 1 for _ in range(HISTORIES))
    assert seen <= 0.1 * HISTORIES


@pytest.mark.parametrize(("at", "share"), [(6, 0.95), (CAMPAIGNS - FEWEST, 0.85)])
@pytest.mark.parametrize("size", [1.1, 1 / 1.1])
def test_a_change_by_10_percent_is_found_where_it_is(at, share, size):
    rng = np.random.default_rng([at, size > 1])
    found = [levels(series(rng, jitter(rng, CAMPAIGNS) + change(at, size))) for _ in range(HISTORIES)]
    assert np.mean([len(one) == 2 for one in found]) >= share
    assert np.mean([places(one) == [at] for one in found if len(one) == 2]) > 0.9
    ratios = [one[1].step.ratio for one in found if places(one) == [at]]
    assert np.mean([ratio.low <= size <= ratio.high for ratio in ratios]) > 0.9


def test_of_forty_series_the_one_that_changes_is_found_and_no_other():
    rng = np.random.default_rng(8)
    hour = jitter(rng, 20)  # the same for all of them: they were measured together
    found = [levels(series(rng, hour + change(10, 1.1 if one == 7 else 1.0, 20)), 40) for one in range(40)]
    assert [one for one, of in enumerate(found) if len(of) > 1] == [7]
    assert places(found[7]) == [10]


def test_of_forty_series_that_stay_the_same_none_is_seen_to_step_in_nearly_every_history():
    """They share their hours, and each hour is like the one before: what is seen in one is seen in many."""
    rng = np.random.default_rng(11)
    seen = 0
    for _ in range(30):
        hour = weather(rng, CAMPAIGNS)
        seen += any(len(levels(series(rng, hour), 40)) > 1 for _ in range(40))
    assert seen <= 2


def test_a_regression_that_was_repaired_is_two_steps():
    rng = np.random.default_rng(9)
    (before, during, after) = levels(series(rng, 0.3 * jitter(rng, 15) + change(5, 1.1, 15) - change(10, 1.1, 15)))
    assert (before.end, during.begin, during.end, after.begin) == (5, 5, 10, 10)
    assert during.step.ratio.value == pytest.approx(1.1, rel=0.02)
    assert after.step.ratio.value == pytest.approx(1 / 1.1, rel=0.02)


@pytest.mark.parametrize("last", range(1, FEWEST + 1))
def test_campaigns_that_are_off_are_a_step_once_they_are_enough(last):
    rng = np.random.default_rng(10)
    found = levels(series(rng, 0.1 * jitter(rng, CAMPAIGNS) + change(CAMPAIGNS - last, 1.2), 10))
    assert places(found) == ([CAMPAIGNS - last] if last == FEWEST else [])


generic = st.builds(
    lambda seed, count, at, size: (np.random.default_rng(seed), change(at % count, size, count)),
    st.integers(0, 2**32),
    st.integers(1, 20),
    st.integers(0, 19),
    st.floats(0.8, 1.25),
).map(lambda made: series(made[0], made[1] + jitter(made[0], len(made[1]))))


@settings(max_examples=60)
@given(generic, st.floats(1e-6, 1e6), st.randoms(use_true_random=False))
def test_neither_the_unit_of_time_nor_the_order_of_launches_matters(times, factor, random):
    found = levels(times)
    other = levels([random.sample([factor * one for one in launches], len(launches)) for launches in times])
    assert places(other) == places(found)
    for one, same in zip(found, other):
        assert same.seconds == pytest.approx(factor * one.seconds)
        assert one.step is None or same.step.p == pytest.approx(one.step.p, rel=1e-6, abs=1e-12)


@settings(max_examples=60)
@given(generic)
def test_levels_follow_each_other_and_are_long_enough(times):
    found = levels(times)
    assert (found[0].begin, found[-1].end, found[0].step) == (0, len(times), None)
    for one, after in itertools.pairwise(found):
        assert one.end == after.begin
        assert min(one.end - one.begin, after.end - after.begin) >= FEWEST
        assert after.step.ratio.value == pytest.approx(after.seconds / one.seconds)
        assert abs(math.log(after.step.ratio.value)) > math.log1p(BAND)
        assert after.step.p < 0.05


@settings(max_examples=40)
@given(generic)
def test_time_run_backwards_has_the_same_steps_the_other_way(times):
    found, back = levels(times), levels(times[::-1])
    assert sorted(len(times) - place for place in places(back)) == places(found)


@given(st.floats(1e-6, 1e3), st.lists(st.integers(1, 30), min_size=1, max_size=30))
def test_a_constant_series_has_no_step(seconds, counts):
    (level,) = levels([[seconds] * count for count in counts])
    assert level.seconds == pytest.approx(seconds)
    assert level.step is None


def test_a_change_without_any_noise_is_a_step_and_none_has_no_levels():
    assert places(levels([[1.0]] * 3 + [[1.1]] * 3)) == [3]
    assert places(levels([[1.0]] * 3 + [[1.019]] * 3)) == []
    assert levels([]) == ()


@pytest.mark.parametrize("count", range(2, 13))
def test_the_fits_are_the_best_of_all_that_there_are(count):
    """Against every way of cutting so many campaigns, and there are as many as the correction says."""
    points = points_of(series(np.random.default_rng(count), jitter(np.random.default_rng(count), count)))

    def squares(cuts: tuple[int, ...]) -> float:
        parts = [slice(*ends) for ends in itertools.pairwise((0, *cuts, count))]
        means = [np.average(points.values[part], weights=points.weights[part]) for part in parts]
        return sum(np.sum(points.weights[part] * (points.values[part] - mean) ** 2) for part, mean in zip(parts, means))

    for number, found in enumerate(best_fits(points), 1):
        every = [
            cuts
            for cuts in itertools.combinations(range(1, count), number)
            if all(end - begin >= FEWEST for begin, end in itertools.pairwise((0, *cuts, count)))
        ]
        assert len(every) == ways(count, number)
        assert squares(found) == pytest.approx(min(map(squares, every)))
