import math

import numpy as np
import pytest

from results.stats.cells import Cell
from results.stats.components import LEAST_BETWEEN, USUAL_BETWEEN, USUAL_TURN, Components, components

TURN, TURNS = 0.05**2, 10


def cells(rng, count, launches, between):
    logs = rng.normal(0, math.sqrt(between + TURN / TURNS), (count, launches))
    return [Cell(tuple(np.exp(one)), TURN, TURNS) for one in logs]


@pytest.mark.parametrize("launches", [2, 3, 8])
def test_the_variances_between_launches_and_within_are_told_apart(launches):
    found = components(cells(np.random.default_rng(1), 2000, launches, 0.04**2))
    assert math.sqrt(found.between) == pytest.approx(0.04, rel=0.06)
    assert (found.within, found.cells) == (TURN, 2000)


def test_a_few_unsteady_cells_count_little():
    steady = cells(np.random.default_rng(2), 30, 4, 0.03**2)
    wild = [Cell((1.0, 3.0, 1.0, 9.0), TURN, TURNS)] * 3
    assert components([*steady, *wild]).between < 2 * components(steady).between


def test_before_two_launches_are_known_the_usual_variance_is_taken():
    assert components([Cell((1.1,), 0.01, TURNS)]) == Components(USUAL_BETWEEN, 0.01, 0)
    assert components([]) == Components(USUAL_BETWEEN, USUAL_TURN, 0)


def test_a_single_cell_of_two_launches_moves_the_usual_variance_little():
    found = components([Cell((1.0, 1.0), TURN, TURNS)])
    assert 0.7 * USUAL_BETWEEN < found.between < USUAL_BETWEEN


def test_cells_of_the_same_launches_tell_no_more_about_launches_than_one():
    same = [Cell((1.0, 1.0), TURN, TURNS)] * 16
    assert components(same, shared=16).between == components(same[:1]).between
    assert components(same).between < components(same[:1]).between


def test_launches_without_any_variance_between_them_leave_a_bound():
    rng = np.random.default_rng(3)
    found = components(cells(rng, 3000, 8, 0.0))
    assert LEAST_BETWEEN <= found.between < 0.01**2


def test_where_no_turn_is_known_all_variance_counts_as_between_launches():
    rng = np.random.default_rng(4)
    found = components([Cell(tuple(np.exp(rng.normal(0, 0.05, 4)))) for _ in range(500)])
    assert math.sqrt(found.between) == pytest.approx(0.05, rel=0.08)
    assert found.within == USUAL_TURN


def test_the_turns_of_a_launch_by_hand():
    assert Components(between=0.01, within=0.04).turns(launch_cost=9, turn_cost=1) == pytest.approx(6)


def test_those_turns_give_the_least_variance_for_the_time():
    one, launch, turn = Components(0.03**2, 0.06**2), 6.0, 0.2
    best = one.turns(launch, turn)

    def cost(turns):
        return (one.between + one.within / turns) * (launch + turns * turn)

    assert cost(best) < min(cost(best * 0.9), cost(best * 1.1))
