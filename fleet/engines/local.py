"""This machine alone: attempts are processes of the driver's own machine."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from fleet import node as nodes
from fleet import part
from fleet import unit as units
from fleet.engine import Attempt, Kind, Offer
from fleet.execute import UNWRITTEN
from fleet.node import Node
from fleet.part import Ended, Outcome, PartError
from impls.errors import InvalidInput
from impls.host import usable
from impls.host.process import exit_reason
from impls.log import last_log_line

POLL = 0.05


class LocalEngine:
    """Runs attempts as processes here. `here`: the nodes, several of them for tests.

    Each engine has a node's file of its own: another driver on this machine may have another Python or environment.
    """

    places = True

    def __init__(self, here: Sequence[Node]):
        self._nodes = {node.id: node for node in here}
        for node in here:
            nodes.remove_left(node)
        self._files = {node.id: nodes.save(node, nodes.own_file()) for node in here}
        self._running: dict[tuple[str, int], tuple[Attempt, subprocess.Popen[bytes]]] = {}

    def nodes(self) -> Sequence[Offer]:
        return [offer_of(node) for node in self._nodes.values()]

    def adopt(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
        return []  # they ended with their driver

    def submit(self, attempts: Sequence[Attempt]) -> None:
        for attempt in attempts:
            node = self._nodes[attempt.node]
            attempt.folder.mkdir(parents=True, exist_ok=True)
            file = units.write(attempt.unit, attempt.folder)
            with attempt_log(attempt.folder).open("wb") as log:
                process = subprocess.Popen(
                    command(node, self._files[node.id], file, attempt.number, attempt.folder),
                    env=dict(node.environment), cwd=node.folder or None,
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip
            self._running[attempt.key] = attempt, process

    def wait(self, seconds: float) -> Sequence[Ended]:
        deadline = time.monotonic() + seconds
        while True:
            over = [key for key, (_, process) in self._running.items() if process.poll() is not None]
            if over or time.monotonic() > deadline:
                return [_end(*self._running.pop(key)) for key in over]
            time.sleep(POLL)

    def cancel(self, attempt: Attempt) -> None:
        if attempt.key in self._running:
            _, process = self._running.pop(attempt.key)
            process.kill()  # the unit's process dies with it
            process.wait()

    def close(self) -> None:
        for attempt, _ in list(self._running.values()):
            self.cancel(attempt)
        for file in self._files.values():
            file.unlink(missing_ok=True)


def command(node: Node, file: Path, unit: Path, number: int, out: Path) -> list[str]:
    """The command that runs an attempt on a node, and ends with this process."""
    where = ["--node", str(file), "--unit", str(unit), "--out", str(out)]
    return [node.python, "-m", "fleet.execute", *where, "--attempt", str(number), "--parent", str(os.getpid())]


def attempt_log(folder: Path) -> Path:
    """What the process that runs the attempt prints: beside the attempt's folder, which has the unit's log."""
    return folder.with_suffix(".log")


def why_no_end(code: int, log: Path) -> str:
    """Why the process of an attempt has left no `done.json`."""
    if code == UNWRITTEN:  # a log on the same disk is empty then
        return f"its end could not be written{last_log_line(log) or '; its disk may be full'}"
    return exit_reason(code, log)


def offer_of(node: Node) -> Offer:
    return Offer(node.id, node.type, node.software, node.slots, len(node.machine.get("gpus") or ()))


def _end(attempt: Attempt, process: subprocess.Popen[bytes]) -> Ended:
    try:
        return part.read(attempt.folder)
    except PartError as problem:
        reason = str(problem)
        if not part.is_done(attempt.folder):
            reason = why_no_end(process.returncode, attempt_log(attempt.folder))
        return Ended(attempt.unit.id, attempt.number, attempt.node, Outcome.LOST, reason)


def start(options: Mapping[str, str]) -> LocalEngine:
    """The engine on this machine; InvalidInput for slots that are no number."""
    slots = options.get("slots") or str(len(usable.usable_cores()))
    if not slots.isdigit() or not int(slots):
        raise InvalidInput(f"--slots {slots!r} is no number of at least 1")
    return LocalEngine([nodes.describe(slots=int(slots))])


ENGINE = Kind("local", start, {"slots": "units that are not timed, at once on this machine (default: its cores)"})
