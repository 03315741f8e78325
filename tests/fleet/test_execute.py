"""One attempt on its node, with real small processes."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fleet import execute as executing
from fleet import node as nodes
from fleet import part
from fleet import unit as units
from fleet.node import Node
from fleet.part import Ended, Outcome
from fleet.unit import PART, PYTHON, UNIT, Needs, Unit
from tests.support.started import ROOT, hear_interrupts, poll

WRITE = "import sys, pathlib; pathlib.Path(sys.argv[1], 'out').write_text('made')"


@pytest.fixture(scope="module")
def described() -> Node:
    return nodes.describe("here", slots=2)


@pytest.fixture
def node(described, tmp_path) -> Node:
    return replace(described, spool=str(tmp_path / "spool"), folder=str(tmp_path), state=nodes.state())


@pytest.fixture
def attempt(node, tmp_path) -> Callable[..., Ended]:
    """Runs a Python script with a unit's placeholders as its arguments."""

    def attempt(script: str = WRITE, out: str = "", on: Node = node, **more: object) -> Ended:
        unit = python(script, **more)
        out = out or ("out" if not (tmp_path / "out").exists() else f"out-{len(list(tmp_path.iterdir()))}")
        return executing.execute(on, unit, 1, tmp_path / out, units.write(unit, tmp_path / f"units {out}"))

    return attempt


def python(script: str, **more: object) -> Unit:
    return Unit("test", (PYTHON, "-c", script, PART, UNIT), {"campaign": "c", "script": script}, **more)  # type: ignore[arg-type]


def test_a_command_that_succeeds_leaves_a_whole_part(attempt, tmp_path, node):
    ended = attempt()
    assert (ended.outcome, ended.reason, ended.node) == (Outcome.WHOLE, "", "here")
    assert part.read(tmp_path / "out") == ended
    assert (tmp_path / "out" / "part" / "out").read_text() == "made"
    assert ended.facts == node.facts()
    assert ended.seconds is not None
    assert ended.started <= ended.finished


def test_a_command_has_the_units_file_its_node_and_no_card(attempt, tmp_path):
    script = (
        "import json, os, pathlib, sys; unit = json.load(open(sys.argv[2])); v = os.environ; "
        "pathlib.Path(sys.argv[1], 'said').write_text(json.dumps("
        "[unit['label'], v['CUDA_VISIBLE_DEVICES'], v['DEADHEAT_FLEET_SLOT'], os.getcwd(), v.get('MINE')]))"
    )
    on = replace(nodes.describe("here", 2, tmp_path / "spool"), environment={**os.environ, "MINE": "1"})
    on = replace(on, folder=str(tmp_path))
    assert attempt(script, on=on).outcome is Outcome.WHOLE
    said = json.loads((tmp_path / "out" / "part" / "said").read_text())
    assert said == ["test", "", "0", str(tmp_path), "1"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("import sys; sys.exit(3)", "exited with code 3"),
        ("raise ValueError('odd')", "exited with code 1; it last said: ValueError: odd"),
        ("import os; os.kill(os.getpid(), 11)", "killed by SIGSEGV"),
    ],
)
def test_a_command_that_fails_says_why(attempt, tmp_path, script, reason):
    ended = attempt(script)
    assert (ended.outcome, ended.reason, ended.files) == (Outcome.FAILED, reason, {})
    assert part.read(tmp_path / "out") == ended


def test_a_command_that_does_not_exist_is_named(node, tmp_path):
    unit = Unit("test", ("no-such-command",), {})
    ended = executing.execute(node, unit, 1, tmp_path / "out", tmp_path / "u.json")
    assert ended.outcome is Outcome.FAILED
    assert ended.reason == "its command 'no-such-command' can't be started: No such file or directory"


def test_a_command_that_takes_too_long_is_ended(attempt):
    ended = attempt("import time; time.sleep(600)", time_limit=0.2)
    assert (ended.outcome, ended.reason) == (Outcome.FAILED, "it took longer than its time limit of 200 ms")


def test_what_a_command_leaves_behind_is_ended(attempt, tmp_path):
    script = (
        "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid)"
    )
    assert attempt(script).outcome is Outcome.WHOLE
    child = int((tmp_path / "out" / "log").read_text())
    poll(lambda: not is_alive(child), 20)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# Not by print: the signal may come while the first line is printed.
TELL = "def end(*_): os.write(1, b'ended\\n'); os._exit(0)\nsignal.signal(signal.SIGTERM, end)"
IGNORE = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


