"""Runs one attempt at a unit, on its node: `python -m fleet.execute --node FILE --unit FILE --attempt N --out FOLDER`.

Engines start it as a fresh process with the node's environment. It waits until the node is free, checks that this
process is as one outside the engine and that the node is fit, runs the unit's command in a process of its own, and
publishes the part. However the attempt ends, `done.json` says how.

A scheduler may run an attempt again, as Slurm does when its node fails, while the first run goes on where nobody can
reach it. So each run writes into a folder of its own, `run-*`, and what was published first counts.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fleet import node as nodes
from fleet import part
from fleet import unit as units
from fleet.node import Node
from fleet.part import Ended, Outcome, PartError
from fleet.unit import Unit
from impls.errors import DeadheatError, InvalidInput
from impls.host.process import exit_reason, set_parent_death_signal
from impls.host.termination import Termination
from impls.terminal import OutputLost, outputs
from results import strict_json
from results.units import elapsed

try:
    import fcntl
except ImportError:  # Windows: no locks
    fcntl = None  # type: ignore[assignment]

WHOLE = "node.lock"
"""Lock of the whole node in its spool: shared by the units that have a slot, however many slots their engines know."""
UNWRITTEN = 3
"""Status of an attempt whose `done.json` could not be written."""
SLOT = "DEADHEAT_FLEET_SLOT"
"""Variable with the number of the node's slot that a unit has: 0 for one that has the whole node."""
PATIENCE = 60.0
"""Seconds to wait for a node that is still busy: the process of a lost attempt may take a moment to end."""
POLL = 0.05


class Refused(DeadheatError):
    """The node must not run the unit."""


def execute(node: Node, unit: Unit, attempt: int, out: Path, file: Path) -> Ended:
    """Run an attempt into the folder `out`, which is made; `file` holds the unit. Errors of the disk become FAILED."""
    start, started = time.monotonic(), _now()

    def ended(outcome: Outcome, reason: str = "", **more: Any) -> Ended:
        seconds = round(time.monotonic() - start, 3)
        return Ended(
            unit.id, attempt, node.id, outcome, reason, seconds,
            facts=node.facts(), started=started, finished=_now(), **more,
        )  # fmt: skip

    try:
        out.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(PartError):
            return part.read(out)  # this attempt ran before
        with _slot(node, unit) as slot, _folder_of_run(out) as run:
            start, started = time.monotonic(), _now()
            _examine(node, unit, run)
            reason = _run(node, unit, slot, run, file)
            files = {} if reason else part.digests(run / part.PART)
            result = ended(Outcome.FAILED, reason) if reason else ended(Outcome.WHOLE, files=files)
            return _publish(out, result, run)
    except Refused as problem:
        result = ended(Outcome.REFUSED, str(problem))
    except OSError as problem:
        result = ended(Outcome.FAILED, f"{problem.strerror or problem} on node {node.id}: {problem.filename or out}")
        if not part.is_done(out):  # room for the end: the part would count for nothing
            shutil.rmtree(out / part.PART, ignore_errors=True)
    except KeyboardInterrupt:  # not published: a scheduler that takes the node back may run the attempt again
        return ended(Outcome.LOST, f"it was interrupted on node {node.id}")
    with contextlib.suppress(OSError):
        return _publish(out, result)
    return result


