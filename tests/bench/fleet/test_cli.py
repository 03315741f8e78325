"""The commands of the fleet as a user types them."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

import deadheat.cli
from bench.cli import app
from bench.fleet import cli
from bench.fleet.campaigns import opened
from fleet import driver
from fleet.engine import Kind
from fleet.engines import local
from fleet.part import Outcome
from results.schema.record import Status
from results.store.campaigns import CampaignWriter, read_campaign
from tests.support.fleet.campaign import GROUPS, SUITE, campaign, measured_part
from tests.support.fleet.fakes import TYPE, FakeEngine, Fate, Stay, offer
from tests.support.started import environment, hear_interrupts, poll


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A working directory with a suite in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "s.toml").write_text(SUITE)
    return tmp_path


def typed(text: str, program=app):
    return CliRunner().invoke(program, ["fleet", *shlex.split(text)], prog_name="python -m bench")


NEW = "run --suite s.toml --no-report "


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (NEW + "--engine nope", "unknown engine 'nope': known: local, "),
        ("run --suite nope", "unknown suite 'nope': known: "),
        (NEW + "--preset nope", "s.toml: unknown preset 'nope'"),
        (NEW + "--level nope", "unknown level 'nope'"),
        (NEW + "--device tpu", "unknown device 'tpu'"),
        (NEW + "--wait soon", "duration 'soon' is not a number followed by s, m or h"),
        (
            NEW + "--budget 1h",
            "--budget limits --until-decided, which was not given; a unit's time limit is --unit-limit",
        ),
        (NEW + "--until-decided --budget soon", "duration 'soon' is not a number followed by s, m or h"),
        (NEW + "--unit-limit soon", "duration 'soon' is not a number followed by s, m or h"),
        (NEW + "--nodes 2", "fewer than 2 machines of one type can be had; there are: 1 of type "),
        (NEW + "--type gpu", "no machine of type gpu can be had; there are: 1 of type "),
        (
            NEW + "--results s.toml/data",
            "results folder 's.toml/data': ",
        ),
        ("run --resume nope", "no campaign 'nope', neither a folder nor in 'results/data'"),
        ("collect nope", "no campaign 'nope', neither a folder nor in 'results/data'"),
        ("plan --suite nope", "unknown suite 'nope': known: "),
        ("plan --suite s.toml --results s.toml/data", "results folder 's.toml/data': '"),
        ("node", "give --head on the first machine, and --address HOST:PORT on the others"),
        ("node --head --address x:1", "give --head on the first machine, and --address HOST:PORT on the others"),
        ("node --head --no-doctor --engine local", "machines do not join local: it runs units where"),
        ("node --head --no-doctor --engine nope", "unknown engine 'nope'"),
    ],
)
def test_a_mistake_is_one_line(home, text, said):
    done = typed(text)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {said}")
    assert done.stderr.count("\n") == 1
    assert not (home / "results").exists()


@pytest.mark.parametrize(
    "option", ["--suite s.toml", "--launches 5", "--nodes 1", "--mixed", "--no-doctor", "--type x"]
)
def test_a_resumed_campaign_takes_no_option_that_would_change_it(home, option):
    folder, _ = campaign(home)
    done = typed(f"run --resume {folder} {option}")
    assert done.exit_code == 2
    name = option.partition(" ")[0]
    assert done.stderr == (
        f"error: {name} cannot be changed in a resumed campaign; omit it, or measure without --resume\n"
    )


def test_a_campaign_of_one_machine_is_resumed_by_another_command(home):
    CampaignWriter.create(home / "results" / "data", "one", {}).close()
    for text in ("run --resume one", "collect one"):
        done = typed(text)
        assert done.exit_code == 2
        assert done.stderr == (
            "error: campaign one has no units: it was measured by one machine; resume it with: "
            "python -m bench run --resume one\n"
        )


def test_one_machine_does_not_go_on_with_a_campaign_of_several(home):
    from bench.session import Options, build_session
    from impls.errors import InvalidInput

    folder, _ = campaign(home)
    with pytest.raises(
        InvalidInput, match="is one of several machines; resume it with: python -m bench fleet run --re"
    ):
        build_session(Options("quick", home, resume=str(folder)))


def test_a_damaged_unit_is_named(home):
    folder, units = campaign(home)
    file = folder / "fleet" / "units" / f"{units[0].id}.json"
    file.write_text("{")
    done = typed(f"run --resume {folder}")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: '{file}' is no unit: ")
    assert done.stderr.count("\n") == 1


def test_a_campaign_that_has_a_driver_takes_no_second_one(home):
    folder, units = campaign(home)
    with opened(folder, units):
        done = typed(f"run --resume {folder}")
    assert done.exit_code == 2
    assert done.stderr == (
        f"error: campaign {folder.name} is being written by another process; wait for it, or measure anew\n"
    )


def test_a_campaign_whose_disk_was_detached_is_named(home, monkeypatch):
    folder, _ = campaign(home)

    def gone(*_: object) -> None:
        raise OSError(5, "Input/output error", "attempts.jsonl")

    monkeypatch.setattr(driver.Driver, "run", gone)
    done = typed(f"run --resume {folder} --no-report")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: 'attempts.jsonl': Input/output error; what was merged is kept in ")


class Measuring(FakeEngine):
    def submit(self, attempts):
        super().submit(attempts)
        for _, attempt, ended in self._events:
            if ended.outcome is Outcome.WHOLE and not attempt.folder.exists():
                measured_part(attempt.unit, attempt.folder, attempt.node, type=self.type_of(attempt.node))

    def type_of(self, node: str) -> str:
        return next(one.offer.type for one in self._stays if one.offer.id == node)


@pytest.fixture
def fleet(monkeypatch):
    """Makes `--engine local` one of these nodes, on a virtual clock."""

    def fleet(*offers, script=lambda attempt: Fate()):
        engine = Measuring([Stay(one) for one in offers], script)
        monkeypatch.setattr(local, "ENGINE", Kind("local", lambda options: engine, {}))
        return engine

    return fleet


def folders(home: Path) -> list[Path]:
    return sorted((home / "results" / "data").iterdir())


def test_each_machine_type_has_a_campaign(home, fleet):
    fleet(offer("n1", type="x"), offer("n2", type="y"))
    done = typed(NEW + "--launches 2 --no-doctor")
    assert done.exit_code == 0, done.output
    x, y = folders(home)
    assert (x.name[20:], y.name[20:]) == ("s-x", "s-y")
    assert {record.node for record in read_campaign(x).records} == {"n1"}
    assert {record.node for record in read_campaign(y).records} == {"n2"}
    assert done.stdout.count("3 of 3 units have a part") == 2
    assert "go on with" not in done.stdout


def test_what_has_no_part_is_listed_with_the_reason_and_how_to_go_on(home, fleet):
    fleet(offer("n1"), script=lambda one: Fate(Outcome.FAILED if "b2" in one.unit.label else Outcome.WHOLE))
    done = typed(NEW + "--launches 2 --no-doctor --results 'my data' --address h:1")
    assert done.exit_code == 1
    (folder,) = (home / "my data").iterdir()
    assert (
        f"1 of 3 units have no part:\n  {GROUPS[1]} launches 0-1: 3 attempts; the last, on n1: planted: failed\n"
        in done.stdout
    )
    (line,) = re.findall("^go on with: (.*)$", done.stdout, re.MULTILINE)
    assert line == f"python -m bench fleet run --engine local --address h:1 --resume 'my data/{folder.name}'"
    assert read_campaign(folder).system.stop == "interrupted"
    fleet(offer("n1"))
    done = typed(line.removeprefix("python -m bench fleet ") + " --no-report")
    assert done.exit_code == 0, done.output
    found = read_campaign(folder)
    assert found.system.stop == "complete"
    assert Counter(record.status for record in found.records)[Status.MEASURED] == 24


def test_where_no_other_machine_can_join_a_refusal_is_not_waited_for(home, fleet):
    """There is no table and no report either."""
    fleet(offer("n1"), script=lambda one: Fate(Outcome.REFUSED))
    done = typed("run --suite s.toml")
    assert done.exit_code == 1
    assert "3 of 3 units have no part" in done.stdout
    assert f"no machine of type {TYPE} may run it; the last one refused: planted: refused" in done.stdout
    assert "report" not in done.stdout


def test_ctrl_c_shows_what_there_is_and_how_to_go_on(home, fleet):
    def interrupt(attempt):
        if "b2" in attempt.unit.label:
            raise KeyboardInterrupt
        return Fate()

    fleet(offer("n1"), script=interrupt)
    done = typed(NEW + "--launches 2 --no-doctor")
    assert done.exit_code == 1
    assert f"  {GROUPS[1]} launches 0-1: not attempted" in done.stdout
    assert f"--resume results/data/{folders(home)[0].name}" in done.stdout


def test_machines_of_one_type_must_have_the_same_packages(home, fleet):
    fleet(offer("n1"), offer("n2", software="e"))
    done = typed(NEW + "--nodes 2 --no-doctor")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: machines of type {TYPE} have different packages (n1 has d, n2 has e)")
    assert not (home / "results").exists()
    assert typed(NEW + "--nodes 2 --no-doctor --mixed").exit_code == 0


def test_a_report_that_cannot_be_written_is_a_line_and_no_failure(home, fleet, monkeypatch):
    fleet(offer("n1"))
    asked = []

    def made(folder: Path, output: Path) -> str:
        asked.append((folder, output))
        return "no report: planted"

    monkeypatch.setattr("bench.session.make_report", made)
    done = typed("run --suite s.toml --no-doctor")
    assert done.exit_code == 0
    assert done.stdout.endswith("no report: planted\n")
    assert asked == [(Path("results/data") / folders(home)[0].name, Path("reports/html"))]


def test_units_for_another_scheduler_and_what_it_leaves(home):
    done = typed("plan --suite s.toml --launches 2 --nodes 2 --results 'my data'")
    assert done.exit_code == 0, done.output
    (folder,) = (home / "my data").iterdir()
    assert done.stdout == (
        f"6 units: my data/{folder.name}/fleet/units\n"
        f"when they have run: python -m bench fleet collect 'my data/{folder.name}'\n"
    )
    from fleet.work import stored_units

    units = stored_units(folder)
    assert [bool(one.check) for one in units] == [True] * 6
    for number, unit in enumerate(units):
        measured_part(unit, home / "spool" / unit.id / "1", f"n{number // 3}")
    done = typed(f"collect 'my data/{folder.name}' spool/{units[0].id} --no-report")
    assert done.exit_code == 1
    assert "5 of 6 units have no part:" in done.stdout
    done = typed(f"collect 'my data/{folder.name}' spool --no-report")
    assert done.exit_code == 0
    assert done.stdout.count("/1: accepted\n") == 5
    assert done.stdout.count("/1: known already: accepted\n") == 1
    assert done.stdout.endswith("6 of 6 units have a part\n")


def test_a_machine_that_is_not_fit_does_not_join(home, monkeypatch):
    from bench.validation import doctor

    bad = [doctor.Check("disk", doctor.BAD, "full", ""), doctor.Check("clock", doctor.WARN, "odd", "")]
    monkeypatch.setattr(doctor, "examine", lambda seconds: bad)
    done = typed("node --head --engine local")
    assert done.exit_code == 1
    assert "disk: full" in done.stdout
    assert "clock" not in done.stdout
    assert done.stderr == "error: this machine is not fit for measurements; mend that, or join with --no-doctor\n"


def test_help_texts_fit_a_terminal_of_80_columns(home):
    for command in ("", "node", "run", "plan", "collect"):
        done = CliRunner(env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"}).invoke(
            app, ["fleet", *command.split(), "--help"]
        )
        assert done.exit_code == 0
        assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_console_command_has_them_too(home):
    done = typed("plan --suite nope", deadheat.cli.app)
    assert (done.exit_code, done.stderr.split(":")[:2]) == (2, ["error", " unknown suite 'nope'"])
    shown = CliRunner().invoke(deadheat.cli.app, ["fleet", "run", "--help"]).stdout
    assert "$ deadheat fleet run --engine ray" in shown
    assert "python -m bench" not in shown


def test_options_that_a_resumed_campaign_takes_exist():
    names = {name for name in cli.run.__wrapped__.__annotations__ if name != "return"}  # type: ignore[attr-defined]
    assert names > cli.RESUMABLE


class Driven:
    """A driver in a process of its own, whose units are real processes."""

    def __init__(self, home: Path, *arguments: str):
        command = [sys.executable, "-m", "bench", "fleet", "run", *arguments, "--no-report"]
        surroundings = {**environment(), "XDG_CACHE_HOME": str(home / "cache"), "MARK": str(home)}
        self.home = home
        self.process = subprocess.Popen(
            command, cwd=home, env=surroundings, stdout=-1, stderr=-1, text=True, preexec_fn=hear_interrupts
        )

    def await_parts(self, count: int) -> None:
        poll(lambda: self.accepted() >= count, 120, lambda: self.process.poll() is None)

    def accepted(self) -> int:
        found = self.home.glob("my data/*/fleet/attempts.jsonl")
        return sum('"accepted"' in line for file in found for line in file.read_text().splitlines())

    def end(self, number: int = 0) -> tuple[int, str, str]:
        if number:
            self.process.send_signal(number)
        said, problems = self.process.communicate(timeout=120)
        return self.process.returncode, said, problems

    def others(self) -> list[str]:
        """The processes that it started, and those that they did."""
        mark, found = f"MARK={self.home}\0", []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (process / "environ").read_text(errors="replace"):
                    found.append(process.name)
            except OSError:  # ended, or another user's
                continue
        return found


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")
def test_a_driver_that_is_killed_and_then_interrupted_is_resumed_without_a_unit_twice(tmp_path):
    home = tmp_path / "a home"
    home.mkdir()
    (home / "my suite.toml").write_text(SUITE)
    first = Driven(home, "--suite", "my suite.toml", "--launches", "2", "--no-doctor", "--results", "my data")
    first.await_parts(1)
    (folder,) = (home / "my data").iterdir()
    first.end(signal.SIGKILL)
    poll(lambda: not first.others(), 60)

    second = Driven(home, "--resume", str(folder))
    second.await_parts(2)
    poll(lambda: len(second.others()) > 1, 60)  # the third unit has begun
    code, said, problems = second.end(signal.SIGINT)
    assert code == 1, problems
    assert "1 of 3 units have no part:" in said
    poll(lambda: not second.others(), 60)

    (again,) = re.findall("^go on with: python -m bench fleet run (.*)$", said, re.MULTILINE)
    code, said, problems = Driven(home, *shlex.split(again)).end()
    assert code == 0, problems
    assert "3 of 3 units have a part" in said
    found = read_campaign(folder)
    assert (found.system.stop, found.problems) == ("complete", ())
    keys = Counter((one.case.id, one.launch, one.status) for one in found.records)
    assert {status for _, _, status in keys} == {Status.MEASURED}
    assert len(keys) == len(found.records) == 3 * 2 * 2 * 2
    outcomes = [one.outcome for one in found.system.attempts]
    assert (outcomes.count("accepted"), outcomes.count("lost")) == (3, len(outcomes) - 3)
    assert len(found.system.resumed) == 2
    assert not list((home / "cache").rglob("node-*.json")), "the next driver removes that of the one that was killed"
    assert json.loads((folder / "system.json").read_text())["command"].startswith("python -m bench fleet run --suite")
