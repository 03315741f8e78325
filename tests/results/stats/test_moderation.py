import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr, polygamma

from results.stats.cells import Cell
from results.stats.estimates import geometric
from results.stats.moderation import (
    MOST_CONTROL_DIFFERENCE,
    MOST_INFLATION,
    Control,
    inflation_of,
    inverse_trigamma,
    judged_cells,
    moderated,
)


def cells(rng, count, launches, deviation=0.03, controls=0, turn_variance=math.nan):
    logs = rng.normal(0, deviation, (count, launches))
    return {number: Cell(tuple(np.exp(one)), turn_variance, 10.0, number < controls) for number, one in enumerate(logs)}


def half(estimate):
    return math.log(estimate.high / estimate.low) / 2


def test_a_single_ratio_has_plain_t():
    ratios = (1.02, 0.97, 1.05)
    judged = judged_cells({"only": Cell(ratios)})
    found, plain = judged.ratios["only"], geometric(ratios)
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high))
    assert judged.prior is None
    assert found.is_significant == plain.is_significant


def test_with_two_launches_other_ratios_make_the_interval_narrower_by_far():
    rng = np.random.default_rng(1)
    found = cells(rng, 60, 2)
    judged = judged_cells(found)
    plain = np.median([half(geometric(cell.ratios)) for cell in found.values()])
    assert np.median([half(one) for one in judged.ratios.values()]) < 0.6 * plain
    assert str(judged.prior).endswith("from 60 cells")


def test_a_ratio_that_is_steadier_than_the_others_keeps_about_the_interval_of_its_own_launches():
    found = cells(np.random.default_rng(2), 60, 5)
    steady = Cell((1.001, 1.002, 0.999, 1.0, 1.001))
    judged = judged_cells({**found, "steady": steady})
    assert half(judged.ratios["steady"]) < 2 * half(geometric(steady.ratios))
    assert half(judged.ratios["steady"]) < 0.2 * np.median([half(judged.ratios[key]) for key in found])


def test_launches_that_agree_better_than_their_rounds_allow_do_so_by_chance():
    lucky = Cell((1.001, 1.002, 0.999), turn_variance=0.05**2, turns=10.0)
    known = half(judged_cells({"lucky": lucky}).ratios["lucky"])
    unknown = half(judged_cells({"lucky": replace(lucky, turn_variance=math.nan)}).ratios["lucky"])
    assert known > 3 * unknown


def test_the_prior_of_a_ratio_is_from_the_others_only():
    variances, launches = np.random.default_rng(3).chisquare(2, 20), np.full(20, 3.0)
    changed = np.concatenate([[1000.0], variances[1:]])
    before, after = (moderated(one, launches, np.full(20, math.nan)) for one in (variances, changed))
    assert after.prior_variance[0] == pytest.approx(before.prior_variance[0])
    assert after.prior_freedom[0] == pytest.approx(before.prior_freedom[0])
    assert after.prior_freedom[1] < before.prior_freedom[1]


def test_few_ratios_tell_little_about_another():
    rng = np.random.default_rng(4)
    freedom = [judged_cells(cells(rng, count, 3)).prior.freedom for count in (2, 4, 60)]
    assert freedom == sorted(freedom)
    assert freedom[0] < 2


def test_the_prior_of_variances_that_are_as_unlike_as_it_says_is_found():
    rng, freedom = np.random.default_rng(5), 4.0
    true = 0.03**2 * freedom / rng.chisquare(freedom, 4000)
    variances = true * rng.chisquare(3, 4000) / 3
    found = moderated(variances, np.full(4000, 4.0), np.full(4000, math.nan)).prior
    assert found.freedom == pytest.approx(freedom, rel=0.15)
    assert math.sqrt(found.variance) == pytest.approx(0.03, rel=0.05)


def test_trigamma_is_inverted():
    values = np.array([0.1, 0.5, 1.0, 7.0, 300.0])
    assert inverse_trigamma(polygamma(1, values)) == pytest.approx(values, rel=1e-6)


def test_launches_may_differ_in_number():
    rng = np.random.default_rng(6)
    few, many, one = (cells(rng, 20, launches) for launches in (2, 8, 1))
    every = {(number, key): cell for number, group in enumerate((few, many, one)) for key, cell in group.items()}
    judged = judged_cells(every)
    middle = [np.median([half(judged.ratios[number, key]) for key in range(20)]) for number in (0, 1)]
    assert middle[1] < 0.7 * middle[0]
    assert math.isnan(judged.ratios[2, 0].low)
    assert judged.ratios[2, 0].value == geometric(one[0].ratios).value
    assert not judged.ratios[2, 0].is_significant


