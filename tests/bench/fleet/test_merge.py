"""Parts become one campaign: launches are numbered over nodes, nothing is merged twice, and nothing wrong is merged."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import replace

import pandas as pd
import pytest

from bench.fleet.campaigns import opened
from bench.fleet.merge import CampaignSink
from fleet import part
from fleet.part import Ended, PartError
from results.advice import warnings_for
from results.schema.record import Status
from results.schema.system import System, Warned
from results.store.campaigns import CampaignWriter, StoredCampaign, read_campaign
from results.tables.cases import cases
from results.tables.nodes import nodes, scope_of
from tests.support.fleet.campaign import GROUPS, campaign, failing, measured_part


class Merging:
    """A campaign of two nodes, whose parts are merged into it."""

    def __init__(self, home):
        self.folder, self.units = campaign(home, nodes=2)
        self.parts = home / "parts"
        self.open()

    def open(self) -> None:
        """As a driver would that goes on."""
        self.writer = CampaignWriter.resume(self.folder, System())
        self.sink = CampaignSink(self.writer, self.read())

    def close(self) -> None:
        self.writer.close()

    def read(self) -> StoredCampaign:
        return read_campaign(self.folder)

    def accept(self, number: int, node: str = "n1", **more: object) -> Ended:
        attempt = self.parts / str(number)
        shutil.rmtree(attempt, ignore_errors=True)
        ended = measured_part(self.units[number], attempt, node, **more)
        self.sink.accept(self.units[number], ended, attempt / part.PART)
        return ended


@pytest.fixture
def merging(tmp_path):
    found = Merging(tmp_path)
    yield found
    found.close()


def test_launches_are_numbered_over_nodes_and_have_their_node(merging):
    merging.accept(0, "n1")
    merging.accept(3, "n2")
    found = merging.read()
    case = found.records[0].case
    assert [(one.node, one.launch) for one in found.records if one.case == case] == [
        ("n1", 0), ("n1", 1), ("n2", 2), ("n2", 3),
    ]  # fmt: skip
    assert {one.case.workload.launch_id for one in found.records} == {GROUPS[0]}
    assert found.problems == ()


def test_what_the_campaign_says_of_its_nodes_and_parts(merging):
    checks = Warned(what="the clock is not steady")
    merging.accept(0, "n1", system=System(measuring_seconds=5.0, warnings=(checks,), rules={"a": "launches"}))
    merging.accept(3, "n2", system=System(measuring_seconds=2.0, rules={"b": "budget"}))
    system = merging.read().system
    assert {name: (node.type, node.environment, node.machine.cpu) for name, node in system.nodes.items()} == {
        "n1": ("cpu-2c", "d", "c"),
        "n2": ("cpu-2c", "d", "c"),
    }
    assert [len(node.checks) for node in system.nodes.values()] == [1, 0]
    assert (system.rules, system.measuring_seconds) == ({"a": "launches", "b": "budget"}, 7.0)
    assert (system.command, system.campaign, system.stop) == ("what was typed", merging.folder.name, "interrupted")


def test_facts_of_the_whole_campaign_are_those_of_its_first_part(merging):
    of_part = {"campaign": "campaign", "command": "measure", "cases": ["one"], "started": "2000-01-01"}
    merging.accept(0, system=System(reference="fake-clock:slow", workloads={"w": {"macs": 1}}, **of_part))
    merging.accept(1, system=System(reference="other", workloads={"v": {}}))
    system = merging.read().system
    assert (system.reference, list(system.workloads)) == ("fake-clock:slow", ["w"])
    assert len(system.cases) == 12
    assert system.started != "2000-01-01"


def test_a_part_is_merged_once_also_by_the_next_driver(merging):
    ended = merging.accept(0)
    before = merging.read()
    for _ in range(2):
        merging.sink.accept(merging.units[0], ended, merging.parts / "0" / part.PART)
        merging.close()
        merging.open()
    assert merging.read().records == before.records
    assert merging.read().system.measuring_seconds == before.system.measuring_seconds == 5.0


def test_what_was_merged_in_part_is_completed(merging):
    """The driver was killed in the middle of writing: the last line is cut off."""
    ended = merging.accept(0)
    complete = merging.read().records
    merging.close()
    records = merging.folder / "records.jsonl"
    records.write_bytes(b"".join(records.read_bytes().splitlines(keepends=True)[:3])[:-30])
    merging.open()
    merging.sink.accept(merging.units[0], ended, merging.parts / "0" / part.PART)
    assert sorted(merging.read().records, key=repr) == sorted(complete, key=repr)
    assert len(merging.read().problems) == 1


def test_logs_come_along_under_names_of_their_units(merging):
    merging.accept(0, change=failing)
    merging.accept(1, change=failing)
    logs = sorted({record.log for record in merging.read().records})
    assert logs == sorted(f"logs/{unit.id[:8]}-001-fast.log" for unit in merging.units[:2])
    texts = {(merging.folder / log).read_text() for log in logs}
    assert texts == {f"log of {unit.label}" for unit in merging.units[:2]}


def test_a_log_that_cannot_be_kept_costs_no_record(merging, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copyfile", full)
    merging.accept(0, change=failing)
    assert {record.log for record in merging.read().records} == {""}


def test_a_log_outside_the_part_is_copied_nowhere_else_than_to_the_logs(merging):
    merging.accept(0, change=lambda record: replace(failing(record), log="../../../outside.log"))
    assert {record.log for record in merging.read().records} == {""}
    assert not list(merging.folder.parent.rglob("*outside*"))


def test_a_part_of_another_machine_type_is_refused(merging):
    merging.accept(0)
    with pytest.raises(
        PartError, match="node n2 is of type gpu, the campaign of cpu-2c; machine types are measured in"
    ):
        merging.accept(1, "n2", type="gpu")
    assert {record.node for record in merging.read().records} == {"n1"}
    merging.close()
    merging.open()
    with pytest.raises(PartError, match="node n2 is of type gpu"):
        merging.accept(1, "n2", type="gpu")


def test_a_part_without_a_campaign_is_refused(merging):
    (merging.parts / "0" / "part").mkdir(parents=True)
    with pytest.raises(PartError, match=r"no campaign in '.*': it has no records.jsonl"):
        merging.sink.accept(merging.units[0], Ended("", 1, "n1", part.Outcome.WHOLE), merging.parts / "0" / "part")


def test_a_part_with_a_line_that_is_no_record_is_refused_whole(merging):
    measured_part(merging.units[0], merging.parts / "0")
    records = merging.parts / "0" / "part" / "campaign" / "records.jsonl"
    records.write_bytes(records.read_bytes()[:-40])
    ended = Ended("", 1, "n1", part.Outcome.WHOLE)
    with pytest.raises(PartError, match=r"the part can't be read: campaign/records.jsonl line 8: "):
        merging.sink.accept(merging.units[0], ended, merging.parts / "0" / "part")
    assert merging.read().records == ()


def test_a_node_that_says_what_is_none_of_a_node_is_refused(merging):
    ended = replace(measured_part(merging.units[0], merging.parts / "0"), facts={"type": 3})
    with pytest.raises(PartError, match="what node n1 says of itself can't be read: ") as found:
        merging.sink.accept(merging.units[0], ended, merging.parts / "0" / "part")
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(("skipped", "status"), [(True, Status.SKIPPED), (False, Status.CRASHED)])
def test_a_unit_that_was_given_up_leaves_a_row_with_the_reason_for_each_case(merging, skipped, status):
    merging.sink.give_up(merging.units[0], "no machine joined", skipped)
    found = merging.read().records
    assert [(one.status, one.reason, one.node) for one in found] == [(status, "no machine joined", "")] * 4
    merging.sink.give_up(merging.units[0], "again", skipped)
    assert len(merging.read().records) == 4


def test_so_does_the_unit_of_a_second_node_at_its_own_launch(merging):
    merging.accept(0)
    before = cases([merging.read()])
    merging.sink.give_up(merging.units[3], "no second machine joined", True)
    found = merging.read()
    lost = [one for one in found.records if one.status is not Status.MEASURED]
    assert {(one.status, one.reason, one.node, one.launch) for one in lost} == {
        (Status.SKIPPED, "no second machine joined", "", 2)
    }
    assert len(lost) == 4
    pd.testing.assert_frame_equal(cases([found]), before)  # what was measured counts as before
    table = nodes([found])
    assert (set(table.node), set(table.status)) == ({"n1"}, {"measured"})
    assert scope_of(found).nodes == ("n1",)
    (warned,) = (one["what"] for one in warnings_for(found) if "no second machine joined" in one["what"])
    assert warned.startswith("4 launches skipped")


def test_a_unit_that_was_given_up_can_be_measured_later(merging):
    merging.sink.give_up(merging.units[0], "no machine joined", True)
    merging.accept(0)
    records = [record for record in merging.read().records if record.status is Status.MEASURED]
    assert len(records) == 8


def test_a_driver_that_was_killed_after_merging_goes_on(merging, tmp_path):
    """Its records are in the campaign, and the attempt is not noted."""
    merging.close()
    with opened(merging.folder, merging.units) as work:
        attempt = work.begin(merging.units[0], "n1")
        ended = measured_part(merging.units[0], attempt.folder)
        work.sink.accept(attempt.unit, ended, attempt.folder / part.PART)
    with opened(merging.folder, merging.units, "again") as work:
        assert work.accepted == {merging.units[0].id}
    assert len(merging.read().records) == 8
    assert merging.read().system.resumed == ("again",)
    merging.open()
