"""Campaigns of a fleet on disk: begun, measured on a virtual clock, resumed, and completed from other folders."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import replace

import pytest

from bench.fleet import campaigns
from bench.fleet.campaigns import collect, joined, measure, opened, same_software, units_in
from bench.fleet.units import Order
from bench.launch.fake import VirtualClock
from fleet import part
from fleet.driver import Silent
from fleet.part import Outcome
from fleet.work import stored_units
from impls.errors import DeadheatError, InvalidInput
from results.schema.record import Status
from results.store.campaigns import read_campaign
from results.store.journal import ResultsError
from tests.support.fleet.campaign import GROUPS, campaign, measured_part, plan
from tests.support.fleet.fakes import TYPE, FakeEngine, Fate, Stay, offer


@pytest.fixture
def made(tmp_path):
    return campaign(tmp_path)


def end(unit, folder, number=1, outcome=Outcome.WHOLE, **more):
    """An attempt in a folder of its own, as another scheduler leaves it."""
    place = folder / str(number)
    ended = measured_part(unit, place, **more)
    if outcome is not Outcome.WHOLE:
        part.publish(place, replace(ended, outcome=outcome, reason="planted", files={}))
    return place


def test_a_campaign_begins_with_its_units(made, tmp_path):
    folder, units = made
    assert stored_units(folder) == units
    found = read_campaign(folder)
    assert (found.system.stop, found.system.suite.name) == ("interrupted", str(tmp_path / "virtual.toml"))
    assert found.records == ()
    assert len(found.system.cases) == 12
    assert {one.payload["campaign"] for one in units} == {folder.name}


def test_a_suite_may_have_a_name_with_spaces_and_a_campaign_says_its_type(tmp_path):
    made = plan(tmp_path, Order(), "my own: süite.toml")
    assert made.begin("cpu-2c", "d", True)[0].name.endswith("-my-own-s-ite-cpu-2c")
    assert made.begin("cpu-2c", "d", False)[0].name.endswith("-my-own-s-ite")


def test_two_campaigns_of_one_second_have_units_of_their_own(tmp_path):
    one, other = campaign(tmp_path), campaign(tmp_path)
    assert one[0] != other[0]
    assert not {unit.id for unit in one[1]} & {unit.id for unit in other[1]}


def test_a_disk_that_is_full_is_one_line(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "units/1.json")

    monkeypatch.setattr(campaigns, "write_unit", full)
    with pytest.raises(ResultsError, match=r"'units/1.json': No space left on device; what was merged is kept in "):
        campaign(tmp_path)


class Measuring(FakeEngine):
    """A fake engine whose whole parts are measured campaigns."""

    def submit(self, attempts):
        super().submit(attempts)
        for _, attempt, ended in self._events:
            if ended.outcome is Outcome.WHOLE and not attempt.folder.exists():
                measured_part(attempt.unit, attempt.folder, attempt.node)


def run(folder, units, engine, join_seconds=0.0, command=""):
    with opened(folder, units, command) as work:
        measure(engine, [work], Silent(), join_seconds)
    return work


def test_a_suite_is_measured_by_two_nodes(tmp_path):
    folder, units = campaign(tmp_path, nodes=2)
    work = run(folder, units, Measuring([Stay(offer("n1")), Stay(offer("n2"))]))
    found = read_campaign(folder)
    assert (found.system.stop, work.without_part) == ("complete", [])
    assert found.system.finished
    for group in GROUPS:
        launches = {(one.node, one.launch) for one in found.records if one.case.workload.launch_id == group}
        assert {launch for _, launch in launches} == {0, 1, 2, 3}
        assert len({node for node, _ in launches}) == 2
    assert [one.outcome for one in found.system.attempts] == ["accepted"] * 6
    assert set(found.system.nodes) == {"n1", "n2"}


def test_a_campaign_without_all_parts_is_interrupted_and_can_be_resumed(made):
    folder, units = made
    work = run(folder, units, Measuring([Stay(offer())], lambda one: Fate(Outcome.FAILED)))
    found = read_campaign(folder)
    assert (found.system.stop, len(work.without_part)) == ("interrupted", 3)
    assert {record.status for record in found.records} == {Status.CRASHED}
    run(folder, stored_units(folder), Measuring([Stay(offer())]), command="again")
    found = read_campaign(folder)
    assert (found.system.stop, found.system.resumed) == ("complete", ("again",))
    assert sum(record.status is Status.MEASURED for record in found.records) == 24


def test_ctrl_c_leaves_a_campaign_to_be_resumed(made):
    folder, units = made

    class Interrupted(Measuring):
        def wait(self, seconds):
            if len(self.runs) == 2:
                raise KeyboardInterrupt
            return super().wait(seconds)

    engine = Interrupted([Stay(offer())])
    work = run(folder, units, engine)
    assert (len(work.accepted), read_campaign(folder).system.stop) == (1, "interrupted")
    assert [one.unit for one in engine.cancelled] == [units[1]]
    run(folder, stored_units(folder), Measuring([Stay(offer())]))
    assert read_campaign(folder).system.stop == "complete"
    assert len(read_campaign(folder).records) == 24


def test_a_disk_that_fills_up_is_one_line_and_what_was_merged_is_kept(made):
    folder, units = made

    class Full(Measuring):
        def submit(self, attempts):
            if self.runs:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "log")
            super().submit(attempts)

    engine = Full([Stay(offer())])
    with pytest.raises(ResultsError, match="'log': No space left on device; what was merged is kept in"):
        run(folder, units, engine)
    assert engine.closed
    assert len(read_campaign(folder).records) == 8


def test_a_campaign_has_one_driver(made):
    folder, units = made
    with opened(folder, units), pytest.raises(ResultsError, match="is being written by another process"):
        run(folder, units, Measuring([Stay(offer())]))


def test_a_campaign_of_one_machine_has_no_units(made, tmp_path):
    shutil.rmtree(made[0] / "fleet")
    with pytest.raises(ResultsError, match=f"campaign {made[0].name} has no units: it was measured by one machine; "):
        units_in(made[0])
    with pytest.raises(ResultsError, match="it was measured by one machine"):
        collect(str(made[0]), (), tmp_path)


@pytest.fixture
def waited(monkeypatch) -> VirtualClock:
    clock = VirtualClock()
    monkeypatch.setattr(campaigns.time, "monotonic", clock)
    monkeypatch.setattr(campaigns.time, "sleep", clock.advance)
    return clock


X1, X2, Y1 = offer("x1", type="x"), offer("x2", type="x"), offer("y1", type="y")


@pytest.mark.parametrize(
    ("wanted", "number", "ids", "seconds"),
    [((), 1, ["x1"], 0), ((), 2, ["x1", "x2"], 5), (("y",), 1, ["y1"], 8), (("x", "y"), 1, ["x1", "x2", "y1"], 8)],
    ids=["any", "two", "one type", "both types"],
)
def test_a_fleet_waits_until_the_machines_have_joined(waited, wanted, number, ids, seconds):
    engine, said = FakeEngine([Stay(X1), Stay(X2, 5.0), Stay(Y1, 8.0)], clock=waited), []
    assert [one.id for one in joined(engine, wanted, number, 60.0, said.append)] == ids
    assert waited() == seconds
    assert said == (["waiting for machines to join, at most 1 min 0 s"] if seconds else [])


@pytest.mark.parametrize(
    ("wanted", "number", "said"),
    [
        (("z",), 1, "no machine of type z joined within 20 s; there are: 2 of type x, 1 of type y"),
        (("x", "y"), 2, "fewer than 2 machines of type x and of y joined within 20 s; there are: 2 of type x, 1 of"),
        ((), 3, "fewer than 3 machines of one type joined within 20 s"),
    ],
    ids=["type", "one of two", "number"],
)
def test_machines_that_do_not_join_are_missed(waited, wanted, number, said):
    engine = FakeEngine([Stay(X1), Stay(X2, 5.0), Stay(Y1, 8.0)], clock=waited)
    with pytest.raises(DeadheatError, match=said):
        joined(engine, wanted, number, 20.0, lambda line: None)


def test_without_any_machine_none_is_named(waited):
    with pytest.raises(DeadheatError, match="no machine of one type joined within 20 s; there are: none"):
        joined(FakeEngine([], clock=waited), (), 1, 20.0, lambda line: None)


def test_machines_of_a_type_have_the_same_packages():
    assert same_software([X1, X2, offer("y1", type="y", software="e")]) == {"x": "d", "y": "e"}
    with pytest.raises(InvalidInput, match=r"machines of type x have different packages \(x1 has d, x3 has e\)"):
        same_software([X1, X2, offer("x3", type="x", software="e")])


def test_parts_that_another_scheduler_left_in_the_campaign_are_collected(made, tmp_path):
    folder, units = made
    for unit in units[:2]:
        end(unit, folder / "fleet" / "parts" / unit.id)
    work, lines = collect(folder.name, (), folder.parent)
    assert (len(work.accepted), lines) == (2, [])
    assert read_campaign(folder).system.stop == "interrupted"
    end(units[2], folder / "fleet" / "parts" / units[2].id)
    work, _ = collect(str(folder), (), tmp_path)
    assert (work.without_part, read_campaign(folder).system.stop) == ([], "complete")
    assert not (folder / "fleet" / "parts").exists()


def test_parts_of_spools_are_collected_with_a_line_each(made, tmp_path):
    folder, units = made
    spool = tmp_path / "a spool"
    here = [end(unit, spool / unit.id) for unit in units]
    work, lines = collect(str(folder), [spool], tmp_path)
    assert lines == [f"{place}: accepted" for place in sorted(here)]
    assert {one.node for one in read_campaign(folder).records} == {"n1"}
    assert all(place.exists() for place in here)  # they are the node's
    assert collect(str(folder), [spool], tmp_path)[1] == [f"{place}: known already: accepted" for place in sorted(here)]
    assert len(read_campaign(folder).records) == 24


def test_a_part_that_comes_after_another_one_is_kept_apart(made, tmp_path):
    folder, units = made
    first, second = end(units[0], tmp_path / "1", 1), end(units[0], tmp_path / "2", 2, node="n2")
    collect(str(folder), [first.parent], tmp_path)
    assert collect(str(folder), [second.parent], tmp_path)[1] == [f"{second}: late"]
    assert {record.node for record in read_campaign(folder).records} == {"n1"}
    assert (folder / "fleet" / "late" / units[0].id / "2" / "done.json").exists()


def test_a_scheduler_need_not_number_its_attempts(made, tmp_path):
    """It ran the unit again, as its first attempt had failed, and called it the first one, too."""
    folder, units = made
    failed = end(units[0], tmp_path / "1", outcome=Outcome.FAILED)
    whole = end(units[0], tmp_path / "2", node="n2")
    work, lines = collect(str(folder), [tmp_path / "1", tmp_path / "2"], tmp_path)
    assert lines == [f"{failed}: failed", f"{whole}: accepted"]
    assert [(one.attempt, one.outcome) for one in work.of(units[0].id)] == [(1, "failed"), (2, "accepted")]


def test_a_part_that_still_grows_is_collected_when_it_is_whole(made, tmp_path):
    """`collect` is asked while the unit still runs."""
    folder, units = made
    place = folder / "fleet" / "parts" / units[0].id / "1"
    place.mkdir(parents=True)
    assert len(collect(str(folder), (), tmp_path)[0].accepted) == 0
    place.rmdir()
    end(units[0], place.parent)
    assert len(collect(str(folder), (), tmp_path)[0].accepted) == 1


def test_what_is_no_part_of_the_campaign_is_named(made, tmp_path):
    folder, units = made
    other = campaign(tmp_path)[1]
    spool = tmp_path / "spool"
    stranger, damaged = end(other[0], spool / "a"), end(units[0], spool / "b")
    cut = end(units[1], spool / "c")
    (damaged / "done.json").write_text("{")
    (cut / "part" / "campaign" / "records.jsonl").write_text("")
    work, lines = collect(str(folder), [spool], tmp_path)
    assert lines[0] == f"{stranger}: a unit of another campaign"
    assert lines[1].startswith(f"{damaged}: done.json is damaged: ")
    assert lines[2].startswith(f"{cut}: the part is cut off or changed: campaign/records.jsonl ")
    assert (work.accepted, read_campaign(folder).records) == (set(), ())


def test_a_folder_that_is_not_there_is_named_before_anything_is_merged(made, tmp_path):
    folder, units = made
    end(units[0], tmp_path / "spool")
    with pytest.raises(
        InvalidInput, match=r"'.*/none' is no folder; give one that holds parts, such as a node's spool"
    ):
        collect(str(folder), [tmp_path / "spool", tmp_path / "none"], tmp_path)
    assert read_campaign(folder).records == ()
    with pytest.raises(ResultsError, match="no campaign 'none'"):
        collect("none", (), tmp_path)


def test_two_parts_of_one_node_where_two_were_asked_for_are_not_both_merged(tmp_path):
    folder, units = campaign(tmp_path, nodes=2)
    spools = [end(unit, tmp_path / str(number)) for number, unit in enumerate((units[0], units[3]))]
    work, lines = collect(str(folder), [place.parent for place in spools], tmp_path)
    assert lines == [f"{spools[0]}: accepted", f"{spools[1]}: failed"]
    assert work.why_without_part(units[3]) == ("node n1 has measured another part already that must be of another node")


def test_a_part_of_another_machine_type_is_not_collected(made, tmp_path):
    folder, units = made
    end(units[0], tmp_path / "1")
    end(units[1], tmp_path / "2", node="n2", type="gpu")
    work, _ = collect(str(folder), [tmp_path / "1", tmp_path / "2"], tmp_path)
    assert f"node n2 is of type gpu, the campaign of {TYPE}" in work.why_without_part(units[1])


def test_results_on_another_file_system(made, tmp_path, monkeypatch):
    """A part is moved, to be kept as late, where renaming is not possible."""
    folder, units = made

    def elsewhere(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "rename", elsewhere)
    first, second = end(units[0], tmp_path / "1", 1), end(units[0], tmp_path / "2", 2)
    assert collect(str(folder), [first.parent, second.parent], tmp_path)[1] == [f"{first}: accepted", f"{second}: late"]
    assert (folder / "fleet" / "late" / units[0].id / "2" / "done.json").exists()
