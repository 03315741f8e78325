"""Estimates over nodes of one machine type."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit

from results.stats.estimates import BAND, Estimate, geometric, launches_for
from results.stats.nodes import FEWEST_NODES, over_nodes, spread
from results.stats.verdicts import TimingVerdict, judge

times = st.floats(0.5, 2.0)
launches = st.lists(times, min_size=2, max_size=5)
nodes_of_launches = st.lists(launches, min_size=2, max_size=6)


def half(found: Estimate) -> float:
    return math.log(found.high / found.low) / 2


def estimates(nodes: Sequence[Sequence[float]]) -> list[Estimate]:
    return [geometric(node) for node in nodes]


def ends(found: Estimate) -> tuple[float, float, float]:
    return found.value, found.low, found.high


@given(launches)
def test_one_node_is_its_own_estimate(one: list[float]) -> None:
    assert over_nodes(estimates([one])) == geometric(one)


@given(nodes_of_launches, st.randoms(use_true_random=False))
def test_the_order_of_nodes_and_launches_does_not_matter(nodes: list[list[float]], rng) -> None:
    shuffled = [rng.sample(node, len(node)) for node in rng.sample(nodes, len(nodes))]
    assert ends(over_nodes(estimates(nodes))) == pytest.approx(ends(over_nodes(estimates(shuffled))), rel=1e-9)


@given(nodes_of_launches)
def test_the_value_is_the_mean_of_nodes_each_with_the_same_weight(nodes: list[list[float]]) -> None:
    means = [float(np.mean(np.log(node))) for node in nodes]
    found = over_nodes(estimates(nodes))
    assert math.log(found.value) == pytest.approx(np.mean(means), abs=1e-9)
    assert found.launches == sum(map(len, nodes))


def welch(nodes: Sequence[Sequence[float]]) -> float:
    """Half of the interval that launches within nodes alone give."""
    errors = [float(np.var(np.log(node), ddof=1)) / len(node) if len(set(node)) > 1 else 0.0 for node in nodes]
    if not sum(errors):
        return 0.0
    freedom = sum(errors) ** 2 / sum(error**2 / (len(node) - 1) for error, node in zip(errors, nodes, strict=True))
    return float(stdtrit(freedom, 0.975)) * math.sqrt(sum(errors)) / len(nodes)


@given(st.lists(launches, min_size=FEWEST_NODES, max_size=6))
def test_an_interval_is_no_narrower_than_launches_within_nodes_say(nodes: list[list[float]]) -> None:
    rounding = 1e-12
    assert half(over_nodes(estimates(nodes))) >= welch(nodes) * (1 - 1e-6) - rounding
    alike = [[one / geometric(node).value for one in node] for node in nodes]
    assert half(over_nodes(estimates(alike))) == pytest.approx(welch(alike), abs=1e-6)


@given(st.lists(launches, min_size=2, max_size=2))
def test_the_interval_of_two_nodes_is_what_their_launches_say(nodes: list[list[float]]) -> None:
    assert half(over_nodes(estimates(nodes))) == pytest.approx(welch(nodes), abs=1e-6)


def test_from_three_nodes_on_the_interval_is_students_over_nodes() -> None:
    nodes = [[1.0, 1.001], [1.1, 1.101], [1.2, 1.202]]
    found, plain = over_nodes(estimates(nodes)), geometric([geometric(node).value for node in nodes])
    assert ends(found) == pytest.approx(ends(plain))
    assert found.own_freedom == 2


def test_two_nodes_are_these_two_machines_however_far_apart() -> None:
    near, far = ([[1.0, 1.01, 0.99], [apart, 1.01 * apart, 0.99 * apart]] for apart in (1.0, 3.0))
    assert half(over_nodes(estimates(far))) == pytest.approx(half(over_nodes(estimates(near))))
    assert half(over_nodes(estimates(far))) < half(geometric(near[0]))


def test_two_nodes_of_which_one_has_a_single_launch_have_no_interval() -> None:
    found = over_nodes(estimates([[1.0, 1.1], [1.2]]))
    assert math.isnan(found.low)
    assert found.value == pytest.approx(math.sqrt(math.sqrt(1.1) * 1.2))


def test_three_nodes_of_a_single_launch_each_have_one() -> None:
    found = over_nodes(estimates([[1.0], [1.1], [1.2]]))
    assert ends(found) == pytest.approx(ends(geometric([1.0, 1.1, 1.2])))


@pytest.mark.parametrize("nodes", [2, 3, 8])
def test_nodes_and_launches_that_are_equal_are_a_dead_heat(nodes: int) -> None:
    found = over_nodes(estimates([[1.0, 1.0]] * nodes))
    assert ends(found) == (1.0, 1.0, 1.0)
    assert judge(found).verdict is TimingVerdict.DEAD_HEAT


def test_launches_within_the_band_on_every_node_are_a_dead_heat_over_nodes() -> None:
    rng = np.random.default_rng(1)
    found = over_nodes([geometric(list(np.exp(rng.normal(0, BAND / 10, 4)))) for _ in range(4)])
    assert judge(found).verdict is TimingVerdict.DEAD_HEAT


def test_more_launches_are_thought_of_as_on_more_nodes() -> None:
    """Twice as many nodes of the same spread have the interval that is foretold."""
    nodes = [[1.0, 1.001], [1.1, 1.101], [1.2, 1.202]]
    few, many = over_nodes(estimates(nodes)), over_nodes(estimates(nodes * 2))
    larger = half(many) * math.sqrt(5 / 4) * (1 + 1e-6)  # a sample of six from the spread of three
    assert launches_for(few, larger) == pytest.approx(many.launches, abs=1)


@pytest.mark.parametrize("effect", [0.0, 0.01, 0.05], ids=lambda effect: f"{effect:.0%}")
@pytest.mark.parametrize("count", [2, 3, 4, 8])
def test_intervals_hold_the_truth(count: int, effect: float) -> None:
    """Of the machine type, whose nodes deviate; of two nodes, their own. Without nodes, half of them do at 5 %."""
    rng, held, campaigns = np.random.default_rng([count, round(100 * effect)]), 0, 400
    for _ in range(campaigns):
        deviations = rng.normal(0, effect, count)
        logs = [rng.normal(deviation, 0.02, 2 + node % 3) for node, deviation in enumerate(deviations)]
        found = over_nodes([geometric(list(np.exp(node))) for node in logs])
        truth = 1.0 if count >= FEWEST_NODES else math.exp(deviations.mean())
        held += found.low <= truth <= found.high
    assert held > 0.92 * campaigns


def test_the_spread_of_nodes_is_what_launches_do_not_explain() -> None:
    rng = np.random.default_rng(2)
    apart = [geometric(list(np.exp(rng.normal(node, 0.01, 5)))) for node in rng.normal(0, 0.1, 200)]
    alike = [geometric(list(np.exp(rng.normal(0, 0.01, 5)))) for _ in range(200)]
    assert spread(apart) == pytest.approx(0.1, rel=0.15)
    assert spread(alike) < 0.003
    assert math.isnan(spread(apart[:1]))
