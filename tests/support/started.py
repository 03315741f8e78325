"""Campaigns in processes of their own, to be interrupted and killed, and whatever processes they leave."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.support.preloaded import Command

ROOT = Path(__file__).parent.parent.parent
OUTSIDE = ROOT / "tests" / "outside"
MARK = "DEADHEAT_TEST_MARK"
PATIENCE = 60.0


WORKLOADS = """
[[workloads]]
architectures = ["outside-mlp"]
batches = [4]
phases = """


def tiny(*contestants: str, phases: tuple[str, ...] = ("infer",), workloads: str = "", **others: object) -> str:
    """A suite that is measured in no time; `others` are keys of the suite, `workloads` its tables of that name."""
    keys = {
        "title": "as short as can be",
        "contestants": contestants,
        "launches": 2,
        "turns": 1,
        "rounds": 2,
        "round_seconds": 0.001,
        "warmup_seconds": 0.001,
        "warmup_limit": 0.01,
        "max_retries": 0,
        "sustained": 0,
        "time_limit": "20s",
        "memory": "64GiB",
        "controls": False,
        **others,
    }
    said = "\n".join(f"{key} = {_toml(value)}" for key, value in keys.items())
    return f"{said}\n{workloads or WORKLOADS + _toml(phases)}\n"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + "}"
    return json.dumps(value)


def hear_interrupts() -> None:
    """For a process that is started: Ctrl-C ends it even where the tests do not hear it, as in a shell's background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def environment(outside: bool = True, simulated: bool = False) -> dict[str, str]:
    """A user's, with the package from outside installed, or without; `simulated`: campaigns' launches are."""
    paths = [str(ROOT), *([str(OUTSIDE)] if outside else [])]
    # Hypothesis's plug-in takes half a second to import, in a hundred campaigns that have no use for it.
    plugins = "-p no:hypothesispytest" + (" -p tests.support.simulated_launches" if simulated else "")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "NO_COLOR": "1", "PYTEST_ADDOPTS": plugins}


class Started:
    """`pytest --benchmark-only` (or another `command`) on a suite, with a mark that all its processes inherit.

    `before` runs in its process before the command does. `simulated`: its launches are.
    """

    def __init__(
        self,
        home: Path,
        text: str,
        *arguments: str,
        name: str = "data",
        before: Callable[[], object] | None = None,
        command: Sequence[str] = ("pytest", "--benchmark-only"),
        simulated: bool = False,
    ):
        self.data = home / name
        self._mark = uuid.uuid4().hex
        (home / "suite.toml").write_text(text)
        asked = f"--suite={home / 'suite.toml'}", f"--results={self.data}", "-p", "no:cacheprovider"
        report = () if any(argument.startswith("--report") for argument in arguments) else ("--no-report",)
        self.process = Command(
            [*command, *asked, *report, *arguments],
            ROOT,
            {**environment(simulated=simulated), MARK: self._mark},
            before=[before] if before else [],
            merged=True,
        )

    def output(self) -> str:
        """What it said, once it has ended, and every process that could say more."""
        said = self.process.stdout.result(timeout=PATIENCE)
        self.process.wait(PATIENCE)
        return said

    def folder(self) -> Path:
        (folder,) = self.data.iterdir()
        return folder

    def await_lines(self, count: int) -> None:
        """Wait until so many records are on the disk; it must not be done by then."""
        self.wait_for(
            lambda: sum(file.read_bytes().count(b"\n") for file in self.data.glob("*/records.jsonl")) >= count
        )

    def wait_for(self, condition: Callable[[], object]) -> None:
        poll(condition, PATIENCE, lambda: self.process.poll() is None)

    def others(self) -> list[int]:
        """The processes of this campaign, beside the one that was started."""
        return [
            int(process.name)
            for process in Path("/proc").glob("[0-9]*")
            if int(process.name) != self.process.pid and f"{MARK}={self._mark}" in read(process / "environ")
        ]


def poll(condition: Callable[[], object], seconds: float, worthwhile: Callable[[], bool] = lambda: True) -> None:
    """Return as soon as the condition holds; fail if it does not within so many seconds, or it is in vain to wait."""
    end = time.monotonic() + seconds
    while not condition():
        assert worthwhile(), "it has ended"
        assert time.monotonic() < end, f"not within {seconds:g} s"
        time.sleep(0.02)


def read(file: Path) -> str:
    """A file of a process that may be gone by now."""
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