@pytest.mark.parametrize(("then", "said"), [(TELL, "ended\n"), (IGNORE, "")], ids=["asked", "killed"])
def test_a_unit_is_asked_to_end_and_then_killed(then, said):
    script = f"import os, signal, time\n{then}\nprint('begun', flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=-1, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        executing._end(process, grace=60.0 if said else 0.1)
        assert (process.stdout.read(), process.returncode) == (said, 0 if said else -signal.SIGKILL)


def test_a_unit_without_room_for_its_part_fails_with_what_it_said(attempt):
    script = (
        "import resource, signal, sys, pathlib\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try: pathlib.Path(sys.argv[1], 'big').write_bytes(bytes(1000))\n"
        "except OSError as problem: sys.exit(problem.strerror)"
    )
    assert attempt(script).reason == "exited with code 1; it last said: File too large"


def test_a_node_without_room_for_the_end_of_an_attempt_fails(attempt, monkeypatch, tmp_path):
    real, full = part.publish, [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "done.json")]

    def publish(*arguments: object) -> None:
        if full:
            raise full.pop()
        real(*arguments)

    monkeypatch.setattr(part, "publish", publish)
    ended = attempt()
    assert (ended.outcome, ended.reason) == (Outcome.FAILED, "No space left on device on node here: done.json")
    assert part.read(tmp_path / "out") == ended


def test_a_spool_that_cannot_be_written_is_a_failure(attempt, node, tmp_path):
    (tmp_path / "file").touch()
    ended = attempt(on=replace(node, spool=str(tmp_path / "file" / "spool")))
    assert (ended.outcome, ended.reason.split(":")[0]) == (Outcome.FAILED, "Not a directory on node here")


def test_a_process_that_the_engine_changed_is_refused(attempt, node, tmp_path):
    ended = attempt(on=replace(node, state=replace(node.state, niceness=(node.state.niceness or 0) - 1)))
    assert ended.outcome is Outcome.REFUSED
    assert ended.reason.startswith("on node here niceness is ")
    assert part.read(tmp_path / "out").outcome is Outcome.REFUSED
    assert not (tmp_path / "out" / "part").exists()


def test_a_node_with_other_packages_is_refused(attempt, node):
    ended = attempt(software="other")
    assert ended.outcome is Outcome.REFUSED
    assert f"has other packages (digest {node.software}) than the campaign (other)" in ended.reason
    assert attempt(software=node.software).outcome is Outcome.WHOLE


def test_a_unit_of_another_node_is_refused(attempt):
    ended = attempt(needs=Needs(node="there"))
    assert (ended.outcome, ended.reason) == (Outcome.REFUSED, "the unit is for node there, and this is here")
    assert attempt(needs=Needs(node="here")).outcome is Outcome.WHOLE


UNFIT = json.dumps(
    [
        {"about": "disk", "what": "full", "level": "bad"},
        {"about": "load", "what": "high", "level": "bad"},
        {"about": "clock", "what": "odd", "level": "warn"},
    ]
)


@pytest.mark.parametrize(
    ("check", "reason", "limit"),
    [
        (f"print({UNFIT!r}); raise SystemExit(1)", "disk: full; load: high", 60.0),
        ("raise SystemExit(4)", "its check ended with status 4", 60.0),
        ("raise SystemExit('no such option')", "its check ended with status 1: no such option", 60.0),
        ("import time; time.sleep(600)", "its check took longer than 200 ms", 0.2),
    ],
    ids=["findings", "status", "message", "slow"],
)
def test_a_node_that_does_not_pass_its_check_is_refused(attempt, check, reason, limit):
    ended = attempt(check=(PYTHON, "-c", check), time_limit=limit)
    assert (ended.outcome, ended.reason) == (Outcome.REFUSED, f"node here is not fit: {reason}")


def test_a_check_that_does_not_exist_is_named(attempt):
    ended = attempt(check=("no-such-check",))
    assert (ended.outcome, ended.reason) == (
        Outcome.REFUSED,
        "node here is not fit: its check 'no-such-check' can't be started: No such file or directory",
    )


def test_a_node_is_examined_until_it_has_passed_and_not_again(attempt, tmp_path):
    """Somebody mends a machine that was refused; one that is fit is not disturbed before each unit."""
    asked, mended = tmp_path / "asked", tmp_path / "mended"
    check = f"import os; open({str(asked)!r}, 'a').write('.'); raise SystemExit(not os.path.exists({str(mended)!r}))"
    assert attempt(out="1", check=(PYTHON, "-c", check)).outcome is Outcome.REFUSED
    mended.touch()
    assert attempt(out="2", check=(PYTHON, "-c", check)).outcome is Outcome.WHOLE
    assert attempt(out="3", check=(PYTHON, "-c", check)).outcome is Outcome.WHOLE
    assert asked.read_text() == ".."


