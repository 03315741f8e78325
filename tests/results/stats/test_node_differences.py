"""Which cells differ between nodes of one machine type."""

from __future__ import annotations

import math

import numpy as np
import pytest

from results.stats.cells import Cell
from results.stats.node_differences import differences


def cells(rng: np.random.Generator, nodes: int, number: int = 12, count: int = 4) -> dict[str, dict[int, Cell]]:
    """Cells of known spread on each node, without a difference between nodes."""
    spreads = 0.02 * np.exp(rng.normal(0, 0.3, number))
    return {
        f"n{node}": {key: Cell(tuple(np.exp(rng.normal(0, own, count)))) for key, own in enumerate(spreads)}
        for node in range(nodes)
    }


def shifted(cell: Cell, factor: float) -> Cell:
    return Cell(tuple(factor * ratio for ratio in cell.ratios))


def found_in(nodes: dict[str, dict[int, Cell]]) -> set[tuple[int, str]]:
    return {key for key, one in differences(nodes, dict.fromkeys(nodes, 1.0)).items() if one.is_significant}


@pytest.mark.parametrize("nodes", [2, 4, 8])
def test_no_difference_is_found_in_95_percent_of_campaigns_without_one(nodes: int) -> None:
    """Without adjusting p values it would be found in most."""
    rng, campaigns = np.random.default_rng(nodes), 200
    assert sum(bool(found_in(cells(rng, nodes))) for _ in range(campaigns)) <= 0.09 * campaigns


def test_a_planted_difference_is_found_where_it_is_and_only_there() -> None:
    nodes = cells(np.random.default_rng(30), 4)
    nodes["n2"][5] = shifted(nodes["n2"][5], 1.25)
    assert found_in(nodes) == {(5, "n2")}
    found = differences(nodes, dict.fromkeys(nodes, 1.0))
    assert found[5, "n2"].ratio == pytest.approx(1.25, rel=0.05)
    own, *others = (float(np.mean(nodes[node][5].logs)) for node in ("n0", "n1", "n3"))
    assert math.log(found[5, "n0"].ratio) == pytest.approx(own - np.mean(others)), "without the node that is off"


def test_of_two_nodes_that_differ_neither_is_the_one() -> None:
    nodes = cells(np.random.default_rng(4), 2)
    nodes["n1"][0] = shifted(nodes["n1"][0], 1.5)
    assert found_in(nodes) == {(0, "n0"), (0, "n1")}


def test_a_noisier_node_is_no_difference() -> None:
    rng, campaigns = np.random.default_rng(5), 200
    found = 0
    for _ in range(campaigns):
        nodes = cells(rng, 4, number=20)
        nodes["n0"] = {key: Cell(tuple(np.power(cell.ratios, 4))) for key, cell in nodes["n0"].items()}
        found += bool(found_in(nodes))
    assert found <= 0.09 * campaigns


def test_what_controls_widen_intervals_by_widens_these_too() -> None:
    nodes = cells(np.random.default_rng(6), 3)
    nodes["n2"][5] = shifted(nodes["n2"][5], 1.2)
    quiet, noisy = (differences(nodes, dict.fromkeys(nodes, by)) for by in (1.0, 2.0))
    assert noisy[5, "n2"].p > quiet[5, "n2"].p


def test_cells_that_a_node_lacks_are_compared_among_the_others() -> None:
    nodes = cells(np.random.default_rng(7), 4)
    del nodes["n0"][5]
    nodes["n2"][5] = shifted(nodes["n2"][5], 1.3)
    nodes["n1"]["alone"] = nodes["n1"][0]  # type: ignore[index]
    found = differences(nodes, dict.fromkeys(nodes, 1.0))
    assert (5, "n0") not in found
    assert ("alone", "n1") not in found
    assert found[5, "n2"].is_significant


def test_a_node_of_a_single_launch_is_compared_by_the_spread_of_the_others() -> None:
    nodes = cells(np.random.default_rng(8), 4)
    nodes["n3"][5] = Cell((nodes["n3"][5].ratios[0] * 1.5,))
    assert found_in(nodes) == {(5, "n3")}


def test_single_launches_alone_and_exact_launches() -> None:
    single = {f"n{node}": {0: Cell((1.0 + node,))} for node in range(3)}
    assert differences(single, dict.fromkeys(single, 1.0)) == {}
    exact = {f"n{node}": {0: Cell((1.0, 1.0)), 1: Cell((1.0 + (node == 2),) * 2)} for node in range(3)}
    assert found_in(exact) == {(1, "n2")}
    assert differences({}, {}) == {}
