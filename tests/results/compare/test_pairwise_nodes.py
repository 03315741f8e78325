"""Two campaigns of several nodes compared: launches of two nodes are neither paired nor compared."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from results.compare.pairwise import Change, compare
from results.schema.record import Case, Contestant, Record
from results.schema.system import system_of
from results.stats.estimates import paired_ratio
from results.stats.nodes import over_nodes
from results.stats.verdicts import TimingVerdict
from results.store.campaigns import StoredCampaign
from results.store.journal import ResultsError
from tests.support.made_up import SYSTEM, measured, workload

INFER, TRAIN = (Case(workload(phase=phase), Contestant("alpha", "eager")) for phase in ("infer", "train"))
SPEEDS = {"n1": 1.0, "n2": 1.3, "n3": 0.8}
"""Of nodes: seconds over those of the first."""


def launches(
    node: str, factor: float = 1.0, seed: object = 0, case: Case = INFER, noise: float = 0.003
) -> list[Record]:
    """Six launches of a node, numbered alike on all of them."""
    rng = random.Random(f"{seed} {node} {case.id}")
    times = [0.01 * SPEEDS.get(node, 1.0) * factor * math.exp(rng.gauss(0, noise)) for _ in range(6)]
    return [replace(measured(case, number, [seconds] * 3), node=node) for number, seconds in enumerate(times)]


def campaign(name: str, *records: Sequence[Record]) -> StoredCampaign:
    return StoredCampaign(Path(name), system_of(SYSTEM), tuple(one for own in records for one in own))


def of_nodes(name: str, factors: Mapping[str, float], noise: float = 0.003) -> StoredCampaign:
    return campaign(name, *(launches(node, factor, name, noise=noise) for node, factor in factors.items()))


def only(before: StoredCampaign, after: StoredCampaign, **how: bool) -> Change:
    (change,) = compare(before, after, **how).changes
    return change


@pytest.mark.parametrize("nodes", [2, 3])
def test_a_change_is_seen_on_nodes_that_differ_by_more_than_it(nodes: int) -> None:
    names = list(SPEEDS)[:nodes]
    change = only(of_nodes("old", dict.fromkeys(names, 1.0)), of_nodes("new", dict.fromkeys(names, 1.1)))
    assert change.verdict is TimingVerdict.SLOWER
    assert change.ratio.low < 1.1 < change.ratio.high
    assert change.candidate_seconds / change.baseline_seconds == pytest.approx(change.ratio.value)


def test_from_three_nodes_on_a_change_on_one_of_them_is_none_of_the_type() -> None:
    factors = {"n1": 1.0, "n2": 1.0, "n3": 1.2}
    change = only(of_nodes("old", dict.fromkeys(SPEEDS, 1.0)), of_nodes("new", factors))
    assert change.ratio.low < 1 < change.ratio.high
    assert change.ratio.freedom == 2


def test_launches_that_ran_side_by_side_are_paired_on_their_node_alone() -> None:
    """All nodes number their launches alike, and share what disturbed a launch within a node only."""
    rng = random.Random(1)
    disturbed = {(node, launch): math.exp(rng.uniform(0, 0.4)) for node in SPEEDS for launch in range(6)}
    old, new = of_nodes("both@old", dict.fromkeys(SPEEDS, 1.0)), of_nodes("both@new", {"n1": 1.0, "n2": 1.1, "n3": 1.2})
    slowed = [
        replace(
            found,
            records=tuple(
                replace(one, seconds=tuple(disturbed[one.node, one.launch] * value for value in one.seconds))
                for one in found.records
            ),
        )
        for found in (old, new)
    ]
    change = only(*slowed, side_by_side=True)
    each = []
    for node in SPEEDS:
        sides = ({one.launch: one.seconds for one in found.records if one.node == node} for found in slowed)
        before, after = sides
        found = paired_ratio(after, before)
        assert found
        each.append(found.ratio)
    expected = over_nodes(each)
    assert [change.ratio.low, change.ratio.value, change.ratio.high] == pytest.approx(
        [expected.low, expected.value, expected.high]
    )
    # Pooled over nodes, 18 blocks would exclude 1; three machines that differ so much do not.
    assert change.ratio.low < 1 < change.ratio.high
    assert change.verdict is not TimingVerdict.SLOWER


def test_several_other_nodes_are_samples_of_their_type() -> None:
    change = only(of_nodes("old", {"n1": 1.0, "n2": 1.0}), of_nodes("new", {"n2": 1.0, "n3": 1.0}))
    assert change.ratio.launches == 2


@pytest.mark.parametrize("nodes", [("n2",), ("n1", "n2")], ids=["another", "two"])
def test_a_single_node_is_not_compared_with_others(nodes: Sequence[str]) -> None:
    old, new = of_nodes("old", {"n1": 1.0}), of_nodes("new", dict.fromkeys(nodes, 1.0))
    with pytest.raises(ResultsError) as refused:
        compare(old, new)
    assert str(refused.value) == (
        f"no case was measured on the same machines: on n1 in old, on {', '.join(nodes)} in new; measure both on the "
        "same ones, or use --across-systems"
    )
    assert only(old, new, across_systems=True).ratio.value > 0


def test_cases_of_other_nodes_are_missing_with_the_reason() -> None:
    old = campaign("old", launches("n1"), launches("n2", case=TRAIN))
    new = campaign("new", launches("n1", seed=1), launches("n3", case=TRAIN))
    report = compare(old, new)
    assert [change.case for change in report.changes] == [INFER.id]
    assert report.missing == {TRAIN.id: "on n2 in old, on n3 in new"}


def test_a_campaign_that_names_no_machine_is_compared_with_one_node_but_not_with_two() -> None:
    plain = of_nodes("plain", {"": 1.0})
    assert only(plain, of_nodes("named", {"n1": 1.0})).verdict is TimingVerdict.DEAD_HEAT
    with pytest.raises(ResultsError, match="on an unnamed machine in plain, on n1, n2 in named"):
        compare(plain, of_nodes("named", {"n1": 1.0, "n2": 1.0}))