NOT_ALONE = (
    "import os, sys, time, pathlib\n"
    "mark = pathlib.Path({mark!r})\n"
    "os.close(os.open(mark, os.O_CREAT | os.O_EXCL)); time.sleep(0.3); mark.unlink()"
)


def at_once(*calls: Callable[[], Ended]) -> list[Ended]:
    found: list[Ended] = []
    threads = [threading.Thread(target=lambda call=call: found.append(call())) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_two_exclusive_units_never_run_at_once_on_a_node(attempt, tmp_path):
    script = NOT_ALONE.format(mark=str(tmp_path / "mark"))
    found = at_once(lambda: attempt(script, "1"), lambda: attempt(script, "2"))
    assert [one.outcome for one in found] == [Outcome.WHOLE] * 2


def test_an_exclusive_unit_is_alone_also_where_engines_know_other_numbers_of_slots(attempt, tmp_path, node):
    script = NOT_ALONE.format(mark=str(tmp_path / "mark"))
    found = at_once(
        lambda: attempt(script, "1", on=replace(node, slots=1)),
        lambda: attempt(script, "2", on=replace(node, slots=4), needs=Needs(exclusive=False)),
    )
    assert [one.outcome for one in found] == [Outcome.WHOLE] * 2


WAIT = """
import os, pathlib, sys, time
home = pathlib.Path({home!r})
(home / os.environ["DEADHEAT_FLEET_SLOT"]).touch()
while len(list(home.iterdir())) < 2: time.sleep(0.02)
"""


def test_units_that_are_not_timed_run_at_once_each_in_a_slot(attempt, tmp_path):
    (tmp_path / "here").mkdir()
    script, shared = WAIT.format(home=str(tmp_path / "here")), {"needs": Needs(exclusive=False), "time_limit": 60.0}
    found = at_once(lambda: attempt(script, "1", **shared), lambda: attempt(script, "2", **shared))
    assert [one.outcome for one in found] == [Outcome.WHOLE] * 2
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == ["0", "1"]


def test_a_node_that_stays_busy_refuses(attempt, node, monkeypatch):
    monkeypatch.setattr(executing, "PATIENCE", 0.1)
    with executing._slot(node, python(WRITE, needs=Needs(exclusive=False))):
        ended = attempt()
        assert attempt(needs=Needs(exclusive=False)).outcome is Outcome.WHOLE  # the other slot
    assert (ended.outcome, ended.reason) == (Outcome.REFUSED, "node here was busy with another unit for 100 ms")
    assert attempt().outcome is Outcome.WHOLE


def started(tmp_path: Path, node: Node, script: str) -> subprocess.Popen[str]:
    unit = units.write(python(script), tmp_path / "units")
    file = nodes.save(node)
    command = [sys.executable, "-m", "fleet.execute", "--node", file, "--unit", unit, "--out", tmp_path / "out"]
    environment = {**os.environ, "PYTHONPATH": "."}
    return subprocess.Popen(
        command, cwd=ROOT, stdout=-1, stderr=-1, text=True, env=environment, preexec_fn=hear_interrupts
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_an_attempt_that_is_interrupted_is_lost_and_says_so(tmp_path, node, number):
    process = started(tmp_path, node, "import time; print('begun', flush=True); time.sleep(600)")
    poll(lambda: any(log.read_text() for log in tmp_path.glob("out/run-*/log")), 60, lambda: process.poll() is None)
    process.send_signal(number)
    said, problems = process.communicate(timeout=60)
    assert (process.returncode, problems) == (1, "")
    assert not part.is_done(tmp_path / "out"), "a scheduler may run the attempt again"
    assert json.loads(said) == {"outcome": "lost", "reason": "it was interrupted on node here"}


def test_the_command_line_says_how_it_ended(tmp_path, node):
    process = started(tmp_path, node, WRITE)
    said, problems = process.communicate(timeout=60)
    assert (process.returncode, problems) == (0, "")
    assert json.loads(said) == {"outcome": "whole", "reason": ""}


def test_files_that_are_none_are_one_line(tmp_path, capsys):
    (tmp_path / "n.json").write_text("{}")
    given = ["--unit", str(tmp_path / "u.json"), "--out", str(tmp_path / "out")]
    assert executing.main([*given, "--node", str(tmp_path / "n.json")]) == 2
    assert capsys.readouterr().err.startswith(f"error: '{tmp_path}/n.json' describes no node: ")
    assert executing.main(given) == 2
    assert capsys.readouterr().err.startswith(f"error: unit '{tmp_path}/u.json' can't be read: ")
