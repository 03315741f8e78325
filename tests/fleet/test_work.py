"""The folder of a campaign's work: what a driver finds in it that another one, or a loss of power, left."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from fleet import work as works
from fleet.engine import Attempt
from fleet.part import Ended, PartError
from fleet.unit import Needs, Unit
from fleet.work import Work, stored_units
from impls.errors import InvalidInput
from results.store import journal
from results.store.journal import ResultsError
from tests.support.fleet.fakes import FAILED, LOST, WHOLE, Killed, RecordingSink, unit, write_part

A, B = unit("a"), unit("b")


@pytest.fixture
def sink(tmp_path: Path) -> RecordingSink:
    return RecordingSink(tmp_path)


def lines(sink: RecordingSink) -> Path:
    return sink.folder / "fleet" / "attempts.jsonl"


def end(work: Work, attempt: Attempt, outcome=WHOLE) -> str:
    return work.end(write_part(attempt.folder, Ended(attempt.unit.id, attempt.number, attempt.node, outcome)))


def outcomes(work: Work) -> dict[tuple[str, int], str]:
    return {(one.unit, one.attempt): one.outcome for one in work.attempts.values()}


def test_attempts_are_numbered_over_all_drivers(sink):
    with Work(sink, [A, B]) as work:
        end(work, work.begin(A, "n1"), FAILED)
        assert work.begin(A, "n2").number == 2
        assert work.begin(B, "n2").folder == sink.folder / "fleet" / "parts" / B.id / "1"
    with Work(sink, [A, B]) as work:
        assert work.begin(A, "n1").number == 3
        assert outcomes(work) == {(A.id, 1): "failed", (A.id, 2): "begun", (B.id, 1): "begun", (A.id, 3): "begun"}
        assert [one.key for one in work.begun()] == [(A.id, 2), (A.id, 3), (B.id, 1)]


def test_a_part_that_came_without_a_driver_is_merged(sink):
    with Work(sink, [A]) as work:
        attempt = work.begin(A, "n1")
    write_part(attempt.folder, Ended(A.id, 1, "n1", WHOLE, seconds=2.0))
    with Work(sink, [A]) as work:
        assert (work.open, list(sink.merged)) == ([], [(A.id, 1)])


def test_a_part_of_which_no_attempt_is_known_is_merged_too(sink):
    """As when another scheduler ran the unit, or power failed before the line was on the disk."""
    folder = sink.folder / "fleet" / "parts" / A.id / "4"
    write_part(folder, Ended(A.id, 1, "n1", WHOLE))  # a scheduler that does not number its attempts
    (folder.parent / "notes").mkdir()
    with Work(sink, [A]) as work:
        assert outcomes(work) == {(A.id, 4): "accepted"}


def test_a_part_in_the_folder_of_another_unit_is_not_merged(sink):
    write_part(sink.folder / "fleet" / "parts" / A.id / "1", Ended(B.id, 1, "n1", WHOLE))
    with Work(sink, [A, B]) as work:
        assert (outcomes(work), sink.merged) == ({}, {})
        assert [one.key for one in work.begun()] == [(A.id, 1)], "its driver declares it lost"


def test_a_line_that_was_cut_off_costs_only_its_own_attempt(sink):
    with Work(sink, [A, B]) as work:
        end(work, work.begin(A, "n1"))
        work.begin(B, "n1")
    text = lines(sink).read_bytes()
    lines(sink).write_bytes(text[:-20])
    with Work(sink, [A, B]) as work:
        assert work.accepted == {A.id}
        end(work, work.begin(B, "n1"))
    with Work(sink, [A, B]) as work:
        assert work.accepted == {A.id, B.id}


@pytest.mark.parametrize("damage", [b"\xff\xfe\x00", b"[]\n", b"null\n", b'{"attempt": "one"}\n', b"\n\n"], ids=repr)
def test_lines_that_are_none_are_passed_over(sink, damage):
    with Work(sink, [A]) as work:
        end(work, work.begin(A, "n1"))
    lines(sink).write_bytes(damage + lines(sink).read_bytes())
    with Work(sink, [A]) as work:
        assert work.open == []


def test_a_reason_with_line_separators_is_one_line(sink):
    reason = "one\u2028two\x85three\nfour"
    with Work(sink, [A]) as work:
        work.end(Ended(A.id, work.begin(A, "n1").number, "n1", FAILED, reason))
    with Work(sink, [A]) as work:
        assert work.of(A.id)[0].reason == reason
    assert all(json.loads(line) for line in lines(sink).read_text().split("\n")[:-1])


def test_attempts_are_synced_to_the_disk(sink, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with Work(sink, [A]) as work:
        before = len(synced)
        work.begin(A, "n1")
        assert len(synced) == before + 1


def test_a_full_disk_is_one_line_that_says_how_to_go_on(sink, monkeypatch):
    with Work(sink, [A]) as work:

        def full(path: Path, text: bytes) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(works, "_append", full)
        with pytest.raises(ResultsError, match="attempts.jsonl can't be written: No space left on device; make room"):
            work.begin(A, "n1")


def test_there_is_one_driver_at_a_time(sink):
    with (
        Work(sink, [A]),
        pytest.raises(ResultsError, match=f"campaign {sink.folder.name} has a driver already; wait for it"),
        Work(sink, [A]),
    ):
        pass
    with Work(sink, [A]):
        pass


def test_a_file_system_without_locks_is_no_error(sink, monkeypatch):
    def unlockable(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(journal.fcntl, "flock", unlockable)
    with Work(sink, [A]) as work:
        assert work.open == [A]


def test_a_unit_of_several_drivers_is_written_once_and_the_same_unit_is_one(sink):
    with Work(sink, [A, A, B]) as work:
        assert work.units == (A, B)
    (file,) = (sink.folder / "fleet" / "units").glob(f"{A.id}.json")
    before = file.stat().st_mtime_ns
    with Work(sink, [A]):
        assert file.stat().st_mtime_ns == before


def share(first: int, name: str = "g") -> Unit:
    return Unit(f"{name} launches {first}", ("x",), {"first": first, "name": name}, Needs())


def test_stored_units_come_in_the_order_of_their_launches(sink):
    for one in (share(10), share(5, "h"), share(5), share(0), unit("no launches")):
        works.write_unit(one, sink.folder)
    assert [one.label for one in stored_units(sink.folder)] == [
        "g launches 0", "no launches", "g launches 5", "h launches 5", "g launches 10",
    ]  # fmt: skip


def test_a_stored_unit_whose_command_was_changed_is_named(sink):
    works.write_unit(A, sink.folder)
    (file,) = (sink.folder / "fleet" / "units").iterdir()
    file.write_text(file.read_text().replace("3600.0", "7200.0"))
    assert stored_units(sink.folder)[0].time_limit == 7200.0  # limits may be changed
    file.write_text(file.read_text().replace('"pass"', '"other"'))
    with pytest.raises(InvalidInput, match="is not the unit that it was: its command or payload was changed"):
        stored_units(sink.folder)


def test_a_campaign_without_units_has_none(tmp_path):
    assert stored_units(tmp_path) == []


def test_why_a_unit_has_no_part(sink):
    with Work(sink, [A, B]) as work:
        assert work.why_without_part(A) == "not attempted"
        work.end(Ended(A.id, work.begin(A, "n1").number, "n1", LOST, "power"))
        work.begin(A, "n1")
        assert work.why_without_part(A) == "power"
        work.give_up(A, "too often")
        assert work.why_without_part(A) == "too often"
        assert (work.open, work.without_part) == ([B], [A, B])


def test_records_that_were_merged_before_the_driver_was_killed_are_those_of_the_accepted_part(sink):
    """Another attempt may have ended in the same moment: its records are of other launches."""
    with Work(sink, [A]) as work:
        first, second = work.begin(A, "n1"), work.begin(A, "n2")
        ended = [write_part(one.folder, Ended(A.id, one.number, one.node, WHOLE)) for one in (first, second)]
        sink.kill_after_merging = 1
        with pytest.raises(Killed):
            work.end(ended[1])
    with Work(sink, [A]) as work:
        assert outcomes(work) == {(A.id, 1): "late", (A.id, 2): "accepted"}
    assert list(sink.merged) == [(A.id, 2)]


def test_a_part_that_could_not_be_merged_may_be_followed_by_one_that_can(sink, monkeypatch):
    def refuse(*_: object) -> None:
        raise PartError("damaged")

    with Work(sink, [A]) as work:
        with monkeypatch.context() as patch:
            patch.setattr(RecordingSink, "accept", refuse)
            assert end(work, work.begin(A, "n1")) == "failed"
        assert end(work, work.begin(A, "n1")) == "accepted"
        assert work.failures(A) == 1
