"""Processes of launches as the controller sees them: fork servers and the workers forked from them."""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from bench.clock import now
from bench.launch.scratch import disk_errors_as_user_errors
from bench.plan.interpreters import Interpreter
from bench.worker.messages import A, Failure, Request, UnreadableMessage, read_answer, to_line
from impls.host.process import exit_reason
from impls.log import last_log_line
from results.schema.record import Status
from results.store.logs import Logs

IMPORT_LIMIT = 180.0
"""Seconds for a zygote to import its framework, and to answer."""
GPU_IMPORT_LIMIT = 600.0
"""The same on a card: a framework's CUDA libraries are some 5 GB, which several zygotes read at once, from a network
disk perhaps."""


class LaunchFailed(Exception):
    """A launch that ended without an answer: the status and reason of its record.

    `log`: file with the output of its process, below the campaign's folder; empty if it is not kept.
    """

    def __init__(self, status: Status, reason: str, log: str = ""):
        super().__init__(reason)
        self.status, self.reason, self.log = status, reason, log


LEAST_WAIT = 0.001
"""Seconds to wait for an answer that has probably arrived, although its time limit has passed meanwhile."""
GRACE, GRACE_SHARE = 5.0, 0.1
"""Grace after the budget's end for an answer that is nearly complete: seconds, and share of the budget."""


@dataclass(frozen=True)
class Limit:
    """Time limit of a request: `each` seconds, and at most until a grace period after the budget's end.

    budget: seconds from `start`; infinite if there is none.
    """

    each: float
    budget: float = math.inf
    start: float = field(default_factory=now)

    def seconds(self, each: float | None = None) -> float:
        """Seconds that a request sent now may take; `each` replaces the limit's own value."""
        left = max(self.start + self.budget - now(), 0.0)
        return min(each or self.each, left + max(GRACE, GRACE_SHARE * self.budget))

    def exceeded(self, seconds: float) -> str:
        """The reason for a launch that did not answer within `seconds`."""
        why = "" if seconds >= self.each else f"; the budget had ended, the time limit is {self.each:.0f} s"
        return f"no answer within {seconds:.0f} s{why}"


class Worker:
    """One launch: a forked process that answers requests until it is closed, dies or exceeds the time limit."""

    def __init__(
        self, zygote: Zygote, pid: int, link: socket.socket, log: Path, limit: Limit, logs: Logs, last: bool = False
    ):
        self._zygote, self._pid, self._link, self._log = zygote, pid, link, log
        self._limit, self._logs, self._last = limit, logs, last
        self._answers = link.makefile("r", encoding="utf-8")
        self.deadline = math.inf  # until a request is sent

    def fileno(self) -> int:
        """The descriptor that is readable when the process has answered or ended."""
        return self._link.fileno()

    def ask(self, request: Request[A]) -> A:
        """The answer to a request. LaunchFailed if there is none; the process has then ended."""
        self.send(request)
        return self.receive(request.answer_type())

    def send(self, request: Request[Any]) -> None:
        """Send a request without waiting, so that several workers compute at the same time."""
        self.deadline = now() + self._limit.seconds()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # receive() reports why it ended
            self._link.sendall(to_line(request).encode())

    @property
    def pid(self) -> int:
        return self._pid

    def receive(self, expected: type[A], meanwhile: Callable[[], None] | None = None, every: float = 1.0) -> A:
        """The answer to the last request, or LaunchFailed; until then `meanwhile` is called every `every` seconds."""
        seconds = self._limit.seconds()
        deadline = min(self.deadline, now() + seconds)
        while meanwhile and now() < deadline and not select.select([self._link], [], [], every)[0]:
            meanwhile()
        self._link.settimeout(max(deadline - now(), LEAST_WAIT))
        try:
            line = self._answers.readline()
        except TimeoutError:
            self.close()
            raise self.failed(Status.TIMED_OUT, self._limit.exceeded(seconds)) from None
        except ConnectionResetError:
            line = ""
        if not line.endswith("\n"):
            raise self.failed(Status.CRASHED, self._exit_reason())
        try:
            answer = read_answer(line, expected)
        except UnreadableMessage as problem:
            self.close()
            raise self.failed(Status.FAILED, str(problem)) from None
        if isinstance(answer, Failure):
            self.close()
            raise self.failed(answer.status, answer.reason)
        return answer

    def failed(self, status: Status, reason: str) -> LaunchFailed:
        """The error for a launch that ended with this status; its log is kept unless it was skipped."""
        return LaunchFailed(status, reason, "" if status is Status.SKIPPED else self._logs.keep(self._log))

    def close(self) -> int | None:
        """Kill the process; returns its exit code (None if the zygote has died)."""
        self._answers.close()
        self._link.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        return self._code()

    def _code(self) -> int | None:
        """Wait for the exit code of the process, which has ended or is ending."""
        code = self._zygote.wait(self._pid)
        if self._last:
            self._zygote.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_open:
            self.close()

    @property
    def is_open(self) -> bool:
        return self._link.fileno() != -1

    def _exit_reason(self) -> str:
        """How the process, which has closed its socket, ended: exit code or signal, and the last line of its log."""
        self._answers.close()
        self._link.close()
        code = self._code()
        return f"its zygote died{last_log_line(self._log)}" if code is None else exit_reason(code, self._log)


