"""Further launches of undecided networks, on a virtual clock: which, where, how many, and when it ends."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.fleet.campaigns import Plan, measure, opened
from bench.fleet.further import Made, OnNode, UntilDecided, Wish, fitting, launches_to_decide
from bench.fleet.units import Order, Share
from bench.scheduling.prospects import Prospect
from fleet.driver import Silent
from fleet.part import Outcome
from fleet.unit import Unit
from fleet.work import Work, stored_units
from results.schema.record import Record, Status
from results.stats.cells import Cell
from results.stats.moderation import judged_cells
from results.store.campaigns import StoredCampaign, read_campaign
from results.tables.cases import cases, judgement
from tests.support.fleet.campaign import GROUPS, NETWORKS, measured_part, suite
from tests.support.fleet.fakes import TYPE, FakeEngine, Killed, Stay, offer
from tests.support.made_up import measured
from tests.support.started import tiny

CLEAR, NOISY, HOPELESS = GROUPS
NOISE = {CLEAR: 0.001, NOISY: 0.03, HOPELESS: 0.5}
FAST = 0.9
"""Time of the second contestant over that of the first."""
MOST = 12
SUITE = tiny("fake-clock:slow", "fake-clock:fast", launches=[2, MOST], workloads=NETWORKS)


def records(unit: Unit, node: str) -> Iterator[Record]:
    """What a node measures: the same launch is always the same."""
    share = Share.of(unit.payload)
    for launch in range(share.launches):
        for case in share.own:
            rng = random.Random(f"{case.id} {node} {share.first + launch}")
            middle = 0.001 * (FAST if case.contestant.execution == "fast" else 1.0)
            yield measured(case, launch, [middle * math.exp(rng.gauss(0, NOISE[share.group]))] * 3)


class Measuring(FakeEngine):
    """Its whole parts are campaigns."""

    def submit(self, attempts):
        super().submit(attempts)
        for _, attempt, ended in self._events:
            if ended.outcome is Outcome.WHOLE and not attempt.folder.exists():
                made = records(attempt.unit, attempt.node)
                measured_part(attempt.unit, attempt.folder, attempt.node, records=made)


def begun(home: Path, nodes: int = 1) -> tuple[Path, list[Unit]]:
    path, found = suite(home, SUITE)
    order = Order(nodes, 2, check=False)
    return Plan(path, found, "cpu", "what was typed", home / "data", order).begin(TYPE, "d", False)


def decided(folder: Path, units: list[Unit], engine: FakeEngine, seconds: float = 1e6) -> tuple[Work, StoredCampaign]:
    """The campaign after a run until decided, within so many seconds."""
    with opened(folder, units) as work:
        measure(engine, [work], Silent(), 0.0, UntilDecided(seconds, engine.clock))
    return work, read_campaign(folder)


def launches(campaign: StoredCampaign) -> dict[str, Counter[str]]:
    """By network, the launches of each node."""
    found = {group: {(one.node, one.launch) for one in campaign.records if one.case.workload.launch_id == group}
             for group in GROUPS}  # fmt: skip
    return {group: Counter(node for node, _ in own) for group, own in found.items()}


def undecided(campaign: StoredCampaign) -> set[str]:
    """The networks with an undecided verdict."""
    table = cases([campaign])
    open = [row for row in table.to_dict("records") if (found := judgement(row)) and not found.is_decided]
    return {row["group"].rpartition("-")[0] for row in open}


def test_an_undecided_network_is_launched_until_it_is_decided_where_it_was_measured(tmp_path: Path) -> None:
    folder, units = begun(tmp_path)
    work, found = decided(folder, units, Measuring([Stay(offer("n1"))]))
    made = launches(found)
    assert made[CLEAR] == {"n1": 2}
    assert 2 < made[NOISY]["n1"] <= MOST
    assert NOISY not in undecided(found)
    assert HOPELESS in undecided(found)
    assert (found.system.stop, work.without_part) == ("complete", [])
    numbers = sorted({one.launch for one in found.records if one.case.workload.launch_id == NOISY})
    assert numbers == list(range(made[NOISY]["n1"]))
    assert {unit.needs.node for unit in work.units} == {"", "n1"}


def test_without_it_nothing_is_launched_again(tmp_path: Path) -> None:
    folder, units = begun(tmp_path)
    engine = Measuring([Stay(offer("n1"))])
    with opened(folder, units) as work:
        measure(engine, [work], Silent(), 0.0)
    assert launches(read_campaign(folder)) == dict.fromkeys(GROUPS, {"n1": 2})


def test_all_nodes_of_a_network_get_as_many_launches_of_numbers_of_their_own(tmp_path: Path) -> None:
    folder, units = begun(tmp_path, nodes=2)
    _, found = decided(folder, units, Measuring([Stay(offer("n1")), Stay(offer("n2")), Stay(offer("n3"))]))
    for own in launches(found).values():
        assert len(own) == 2
        assert len(set(own.values())) == 1
    nodes: dict[tuple[str, int], set[str]] = {}
    for one in found.records:
        nodes.setdefault((one.case.workload.launch_id, one.launch), set()).add(one.node)
    assert all(len(own) == 1 for own in nodes.values())


@pytest.mark.parametrize(("seconds", "more"), [(2.9, 0), (3.9, 1)], ids=["over", "for one launch"])
def test_nothing_begins_that_is_expected_to_end_after_the_budget(tmp_path: Path, seconds: float, more: int) -> None:
    """Three units of two launches take 3 s, so a launch takes half a second."""
    folder, units = begun(tmp_path)
    work, _ = decided(folder, units, Measuring([Stay(offer("n1"))]), seconds)
    further = [Share.of(unit.payload).launches for unit in work.units[len(units) :]]
    assert sum(further) == more


def test_what_a_killed_driver_had_added_is_run_by_the_next_one(tmp_path: Path) -> None:
    folder, units = begun(tmp_path)
    with pytest.raises(Killed):
        decided(folder, units, Measuring([Stay(offer("n1"))], kill_at=3.4))
    stored = stored_units(folder)
    assert len(stored) > len(units)
    engine = Measuring([Stay(offer("n1"))])
    with opened(folder, stored) as work:
        measure(engine, [work], Silent(), 0.0)
    assert work.without_part == []
    assert launches(read_campaign(folder))[NOISY]["n1"] > 2


def test_a_node_that_has_left_is_asked_once_and_the_campaign_says_so(tmp_path: Path) -> None:
    folder, units = begun(tmp_path)
    work, found = decided(folder, units, Measuring([Stay(offer("n1"), leaves=3.1), Stay(offer("n2"), joins=3.1)]))
    missing = work.without_part
    assert missing
    assert {unit.needs.node for unit in missing} == {"n1"}
    assert {work.why_without_part(unit) for unit in missing} == {f"no machine n1 of type {TYPE} may run it"}
    assert {one.reason for one in found.records if one.status is Status.SKIPPED} == {
        f"no machine n1 of type {TYPE} may run it"
    }
    assert "n2" not in {one.node for one in found.records}


def on_nodes(ratios: Mapping[str, list[float]]) -> list[OnNode]:
    """One ratio on nodes, of these values by launch; each node has other ratios that are as noisy."""
    found = []
    for values in ratios.values():
        others = {f"other {number}": Cell(tuple(value**-1 for value in values)) for number in range(3)}
        judged = judged_cells({"one": Cell(tuple(values)), **others})
        found.append(OnNode(judged.ratios["one"], judged.outlooks["one"], 1.0))
    return found


def spread(middle: float, noise: float) -> list[float]:
    return [middle * (1 - noise), middle, middle * (1 + noise)]


def test_nodes_that_differ_more_than_their_launches_are_not_launched_again() -> None:
    apart = on_nodes({"n1": spread(0.9, 0.002), "n2": spread(1.0, 0.002), "n3": spread(1.15, 0.002)})
    assert launches_to_decide(apart, 100) == math.inf


def test_nodes_that_differ_by_chance_are_launched_again() -> None:
    alike = on_nodes({"n1": spread(0.99, 0.07), "n2": spread(1.0, 0.07), "n3": spread(1.01, 0.07)})
    needed = launches_to_decide(alike, 100)
    assert 0 < needed < math.inf
    assert launches_to_decide(alike, int(needed) - 1) == math.inf


def test_a_single_launch_on_each_node_needs_a_second_one() -> None:
    assert launches_to_decide(on_nodes({"n1": [0.5], "n2": [0.5]}), 5) == 1


RATIOS = st.lists(st.floats(0.9, 1.15), min_size=1, max_size=5).map(tuple)


@settings(max_examples=100)
@given(st.lists(RATIOS, min_size=1, max_size=6), st.integers(6, 30))
def test_on_one_node_the_rule_is_that_of_one_machine(cells: list[tuple[float, ...]], most: int) -> None:
    judged = judged_cells({number: Cell(ratios, 0.0004, 6.0) for number, ratios in enumerate(cells)})
    for key, ratio in judged.ratios.items():
        one = Prospect(ratio, judged.outlooks[key]).further_launches(6, most)
        assert launches_to_decide([OnNode(ratio, judged.outlooks[key], 6.0)], most - ratio.launches) == one


def test_networks_that_decide_more_per_second_come_first_and_nodes_stay_in_step() -> None:
    made = {"a": {"n1": Made(2, 1.0), "n2": Made(2, 2.0)}, "b": {"n1": Made(2, 1.0)}, "c": {"n2": Made(2, 9.0)}}
    first, second, third = Wish("a", 4, 3.0), Wish("b", 4, 2.0), Wish("c", 1, 1.0)
    found = list(fitting([first, second, third], made, 6.0))
    three, rest = replace(first, launches=3), replace(second, launches=3)
    assert found == [(three, "n1"), (three, "n2"), (rest, "n1")]
