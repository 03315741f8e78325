from __future__ import annotations

import json

import pytest

from bench.fleet.units import DOCTOR, Order, Share, units_of
from impls.errors import InvalidInput
from tests.support.fleet.campaign import GROUPS, SUITE, suite


@pytest.fixture
def virtual(tmp_path):
    return suite(tmp_path)[1]


def units(virtual, **order: object):
    return units_of("campaign", "virtual", virtual, "cpu", Order(**order))  # type: ignore[arg-type]


def test_every_network_has_a_unit_a_node_and_each_its_first_one_first(virtual):
    made = units(virtual, nodes=2, launches=3)
    shares = [Share.of(one.payload) for one in made]
    assert [(one.group, one.first, one.launches) for one in shares] == [
        *((group, 0, 3) for group in GROUPS),
        *((group, 3, 3) for group in GROUPS),
    ]
    assert made[-1].label == f"{GROUPS[-1]} launches 3-5"
    assert len({one.id for one in made}) == 6


def test_units_of_a_network_are_apart_if_there_are_several(virtual):
    assert [one.needs.apart for one in units(virtual, nodes=2)] == [*GROUPS, *GROUPS]
    assert {one.needs.apart for one in units(virtual)} == {""}


def test_what_a_unit_asks_of_its_node(virtual):
    made = units(virtual, time_limit=60.0, machine_type="t", software="d")[0]
    assert (made.needs.machine_type, made.needs.exclusive, made.needs.cards) == ("t", True, 0)
    assert (made.time_limit, made.software, made.check) == (60.0, "d", DOCTOR)
    assert units(virtual, check=False)[0].check == ()
    assert units_of("c", "virtual", virtual, "cuda", Order())[0].needs.cards == 1


def test_a_unit_measures_all_phases_and_contestants_of_its_network(virtual):
    share = Share.of(units(virtual)[1].payload)
    assert {case.workload.launch_id for case in share.own} == {GROUPS[1]}
    assert {case.workload.phase for case in share.own} == {"infer", "train"}
    assert len(share.own) == 2 * 2
    assert len(share.cases) == 3 * 2 * 2


def test_controls_are_measured_with_their_networks(tmp_path):
    found = suite(tmp_path, SUITE.replace("controls = false", "controls = true"))[1]
    own = [case for one in units(found) for case in Share.of(one.payload).own]
    assert len(own) == 3 * 2 * 2 + sum(bool(case.contestant.copy) for case in own)
    assert any(case.contestant.copy for case in own)


def test_a_payload_is_json_and_gives_the_same_share(virtual):
    payload = units(virtual)[0].payload
    assert Share.of(json.loads(json.dumps(payload))) == Share.of(payload)
    assert Share.of(payload).suite == virtual


@pytest.mark.parametrize(
    "change",
    [{"suite": {}}, {"suite": {"title": 3}}, {"more": 1}, {"suite": None}],
    ids=["empty", "wrong", "unknown", "none"],
)
def test_a_payload_of_something_else_is_one_line(virtual, change):
    with pytest.raises(InvalidInput, match="the unit's payload is none of a suite's launches: ") as found:
        Share.of({**units(virtual)[0].payload, **change})
    assert "\n" not in str(found.value)
    with pytest.raises(InvalidInput, match="payload"):
        Share.of({"seed": 1})