def _new_log(file: Path) -> IO[bytes]:
    """The log file of a process, opened for writing. DeadheatError if the disk is full."""
    with disk_errors_as_user_errors("logs", file.parent):
        return file.open("wb")


class Zygote:
    """A process that has imported a framework, from which workers are forked within milliseconds.

    `environment`: all its variables besides PYTHONPATH. `log`: the file for its output. `import_limit`: seconds for the
    import.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        modules: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        limit: Limit,
        logs: Logs,
        import_limit: float = IMPORT_LIMIT,
    ):
        self._log, self._limit, self._logs, self._import_limit = log, limit, logs, import_limit
        self.dead = False
        output = _new_log(log)
        self._control, theirs = socket.socketpair()
        with theirs, output:
            try:
                self._process = subprocess.Popen(
                    [*interpreter.command, "-m", "bench.worker.zygote", str(theirs.fileno()), *modules],
                    pass_fds=[theirs.fileno()],
                    process_group=0,  # a signal to the harness's process group, such as Ctrl-C, must not reach it
                    env={**environment, **interpreter.environment()},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                )
            except OSError as problem:  # the interpreter was removed after the check, or the process limit is reached
                self._control.close()
                raise LaunchFailed(Status.CRASHED, f"{interpreter.path} cannot be started: {problem}") from None
        self._answers = self._control.makefile("r", encoding="utf-8")
        self._ready = False

    def launch(self, log: Path, last: bool = False) -> Worker:
        """Fork a worker whose output goes to `log`. LaunchFailed if the zygote has died.

        `last`: the zygote ends with this worker.
        """
        self.await_import()
        output = _new_log(log)
        ours, theirs = socket.socketpair()
        with theirs, output:
            try:
                socket.send_fds(self._control, [b'{"do": "fork"}'], [theirs.fileno(), output.fileno()])
                answer = self._read_answer(IMPORT_LIMIT)
            except KeyboardInterrupt:  # its answer is still pending and would be read as the next request's
                self.dead = True
                ours.close()
                raise
            except (OSError, LaunchFailed):
                self.dead = True
                ours.close()
                raise self._failed(Status.CRASHED, f"its zygote died{last_log_line(self._log)}") from None
        if "refused" in answer:
            ours.close()
            raise self._failed(Status.FAILED, answer["refused"])
        return Worker(self, answer["pid"], ours, log, self._limit, self._logs, last)

    def await_import(self) -> None:
        """Before the first launch, wait until the zygote has imported its modules; zygotes import concurrently."""
        if not self._ready:
            self._read_answer(self._limit.seconds(self._import_limit))
            self._ready = True

    def wait(self, pid: int) -> int | None:
        """The exit code of a child that has ended or is ending; None if the zygote has died."""
        try:
            self._control.sendall(json.dumps({"do": "wait", "pid": pid}).encode())
            return int(self._read_answer(IMPORT_LIMIT)["code"])
        except (OSError, LaunchFailed, KeyError):
            self.dead = True
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
            self.dead = True
            self._process.kill()
            raise self._failed(Status.TIMED_OUT, f"its zygote gave {self._limit.exceeded(limit)}") from None
        if not line:
            self.dead = True
            raise self._failed(Status.CRASHED, f"its zygote died{last_log_line(self._log)}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _failed(self, status: Status, reason: str) -> LaunchFailed:
        """The error for a zygote that ended with this status; its log is kept."""
        return LaunchFailed(status, reason, self._logs.keep(self._log))
