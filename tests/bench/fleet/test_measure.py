"""What a node does with a unit, with simulated launches."""

from __future__ import annotations

import json

import pytest

from bench.fleet import measure as measuring
from bench.fleet.units import Order, Share
from bench.launch.fake import Behaviour, FakeLauncher, VirtualClock
from bench.runner.campaign import CampaignRunner
from fleet import unit as units
from impls.errors import DeadheatError
from results.schema.record import Status
from results.store.campaigns import read_campaign
from tests.support.fleet.campaign import GROUPS, plan


@pytest.fixture
def made(tmp_path):
    return plan(tmp_path, Order(2, 3, time_limit=1000.0, check=False)).begin("t", "d", False)[1]


@pytest.fixture
def launchers(monkeypatch) -> list[FakeLauncher]:
    """The launchers of the campaigns, whose launches are simulated: each takes 10 s of a unit's time."""
    found: list[FakeLauncher] = []

    def simulated(ledger, suite, **more):
        clock = VirtualClock()
        found.append(FakeLauncher(clock, lambda case, launch: Behaviour(build_seconds=10.0)))
        return CampaignRunner(ledger, suite, launcher=found[-1], clock=clock, **more)

    monkeypatch.setattr(measuring, "CampaignRunner", simulated)
    return found


def test_a_unit_is_measured_as_a_campaign_of_its_own(made, launchers, tmp_path):
    measuring.measure(Share.of(made[4].payload), 1000.0, tmp_path / "part")
    found = read_campaign(tmp_path / "part" / "campaign")
    assert {record.case.workload.launch_id for record in found.records} == {GROUPS[1]}
    assert sorted({record.launch for record in found.records}) == [0, 1, 2]
    assert {record.status for record in found.records} == {Status.MEASURED}
    assert (found.system.stop, set(found.system.rules.values())) == ("complete", {"launches"})
    assert len(found.system.cases) == 12
    assert found.problems == ()


def test_nodes_use_other_orders_for_the_same_network(made, launchers, tmp_path):
    """Each launch of a campaign has an order of turns of its own."""
    for number in (1, 4):
        measuring.measure(Share.of(made[number].payload), 1000.0, tmp_path / str(number))
    first, second = ([one.case.id for one in launcher.launches] for launcher in launchers)
    assert sorted(first) == sorted(second)
    assert first != second


def test_a_unit_that_can_not_be_measured_in_its_time_keeps_what_it_has(made, launchers, tmp_path):
    share = Share.of(made[0].payload)
    measuring.measure(share, 25.0, tmp_path / "part")
    found = read_campaign(tmp_path / "part" / "campaign")
    assert found.system.stop == "budget"
    assert launchers[0].clock() <= measuring.BUDGET_SHARE * 25.0
    assert {record.status for record in found.records if record.launch == 0} == {Status.MEASURED}


def test_a_card_that_is_not_there_is_one_line(made, tmp_path):
    payload = {**made[0].payload, "device": "cuda"}
    with pytest.raises(DeadheatError, match="--device cuda: "):
        measuring.measure(Share.of(payload), 1000.0, tmp_path / "part")


def test_the_command_measures_the_units_file(made, launchers, tmp_path):
    file = units.write(made[0], tmp_path / "a folder")
    assert measuring.main([str(file), str(tmp_path / "part")]) == 0
    assert len(read_campaign(tmp_path / "part" / "campaign").records) == 12


@pytest.mark.parametrize("damage", ["{", json.dumps({"label": "", "command": [], "payload": {"seed": 1}})])
def test_a_file_of_something_else_is_one_line(tmp_path, capsys, damage):
    (tmp_path / "u.json").write_text(damage)
    assert measuring.main([str(tmp_path / "u.json"), str(tmp_path / "part")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1


def test_ctrl_c_is_an_error_in_a_word(made, launchers, monkeypatch, tmp_path, capsys):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(CampaignRunner, "measure", interrupted)
    file = units.write(made[0], tmp_path / "a folder")
    assert measuring.main([str(file), str(tmp_path / "part")]) == 1
    assert capsys.readouterr().err == "interrupted\n"
    assert read_campaign(tmp_path / "part" / "campaign").system.stop == "interrupted"
