"""Statistics against scipy's own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from results.stats.estimates import (
    BAND,
    DETECTION_CONFIDENCE,
    Estimate,
    arithmetic,
    difference,
    geometric,
    geometric_mean,
    holm,
    independent_ratio,
    launch_time,
    paired_ratio,
    paired_shift,
    ratio,
)

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


def test_nothing_to_compare_is_none():
    assert difference([], [1.0]) is None
    assert ratio({1: [2.0]}, {2: [1.0]}) is None


def test_a_ratio_pairs_the_blocks_that_both_ran_in():
    mine = {0: [2.0], 1: [20.0], 2: [99.0]}
    reference = {0: [1.0], 1: [10.0], 3: [1.0]}
    found = ratio(mine, reference)
    assert (found.value, found.low, found.high, found.launches) == (2.0, 2.0, 2.0, 2)


def test_what_disturbs_neighbouring_rounds_alike_cancels_out():
    disturbances = [1.0, 3.0, 1.5, 0.7]
    mine, reference = [2.5 * one for one in disturbances], disturbances[::1]
    assert paired_shift(mine, reference) == pytest.approx(2.5)
    assert paired_shift(mine, sorted(reference)) != pytest.approx(2.5), "it goes by their order"


def test_what_strikes_few_rounds_moves_a_ratio_little():
    quiet = np.exp(np.random.default_rng(3).normal(0, 0.01, 12))
    struck = quiet.copy()
    struck[:3] *= 10
    assert paired_shift(struck, np.ones(12)) == pytest.approx(paired_shift(quiet, np.ones(12)), abs=0.02)


@pytest.mark.parametrize("count", range(3, 13))
def test_one_outlying_round_of_three_or_more_does_not_move_a_ratio(count):
    for place in range(count):
        struck = np.ones(count)
        struck[place] = 22.0
        assert paired_shift(struck, np.ones(count)) == 1.0
        assert paired_shift(np.ones(count), struck) == 1.0


def test_launches_with_other_numbers_of_rounds_are_compared_by_their_medians():
    assert paired_shift([2.0, 4.0, 99.0], [2.0, 2.0]) == 2.0


@given(st.floats(1e-6, 1e3), st.integers(1, 30), st.sampled_from([2.0, 1.0, 0.75]))
def test_a_ratio_that_is_the_same_in_every_round_comes_out_exactly(seconds, count, factor):
    assert paired_shift([seconds * factor] * count, [seconds] * count) == (seconds * factor) / seconds


@given(times, st.floats(0.5, 2.0))
def test_swapping_contestant_and_reference_inverts_the_interval(values, factor):
    mine = {block: [value, value * factor] for block, value in enumerate(values)}
    reference = {block: [value * factor, value] for block, value in enumerate(values[::-1])}
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


@given(times, times)
def test_independent_launches_are_compared_as_scipys_welch_test_on_logarithms_does(candidate, baseline):
    assume(np.std(np.log(candidate)) > 1e-6)
    assume(np.std(np.log(baseline)) > 1e-6)
    found = independent_ratio(candidate, baseline)
    expected = stats.ttest_ind(np.log(candidate), np.log(baseline), equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert found.ratio.value == pytest.approx(stats.gmean(candidate) / stats.gmean(baseline))
    assert (found.ratio.low, found.ratio.high) == pytest.approx((math.exp(interval.low), math.exp(interval.high)))
    shifted = np.log(candidate) - math.log1p(BAND)
    slower = stats.ttest_ind(shifted, np.log(baseline), equal_var=False, alternative="greater")
    assert found.slower == pytest.approx(slower.pvalue, abs=1e-9)


def test_one_launch_on_a_side_proves_nothing():
    found = independent_ratio([2.0], [1.0, 1.01])
    assert found.ratio.value == pytest.approx(2, rel=0.01)
    assert math.isnan(found.ratio.low)
    assert math.isnan(found.slower)
    assert independent_ratio([], [1.0]) is None


@given(st.dictionaries(st.integers(), st.floats(0, 1), min_size=1, max_size=12))
def test_holms_p_values_are_the_definitions(given_p):
    """Sorted, the i-th of n is multiplied by n - i; none is below the one before, none above 1."""
    found = holm(given_p)
    order = sorted(given_p, key=lambda key: given_p[key])
    largest = 0.0
    for place, key in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - place) * given_p[key]))
        assert found[key] == pytest.approx(largest) or given_p[key] in [given_p[k] for k in order if k != key]
    assert list(found) == list(given_p)


def test_holm_ignores_p_values_that_are_not_numbers():
    assert holm({"a": 0.02, "b": math.nan}) == pytest.approx({"a": 0.02, "b": math.nan}, nan_ok=True)


def test_the_geometric_mean_of_workloads_carries_their_intervals():
    found = geometric_mean([Estimate(2.0, 1.9, 2.1, 5), Estimate(0.5, 0.45, 0.55, 5)])
    assert found.value == pytest.approx(1)
    assert found.low < 1 < found.high
    assert math.isnan(geometric_mean([Estimate(2.0, math.nan, math.nan, 1)]).low)


def test_equal_launches_give_exactly_that_time():
    assert geometric([0.1, 0.1, 0.1]) == Estimate(0.1, 0.1, 0.1, 3)
    assert geometric([0.1]).value == 0.1


@given(st.lists(st.tuples(st.floats(0.1, 10), st.floats(0.1, 10)), min_size=2, max_size=8))
def test_paired_launches_are_compared_as_scipys_one_sample_test_on_logarithms_does(pairs):
    logs = np.log([candidate / baseline for candidate, baseline in pairs])
    assume(np.std(logs) > 1e-6)
    candidate, baseline = ({block: (row[side],) for block, row in enumerate(pairs)} for side in (0, 1))
    found = paired_ratio(candidate, baseline)
    interval = stats.ttest_1samp(logs, 0).confidence_interval(0.95)
    assert (found.ratio.low, found.ratio.high) == pytest.approx(tuple(np.exp(interval)))
    slower = stats.ttest_1samp(logs, math.log1p(BAND), alternative="greater").pvalue
    faster = stats.ttest_1samp(logs, math.log1p(-BAND), alternative="less").pvalue
    assert (found.slower, found.faster) == pytest.approx((slower, faster), abs=1e-9)


def test_paired_launches_without_a_shared_block_give_nothing_and_one_block_no_interval():
    assert paired_ratio({0: (1.0,)}, {1: (1.0,)}) is None
    single = paired_ratio({0: (2.0,), 1: (5.0,)}, {0: (1.0,)})
    assert single.ratio.value == pytest.approx(2)
    assert math.isnan(single.ratio.low)
    assert math.isnan(single.slower)


@given(st.lists(st.floats(0.5, 2), min_size=2, max_size=12))
def test_a_difference_is_significant_where_the_wider_interval_leaves_out_1(ratios):
    logs = np.log(ratios)
    assume(np.std(logs) > 1e-6)
    low, high = stats.ttest_1samp(logs, 0).confidence_interval(DETECTION_CONFIDENCE)
    assume(min(abs(low), abs(high)) > 1e-9)
    assert geometric(ratios).is_significant == (low > 0 or high < 0)


def test_one_launch_is_never_significant():
    assert not geometric([2.0]).is_significant


def test_the_half_width_of_an_interval_is_a_share_of_its_value():
    assert Estimate(2.0, 1.5, 2.5, 3).relative_half_width == pytest.approx(0.25)
    assert math.isnan(Estimate(2.0, math.nan, math.nan, 1).relative_half_width)


@pytest.mark.parametrize(("freedom", "share"), [(2.0, 1.0), (7.5, 1.0), (4.0, 0.5)])
def test_significance_is_of_the_distribution_that_the_interval_is_from(freedom, share):
    def half(confidence):
        return float(stats.t.ppf(1 - (1 - confidence) * share / 2, freedom))

    def estimate(distance):
        return Estimate(
            math.exp(distance), math.exp(distance - half(0.95)), math.exp(distance + half(0.95)), 3, freedom, share
        )

    assert estimate(half(DETECTION_CONFIDENCE) * 1.001).is_significant
    assert not estimate(half(DETECTION_CONFIDENCE) * 0.999).is_significant