def test_times_that_are_exact_have_an_exact_ratio():
    judged = judged_cells({key: Cell((1.25, 1.25, 1.25), 0.0, 4.0, control=False) for key in range(5)})
    assert {(one.value, one.low, one.high) for one in judged.ratios.values()} == {(1.25, 1.25, 1.25)}
    assert judged.ratios[0].is_significant


def test_no_ratio_or_no_second_launch_is_no_error():
    assert judged_cells({}).ratios == {}
    judged = judged_cells({"a": Cell((1.1,))})
    assert judged.control == Control()
    assert judged.outlooks["a"].half_width(3, 10) > 0


@pytest.mark.parametrize("launches", [2, 3, 6])
def test_a_difference_is_significant_if_the_interval_of_99_percent_leaves_out_1(launches):
    found = cells(np.random.default_rng(7), 80, launches, deviation=0.05)
    found |= {("fast", key): Cell(tuple(0.8 * ratio for ratio in cell.ratios)) for key, cell in found.items()}
    judged, stricter = judged_cells(found), judged_cells(found, confidence=0.99)
    said = np.array([judged.ratios[key].is_significant for key in found])
    left_out = np.array([not stricter.ratios[key].low <= 1 <= stricter.ratios[key].high for key in found])
    assert said[:80].mean() < 0.05
    assert said[80:].any()
    assert not (said & ~left_out).any()
    assert (said == left_out).mean() > 0.9


def controls_of(rng, campaigns, pairs, deviation):
    """p values of pairs whose deviates spread so much instead of 1."""
    return 2 * ndtr(-np.abs(rng.normal(0, deviation, (campaigns, pairs))))


def test_quiet_controls_widen_nothing():
    widened = inflation_of(controls_of(np.random.default_rng(8), 4000, 20, 1.0)) > 1
    assert widened.mean() < 0.015


def test_controls_that_deviate_twice_as_much_as_intervals_allow_widen_them_by_two():
    found = inflation_of(controls_of(np.random.default_rng(9), 4000, 20, 2.0))
    assert (found > 1).mean() > 0.95
    assert np.median(found) == pytest.approx(2, rel=0.05)


def test_nothing_becomes_narrower_by_controls_that_agree():
    assert inflation_of(np.ones(20)) == 1


def test_intervals_of_a_campaign_are_widened_by_what_its_controls_show():
    rng = np.random.default_rng(10)
    every = cells(rng, 80, 4, controls=20)
    off = {
        key: replace(cell, ratios=tuple(ratio * (1.3 if key % 2 else 0.7) for ratio in cell.ratios))
        for key, cell in every.items()
        if cell.control
    }
    quiet, loud = judged_cells(every), judged_cells({**every, **off})
    assert quiet.control.inflation == 1
    assert quiet.control.believable
    assert loud.control.inflation > MOST_INFLATION
    assert not loud.control.believable
    assert half(loud.ratios[79]) == pytest.approx(loud.control.inflation * half(quiet.ratios[79]), rel=0.01)
    assert loud.control.pairs == 20
    assert loud.control.largest > 0.3


def test_the_same_code_that_differs_from_itself_beyond_reason_is_not_believed():
    assert Control(20, 0.2, MOST_CONTROL_DIFFERENCE * 0.9, 1.0).believable
    assert not Control(20, 0.5, MOST_CONTROL_DIFFERENCE * 1.1, 1.0).believable
    assert Control().believable


def test_the_outlook_is_what_more_launches_or_turns_bring():
    rng = np.random.default_rng(11)
    turn = 0.06**2
    logs = rng.normal(0, math.sqrt(0.03**2 + turn / 10), (60, 8))
    first = judged_cells({key: Cell(tuple(np.exp(one[:3])), turn, 10.0) for key, one in enumerate(logs)})
    later = judged_cells({key: Cell(tuple(np.exp(one)), turn, 10.0) for key, one in enumerate(logs)})
    predicted = np.median([one.half_width(8, 10) for one in first.outlooks.values()])
    assert predicted == pytest.approx(np.median([half(one) for one in later.ratios.values()]), rel=0.2)
    one = first.outlooks[0]
    assert one.half_width(2, 10) > one.half_width(4, 10) > one.half_width(4, 40) > 0


def test_the_two_intervals_share_the_allowed_error_by_what_they_know():
    rng = np.random.default_rng(12)
    alike = moderated(rng.chisquare(2, 50), np.full(50, 3.0), np.full(50, math.nan))
    unlike = moderated(rng.chisquare(8, 50) * np.exp(rng.normal(0, 2, 50)), np.full(50, 9.0), np.full(50, math.nan))
    assert alike.share == pytest.approx(alike.prior_freedom / (alike.prior_freedom + 2))
    assert (alike.share > 0.7).all()
    assert (unlike.share == 0.5).all()