@contextlib.contextmanager
def _folder_of_run(out: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="run-", dir=out, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _publish(out: Path, ended: Ended, run: Path | None = None) -> Ended:
    """Make a run's part that of the attempt, unless another run of the attempt was first; how the attempt ended.

    Two runs that publish in the same moment can leave the part of one with the digests of the other. That is no whole
    part, so the attempt is lost, and the unit is attempted again.
    """
    with contextlib.suppress(PartError):
        return part.read(out)
    for path in [run / part.PART, run / part.LOG] if run else ():
        if path.exists():
            with contextlib.suppress(FileNotFoundError):
                (out / path.name).rename(path.with_name(f"earlier-{path.name}"))  # of a run that was cut off here
            path.rename(out / path.name)
    part.publish(out, ended)
    return ended


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@contextlib.contextmanager
def _slot(node: Node, unit: Unit) -> Iterator[int]:
    """Hold the node, or one of its slots, against every other unit, whatever engine or driver brings it."""
    folder = Path(node.spool)
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as files:
        whole = files.enter_context((folder / WHOLE).open("ab"))
        slots = [files.enter_context((folder / f"slot-{number}.lock").open("ab")) for number in range(node.slots)]
        deadline = time.monotonic() + PATIENCE
        while (slot := _locked(whole, slots, unit.needs.exclusive)) is None:
            if time.monotonic() > deadline:
                raise Refused(f"node {node.id} was busy with another unit for {elapsed(PATIENCE)}")
            time.sleep(POLL)
        yield slot


def _locked(whole: Any, slots: Sequence[Any], exclusive: bool) -> int | None:
    """The number of a slot that is locked now, 0 if the whole node is; None if there is no room: nothing is locked."""
    if fcntl is None:
        return 0
    if not _lock(whole, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH):
        return None
    if exclusive:
        return 0
    for number, file in enumerate(slots):
        if _lock(file, fcntl.LOCK_EX):
            return number
    fcntl.flock(whole, fcntl.LOCK_UN)
    return None


def _lock(file: Any, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _examine(node: Node, unit: Unit, out: Path) -> None:
    """Refused if this process differs from one outside the engine, or the node's software or state is not right."""
    found = list(nodes.differences(node.state, nodes.state()))
    if found:
        raise Refused(f"on node {node.id} {'; '.join(found)}")
    if unit.needs.machine_type not in ("", node.type):
        raise Refused(f"node {node.id} is of type {node.type}, and the unit is for {unit.needs.machine_type}")
    if unit.needs.node not in ("", node.id):
        raise Refused(f"the unit is for node {unit.needs.node}, and this is {node.id}")
    if unit.software and unit.software != node.software:
        raise Refused(
            f"node {node.id} has other packages (digest {node.software}) than the campaign ({unit.software}); install "
            "the same versions there, or start the campaign with --mixed"
        )
    if unit.check:
        _check(node, unit, out)


def _check(node: Node, unit: Unit, out: Path) -> None:
    """Run the unit's check, until this node has passed it once for the campaign; Refused if the node is not fit."""
    passed = Path(node.spool) / "checks" / _campaign(unit)
    if passed.exists():
        return
    try:
        done = subprocess.run(
            _filled(node, unit.check, out, out), env=dict(node.environment), cwd=node.folder or None,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=unit.time_limit,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Refused(f"node {node.id} is not fit: its check took longer than {elapsed(unit.time_limit)}") from None
    except OSError as problem:
        why = f"its check {unit.check[0]!r} can't be started: {problem.strerror or problem}"
        raise Refused(f"node {node.id} is not fit: {why}") from None
    if done.returncode:
        raise Refused(f"node {node.id} is not fit: {_unfit(done)}")
    passed.parent.mkdir(parents=True, exist_ok=True)
    passed.touch()


def _campaign(unit: Unit) -> str:
    """The name of the file that says that a check was passed: it depends on the campaign and on the check."""
    content = json.dumps([unit.payload.get("campaign", unit.id), unit.check])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _unfit(done: subprocess.CompletedProcess[str]) -> str:
    """The worst findings of a check, which stand first, or what it printed."""
    try:
        findings = json.loads(done.stdout)
        return "; ".join(f"{one['about']}: {one['what']}" for one in findings if one["level"] == findings[0]["level"])
    except (ValueError, KeyError, IndexError, TypeError):
        lines = (done.stderr or done.stdout).strip().splitlines()
        return f"its check ended with status {done.returncode}{f': {lines[-1]}' if lines else ''}"


def _run(node: Node, unit: Unit, slot: int, out: Path, file: Path) -> str:
    """Run the unit's command in the folder `out`; why it failed, "" if it did not."""
    (out / part.PART).mkdir(exist_ok=True)
    environment = {**node.environment, SLOT: str(slot)}
    if not unit.needs.cards:
        environment[nodes.VISIBLE] = ""  # a card that another unit may be timing
    command = _filled(node, unit.command, file, out / part.PART)
    log = out / part.LOG
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command, env=environment, cwd=node.folder or None, stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, preexec_fn=functools.partial(set_parent_death_signal, os.getpid()), process_group=0,
            )  # fmt: skip
        except OSError as problem:
            return f"its command {command[0]!r} can't be started: {problem.strerror or problem}"
        try:
            code = process.wait(unit.time_limit)
        except subprocess.TimeoutExpired:
            _end(process)
            return f"it took longer than its time limit of {elapsed(unit.time_limit)}"
        except BaseException:
            _end(process)
            raise
        finally:
            with contextlib.suppress(OSError):  # what it started and left would disturb the next unit
                os.killpg(process.pid, signal.SIGKILL)
    return exit_reason(code, log) if code else ""


def _end(process: subprocess.Popen[bytes], grace: float = 10.0) -> None:
    """End a unit: asked first, so that it keeps what it has, then killed."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _filled(node: Node, command: Sequence[str], file: Path, folder: Path) -> list[str]:
    places = {units.PYTHON: node.python, units.UNIT: str(file), units.PART: str(folder)}
    return [places.get(argument, argument) for argument in command]


def _of_index(fleet: Path, index: int, attempt: int) -> tuple[Path, Path]:
    """The file of a campaign's unit by its place among them, from 0, and the folder of an attempt at it."""
    files = units.files(fleet)
    if not 0 <= index < len(files):
        allowed = f"0 to {len(files) - 1}" if files else f"it has no {units.UNITS}/*.json"
        raise InvalidInput(f"--index {index} is no unit of {str(fleet)!r}: {allowed}")
    return files[index], fleet / part.PARTS / files[index].stem / str(attempt)


def main(arguments: Sequence[str] | None = None) -> int:
    """Status 0 if the part is whole, 1 if not, UNWRITTEN if no file says so. The last line is the end, as JSON."""
    parser = argparse.ArgumentParser(prog="python -m fleet.execute", description="Run an attempt at a unit.")
    parser.add_argument("--node", type=Path, help="the node's file (default: describe this machine)")
    parser.add_argument("--name", default="", help="the node's name, without --node (default: the host's)")
    parser.add_argument("--unit", type=Path, help="the unit's file")
    parser.add_argument("--attempt", type=int, default=1)
    parser.add_argument("--out", type=Path, help="the attempt's folder")
    parser.add_argument("--fleet", type=Path, help="instead of --unit and --out: the folder `fleet` of a campaign")
    parser.add_argument("--index", type=int, help="with --fleet: which of its units, from 0")
    parser.add_argument("--parent", type=int, help="end when this process, the parent, dies")
    given = parser.parse_args(arguments)
    if (given.fleet is None or given.index is None) and (given.unit is None or given.out is None):
        parser.error("either --unit and --out or --fleet and --index are needed")
    if given.parent:
        set_parent_death_signal(given.parent)
    try:
        # Without a node's file a scheduler has made room for this process: here it is not limited further.
        node = nodes.load(given.node) if given.node else nodes.describe(given.name, slots=os.cpu_count() or 1)
        file, out = _of_index(given.fleet, given.index, given.attempt) if given.fleet else (given.unit, given.out)
        unit = units.read(file)
        with Termination():
            ended = execute(node, unit, given.attempt, out, file)
    except DeadheatError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    print(strict_json.dumps({"outcome": ended.outcome, "reason": ended.reason}, indent=0).replace("\n", " "))
    if ended.outcome is not Outcome.LOST and not part.is_done(out):
        return UNWRITTEN
    return 0 if ended.outcome is Outcome.WHOLE else 1


if __name__ == "__main__":
    try:
        with outputs():
            sys.exit(main())
    except OutputLost:  # a log on a full disk; of an attempt that has an end, nobody asks
        sys.exit(UNWRITTEN)
