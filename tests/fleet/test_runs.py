"""Runs of an attempt: a scheduler may run one again, or a second time at the same moment."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fleet import execute as executing
from fleet import node as nodes
from fleet import part
from fleet import unit as units
from fleet.execute import execute, main
from fleet.node import Node
from fleet.part import Ended, Outcome
from fleet.unit import PART, PYTHON, Needs, Unit
from fleet.work import Work, write_unit
from results.schema.system import AttemptFacts

WRITE = "import pathlib, sys; pathlib.Path(sys.argv[1], 'result').write_text(sys.argv[2]); print('ran')"


def unit(said: str = "first", **others: object) -> Unit:
    return replace(Unit("u", (PYTHON, "-c", WRITE, PART, said), {}), **others)  # type: ignore[arg-type]


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node("n1", "type-a", {}, "packages", 2, str(tmp_path / "spool"), sys.executable, {}, nodes.state())


def result(out: Path) -> str:
    return (out / part.PART / "result").read_text()


def test_a_run_leaves_the_part_its_log_and_its_end(tmp_path: Path, node: Node) -> None:
    out = tmp_path / "1"
    ended = execute(node, unit(), 1, out, tmp_path / "unit.json")
    assert part.read(out) == ended
    assert sorted(path.name for path in out.iterdir()) == ["done.json", "log", "part"]
    assert (out / part.LOG).read_text() == "ran\n"


@pytest.mark.parametrize("outcome", [Outcome.WHOLE, Outcome.FAILED, Outcome.REFUSED])
def test_what_was_published_first_counts(tmp_path: Path, node: Node, outcome: Outcome) -> None:
    out = tmp_path / "1"
    execute(node, unit(), 1, out, tmp_path / "unit.json")
    first = replace(part.read(out), outcome=outcome, reason="" if outcome is Outcome.WHOLE else "first")
    part.publish(out, first)
    again = unit(command=(PYTHON, "-c", WRITE, str(tmp_path), "second"))
    assert execute(node, again, 1, out, tmp_path / "unit.json") == first
    assert result(out) == "first"
    assert not (tmp_path / "result").exists()  # nothing ran


def test_what_a_run_left_that_was_cut_off_is_not_in_the_part(tmp_path: Path, node: Node) -> None:
    out = tmp_path / "1"
    (out / "run-cut-off" / part.PART).mkdir(parents=True)
    (out / part.PART).mkdir()
    for folder in (out / part.PART, out / "run-cut-off" / part.PART):
        (folder / "half").write_text("half")
    ended = execute(node, unit(), 1, out, tmp_path / "unit.json")
    assert [*ended.files] == ["result"]
    assert part.read(out) == ended


def test_a_damaged_end_does_not_count(tmp_path: Path, node: Node) -> None:
    out = tmp_path / "1"
    out.mkdir()
    (out / part.DONE).write_text("{")
    assert execute(node, unit(), 1, out, tmp_path / "unit.json").outcome is Outcome.WHOLE
    assert part.read(out).outcome is Outcome.WHOLE


@pytest.mark.parametrize("broken", [False, True], ids=["whole", "refused"])
def test_of_two_runs_at_the_same_time_the_first_that_publishes_counts(
    tmp_path: Path, node: Node, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    """The second run begins and ends while the first one runs; a run that is refused then changes nothing either."""
    out, run = tmp_path / "1", executing._run

    def beside(node: Node, one: Unit, *more: object) -> str:
        monkeypatch.setattr(executing, "_run", run)
        other = replace(node, id="n2", spool=str(tmp_path / "other"))
        assert execute(other, unit("second"), 1, out, tmp_path / "unit.json").node == "n2"
        if broken:
            raise executing.Refused("this node has a fault")
        return run(node, one, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(executing, "_run", beside)
    ended = execute(node, unit(), 1, out, tmp_path / "unit.json")
    assert (ended.node, ended.outcome) == ("n2", Outcome.WHOLE)
    assert part.read(out) == ended
    assert result(out) == "second"


def test_a_node_of_another_type_refuses(tmp_path: Path, node: Node) -> None:
    ended = execute(node, unit(needs=Needs(machine_type="type-b")), 1, tmp_path / "1", tmp_path / "unit.json")
    assert (ended.outcome, ended.reason) == (
        Outcome.REFUSED,
        "node n1 is of type type-a, and the unit is for type-b",
    )


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a campaign with three units, which no driver has begun."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for said in ("first", "second", "third"):
        write_unit(unit(said), tmp_path / "campaign")
    return tmp_path / "campaign" / "fleet"


@dataclass
class Campaign:
    """A sink that accepts everything."""

    folder: Path

    def accept(self, unit: Unit, ended: Ended, part: Path) -> None: ...

    def give_up(self, unit: Unit, reason: str, skipped: bool) -> None: ...

    def note(self, attempts: Sequence[AttemptFacts]) -> None: ...


def test_a_scheduler_of_one_s_own_runs_each_unit_by_its_index(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = [units.read(path) for path in units.files(fleet)]
    for index in range(len(found)):
        assert main(["--fleet", str(fleet), "--index", str(index), "--name", "pod-7"]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert printed == [{"outcome": "whole", "reason": ""}] * 3
    for one in found:
        ended = part.read(fleet / "parts" / one.id / "1")
        assert (ended.unit, ended.node, ended.outcome) == (one.id, "pod-7", Outcome.WHOLE)
    with Work(Campaign(fleet.parent), found) as work:
        assert work.accepted == {one.id for one in found}


def test_an_attempt_at_an_index_is_numbered(fleet: Path) -> None:
    assert main(["--fleet", str(fleet), "--index", "0", "--attempt", "2"]) == 0
    assert part.read(fleet / "parts" / units.files(fleet)[0].stem / "2").attempt == 2


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_without_a_unit_is_one_line(fleet: Path, index: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--fleet", str(fleet), "--index", str(index)]) == 2
    assert capsys.readouterr().err == f"error: --index {index} is no unit of {str(fleet)!r}: 0 to 2\n"


def test_a_folder_without_units_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--fleet", str(tmp_path), "--index", "0"]) == 2
    assert capsys.readouterr().err == f"error: --index 0 is no unit of {str(tmp_path)!r}: it has no units/*.json\n"


def test_a_call_without_a_unit_says_what_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--attempt", "1"])
    assert "either --unit and --out or --fleet and --index are needed" in capsys.readouterr().err
