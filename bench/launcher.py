"""The asking side of launches: zygotes, one for each framework and environment, and the workers forked from them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench import setting
from bench.clock import now
from impls.frameworks import load_framework
from results.record import Contestant, Status

IMPORT_LIMIT = 180.0
"""Seconds for a zygote to import its framework."""
LOG_TAIL = 4000


class LaunchFailed(Exception):
    """A launch that ended without what it was asked for: the status and reason of its record."""

    def __init__(self, status: Status, reason: str):
        super().__init__(reason)
        self.status, self.reason = status, reason


class Worker:
    """One launch: a forked process that answers requests until it is closed, dies or takes too long."""

    def __init__(self, zygote: Zygote, pid: int, link: socket.socket, log: Path, time_limit: float):
        self._zygote, self._pid, self._link, self._log = zygote, pid, link, log
        self._time_limit = time_limit
        self._log_start = log.stat().st_size
        self._answers = link.makefile("r", encoding="utf-8")

    def ask(self, do: str, **arguments: Any) -> Any:
        """The answer to a request. LaunchFailed if there is none; the process is gone then."""
        self.send(do, **arguments)
        return self.receive()

    def send(self, do: str, **arguments: Any) -> None:
        """Ask without waiting, so that several workers can be at it."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # receive() says why it is gone
            self._link.sendall(json.dumps({"do": do, "with": arguments}).encode() + b"\n")

    def receive(self) -> Any:
        self._link.settimeout(self._time_limit)
        try:
            line = self._answers.readline()
        except TimeoutError:
            self.close()
            raise LaunchFailed(Status.TIMED_OUT, f"no answer within {self._time_limit:.0f} s") from None
        except ConnectionResetError:
            line = ""
        if not line.endswith("\n"):
            raise LaunchFailed(Status.CRASHED, self._epitaph())
        answer = json.loads(line)
        if "ok" not in answer:
            self.close()
            raise LaunchFailed(Status(answer["status"]), answer["reason"])
        return answer["ok"]

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._answers.close()
        self._link.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        self._zygote.wait(self._pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._link.fileno() != -1:
            self.close()

    def _epitaph(self) -> str:
        code = self._zygote.wait(self._pid)
        self._answers.close()
        self._link.close()
        if code is None:
            return f"its zygote died{self._last_words()}"
        if code >= 0:
            return f"exited with code {code}{self._last_words()}"
        name = signal.Signals(-code).name
        hint = " (the system may have run out of memory)" if name == "SIGKILL" else ""
        return f"killed by {name}{hint}{self._last_words()}"

    def _last_words(self) -> str:
        with self._log.open("rb") as log:
            log.seek(max(self._log_start, self._log.stat().st_size - LOG_TAIL))
            lines = log.read().decode(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return f"; it last said: {said[-1][:300]}" if said else ""


class Zygote:
    """A process that has imported a framework, from which workers are forked within milliseconds."""

    def __init__(self, modules: Sequence[str], environment: Mapping[str, str], log: Path):
        self._log = log
        self._control, theirs = socket.socketpair()
        with theirs, log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.zygote", str(theirs.fileno()), *modules],
                pass_fds=[theirs.fileno()],
                env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._answers = self._control.makefile("r", encoding="utf-8")
        self._read_answer(IMPORT_LIMIT)

    def launch(self, time_limit: float) -> Worker:
        """A worker forked now. LaunchFailed if the zygote has died."""
        ours, theirs = socket.socketpair()
        with theirs, self._log.open("ab") as log:
            try:
                socket.send_fds(self._control, [b'{"do": "fork"}'], [theirs.fileno(), log.fileno()])
                pid = self._read_answer(IMPORT_LIMIT)["pid"]
            except OSError:
                raise LaunchFailed(Status.CRASHED, f"its zygote died{self._words()}") from None
        return Worker(self, pid, ours, self._log, time_limit)

    def wait(self, pid: int) -> int | None:
        """The exit code of a child that has ended or is about to; None if the zygote has died too."""
        try:
            self._control.sendall(json.dumps({"do": "wait", "pid": pid}).encode())
            return int(self._read_answer(IMPORT_LIMIT)["code"])
        except (OSError, LaunchFailed):
            return None

    def close(self) -> None:
        self._answers.close()
        self._control.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read_answer(self, limit: float) -> dict[str, Any]:
        self._control.settimeout(limit)
        try:
            line = self._answers.readline()
        except TimeoutError:
            self._process.kill()
            raise LaunchFailed(Status.TIMED_OUT, f"its zygote gave no answer within {limit:.0f} s") from None
        if not line:
            raise LaunchFailed(Status.CRASHED, f"its zygote died{self._words()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return f"; it last said: {lines[-1][:300]}" if lines else ""


class Launcher:
    """Forks workers, keeping one zygote for each set of modules and environment. Use as a context manager."""

    def __init__(self, time_limit: float):
        self._time_limit = time_limit
        self._zygotes: dict[object, Zygote] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="deadheat-")

    @property
    def folder(self) -> Path:
        """A folder for what lives as long as the launcher."""
        return Path(self._folder.name)

    def launch(self, contestant: Contestant) -> tuple[Worker, float]:
        """A fresh worker for the contestant, and the seconds it took to come up."""
        zygote = self._zygote(contestant)
        start = now()
        return zygote.launch(self._time_limit), now() - start

    def _zygote(self, contestant: Contestant) -> Zygote:
        framework = load_framework(contestant.framework)
        execution = framework.execution(contestant.execution)
        modules = (*framework.preload, *execution.preload)
        key = modules, tuple(sorted(execution.environment.items()))
        if key not in self._zygotes:
            log = self.folder / f"zygote-{len(self._zygotes)}.log"
            self._zygotes[key] = Zygote(modules, {**setting.environment(), **execution.environment}, log)
        return self._zygotes[key]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        for zygote in self._zygotes.values():
            zygote.close()
        self._folder.cleanup()
