"""Statistics against scipy's own, and the verdict's rule over all intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from results.statistics import BAND, Estimate, Verdict, arithmetic, difference, geometric, launch_time, ratio, verdict

times = st.lists(st.floats(min_value=1e-6, max_value=1e3), min_size=2, max_size=12)


@given(times)
def test_the_geometric_interval_is_students_on_logarithms(values):
    assume(np.std(np.log(values)) > 1e-9)
    expected = stats.ttest_1samp(np.log(values), 0).confidence_interval(0.95)
    found = geometric(values)
    assert found.value == pytest.approx(stats.gmean(values))
    assert (found.low, found.high) == pytest.approx((math.exp(expected.low), math.exp(expected.high)), rel=1e-6)


@given(times)
def test_the_arithmetic_interval_is_students(values):
    assume(np.std(values) > 1e-9 * np.mean(values))
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = arithmetic(values)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-6)


@given(times, times)
def test_the_difference_has_welchs_interval(longer, shorter):
    assume(np.std(longer) > 1e-6 * np.mean(longer))
    assume(np.std(shorter) > 1e-6 * np.mean(shorter))
    expected = stats.ttest_ind(longer, shorter, equal_var=False).confidence_interval(0.95)
    found = difference(longer, shorter)
    scale = max(longer + shorter)
    assert found.value == pytest.approx(np.mean(longer) - np.mean(shorter), abs=1e-9 * scale)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-6, abs=1e-9 * scale)


def test_one_launch_has_a_value_and_no_interval():
    for found in (geometric([2.0]), arithmetic([2.0]), difference([3.0, 3.0], [1.0])):
        assert found.value == pytest.approx(2.0)
        assert math.isnan(found.low)
        assert math.isnan(found.high)
        assert verdict(found) is Verdict.UNCLEAR


def test_nothing_to_compare_is_none_and_unclear():
    assert difference([], [1.0]) is None
    assert ratio({1: 2.0}, {2: 1.0}) is None
    assert verdict(None) is Verdict.UNCLEAR


def test_a_ratio_pairs_the_blocks_that_both_ran_in():
    mine = {0: 2.0, 1: 20.0, 2: 99.0}
    reference = {0: 1.0, 1: 10.0, 3: 1.0}
    found = ratio(mine, reference)
    assert (found.value, found.low, found.high, found.launches) == (2.0, 2.0, 2.0, 2)


@given(st.floats(0.5, 2.0), st.floats(0.0, 0.5))
def test_the_verdict_is_where_the_whole_interval_lies(value, half):
    low, high = value * (1 - half), value * (1 + half)
    found = verdict(Estimate(value, low, high, 5))
    assert (found is Verdict.FASTER) == (high < 1 - BAND)
    assert (found is Verdict.SLOWER) == (low > 1 + BAND)
    assert (found is Verdict.DEAD_HEAT) == (low >= 1 - BAND and high <= 1 + BAND)


@given(times, st.floats(0.5, 2.0))
def test_swapping_contestant_and_reference_inverts_the_interval(values, factor):
    mine, reference = dict(enumerate(values)), {i: value * factor for i, value in enumerate(values[::-1])}
    one, other = ratio(mine, reference), ratio(reference, mine)
    assert one.value == pytest.approx(1 / other.value)
    assert one.low == pytest.approx(1 / other.high)


def test_a_launch_counts_by_the_median_of_its_rounds():
    assert launch_time((1.0, 100.0, 2.0)) == 2.0
    assert launch_time((1.0, 3.0)) == 2.0


def test_intervals_over_launches_cover_the_truth_where_rounds_pooled_would_not():
    """With a launch effect of 5 % and rounds of 1 %, 5 launches of 20 rounds, 600 times."""
    rng = np.random.default_rng(7)
    covered = pooled = 0
    for _ in range(600):
        launches = np.exp(rng.normal(0, 0.05, 5))
        rounds = launches[:, None] * np.exp(rng.normal(0, 0.01, (5, 20)))
        found = geometric([launch_time(one) for one in rounds])
        covered += found.low <= 1 <= found.high
        naive = geometric(rounds.ravel())
        pooled += naive.low <= 1 <= naive.high
    assert 0.92 <= covered / 600 <= 0.98
    assert pooled / 600 < 0.7
