import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.stats.cells import Cell, cell_of, turn_ratios, turn_variance
from results.stats.estimates import geometric, paired_shift


def launches(rng, count, turns, deviation):
    return np.array([rng.normal(0.1, deviation, turns) + rng.normal(0, 0.05) for _ in range(count)])


def test_the_variance_of_turns_is_found_without_that_of_launches():
    variance, turns = turn_variance([launches(np.random.default_rng(1), 400, 12, 0.03)])
    assert math.sqrt(variance * 3 / math.pi) == pytest.approx(0.03, rel=0.02)
    assert turns == 12


def test_a_disturbed_turn_hardly_counts():
    quiet = launches(np.random.default_rng(2), 50, 12, 0.03)
    disturbed = np.where(np.arange(12) == 5, 2.0, quiet)
    assert turn_variance([disturbed])[0] < 1.7 * turn_variance([quiet])[0]
    assert np.mean([one.var(ddof=1) for one in disturbed]) > 100 * np.mean([one.var(ddof=1) for one in quiet])


@pytest.mark.parametrize("rounds", [4, 12, 22])
def test_what_rounds_explain_is_the_variance_of_the_ratio_of_launches_that_differ_in_nothing_else(rounds):
    rng = np.random.default_rng(3)
    times = np.exp(rng.normal(0, 0.03, (2000, 2, rounds)))
    spread = np.var([math.log(paired_shift(*pair)) for pair in times])
    cell = cell_of(dict(enumerate(times[:, 0])), dict(enumerate(times[:, 1])))
    assert cell.within == pytest.approx(spread, rel=0.12)


def test_rounds_of_a_turn_are_alike_and_count_together():
    rng = np.random.default_rng(4)
    turns = np.repeat(rng.normal(0, 0.03, (500, 10)), 2, axis=1)
    apart = turn_variance([turn_ratios(np.exp(turns))])
    together = turn_variance([turn_ratios(np.exp(turns), rounds_per_turn=2)])
    assert (apart[1], together[1]) == (20, 10)
    assert together[0] / together[1] > 1.8 * apart[0] / apart[1]


def test_turns_that_are_cut_short_count_by_the_rounds_they_have():
    assert turn_ratios(np.array([[1, 1, 2]]), rounds_per_turn=2)[0] == pytest.approx([0, math.log(2)])


def test_without_rounds_in_pairs_the_variance_is_unknown():
    cell = cell_of({1: [1.0, 2.0], 2: [1.0]}, {1: [1.0, 2.0, 3.0], 2: [2.0]})
    assert all(map(math.isnan, (cell.turn_variance, cell.turns)))
    assert math.isnan(Cell((1.0, 1.1)).within)


def test_a_cell_pairs_launches_of_the_same_block():
    cell = cell_of({1: [2.0], 2: [4.0], 3: [9.0]}, {1: [1.0], 2: [1.0]}, control=True)
    assert cell.ratios == (2.0, 4.0)
    assert cell.control
    assert cell_of({1: [2.0]}, {2: [1.0]}) is None


BLOCKS = st.dictionaries(
    st.tuples(st.sampled_from(["", "n1"]), st.integers(0, 9)),
    st.lists(st.floats(0.1, 10.0), min_size=4, max_size=4),
    min_size=1,
    max_size=10,
)


@given(BLOCKS, BLOCKS)
def test_as_arrays_launches_have_the_ratios_of_their_pairs(one, other):
    cell = cell_of(one, other)
    shared = [block for block in one if block in other]
    if not shared:
        assert cell is None
        return
    assert cell.ratios == pytest.approx([paired_shift(one[block], other[block]) for block in shared])
    # The same where launches have different numbers of rounds, which arrays can't hold.
    ragged = cell_of({**one, "apart": [1.0]}, other)
    assert ragged.ratios == pytest.approx(cell.ratios)
    assert ragged.turn_variance == pytest.approx(cell.turn_variance, abs=1e-12)


@given(BLOCKS, BLOCKS)
def test_the_other_way_round_a_cell_is_its_inverse(one, other):
    cell, turned = cell_of(one, other), cell_of(other, one)
    if cell is None:
        assert turned is None
        return
    assert sorted(turned.ratios) == pytest.approx(sorted(cell.inverse.ratios))
    assert turned.turn_variance == pytest.approx(cell.inverse.turn_variance, abs=1e-12)
    assert cell.middle == pytest.approx(geometric(cell.ratios).value, rel=1e-15)
