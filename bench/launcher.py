"""The asking side of launches: zygotes, one for each framework and environment, and the workers forked from them."""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

from bench import card, setting
from bench.clock import now
from bench.interpreters import Interpreter, interpreter_of
from bench.messages import A, Failure, Request, UnreadableMessage, read_answer, to_line
from impls.errors import DeadheatError
from impls.frameworks import CACHE, load_framework
from impls.log import last_words
from results.logs import Logs
from results.record import Case, Status

IMPORT_LIMIT = 180.0
"""Seconds for a zygote to import its framework."""
PREFIX, LOCK = "deadheat-launches-", "lock"
"""Of a launcher's folder, and the file in it that its launcher has locked."""


class LaunchFailed(Exception):
    """A launch that ended without what it was asked for: the status and reason of its record.

    `log` is where what its process had printed is kept, below the campaign's folder; empty if it is not.
    """

    def __init__(self, status: Status, reason: str, log: str = ""):
        super().__init__(reason)
        self.status, self.reason, self.log = status, reason, log


GRACE, GRACE_SHARE = 5.0, 0.1
"""Seconds, and share of the budget, that an answer may come after the budget's end: what is nearly done is kept."""


@dataclass(frozen=True)
class Limit:
    """How long a launch may take for any one thing: `each` seconds, and no longer than a grace after the budget's end.

    budget: seconds from now on; infinite where there is none.
    """

    each: float
    budget: float = math.inf
    start: float = field(default_factory=now)

    def seconds(self, each: float | None = None) -> float:
        """Seconds that a request which is made now may take; `each` in place of the limit's own."""
        left = max(self.start + self.budget - now(), 0.0)
        return min(each or self.each, left + max(GRACE, GRACE_SHARE * self.budget))

    def exceeded(self, seconds: float) -> str:
        """The reason of a launch that gave no answer within so many seconds."""
        why = "" if seconds >= self.each else f", when the budget had ended; its time limit is {self.each:.0f} s"
        return f"no answer within {seconds:.0f} s{why}"


class WorkerLike(Protocol):
    """One launch, as its controller sees it: a Worker of this module, or bench.fake's."""

    @property
    def pid(self) -> int: ...

    def ask(self, request: Request[A]) -> A:
        """The answer to a request. LaunchFailed if there is none; the launch has ended then."""
        ...

    def send(self, request: Request[Any]) -> None:
        """Ask without waiting for the answer."""
        ...

    def receive(self, expected: type[A], meanwhile: Callable[[], None] | None = None, every: float = 1.0) -> A:
        """The answer to what was sent; `meanwhile` is called every so many seconds until it comes."""
        ...

    def failed(self, status: Status, reason: str) -> LaunchFailed:
        """That the launch ended so, with its log if that is kept."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """End the launch, whatever it is doing."""
        ...


class LauncherLike(Protocol):
    """Where launches come from: a Launcher of this module, or bench.fake's. A context manager."""

    @property
    def folder(self) -> Path:
        """A folder for what lives as long as the launcher."""
        ...

    def warm(self, cases: Iterable[Case]) -> None:
        """Prepare the launches of all these cases."""
        ...

    def launch(self, case: Case, apart: bool = False) -> tuple[WorkerLike, float]:
        """A launch of the case, and the seconds it took; `apart`: with a zygote of its own. Or LaunchFailed."""
        ...

    def zygotes(self, cases: Iterable[Case]) -> int:
        """How many zygotes these cases are forked from."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Worker:
    """One launch: a forked process that answers requests until it is closed, dies or takes too long."""

    def __init__(
        self, zygote: Zygote, pid: int, link: socket.socket, log: Path, limit: Limit, logs: Logs, last: bool = False
    ):
        self._zygote, self._pid, self._link, self._log = zygote, pid, link, log
        self._limit, self._logs, self._last = limit, logs, last
        self._answers = link.makefile("r", encoding="utf-8")

    def ask(self, request: Request[A]) -> A:
        """The answer to a request. LaunchFailed if there is none; the process is gone then."""
        self.send(request)
        return self.receive(request.answer_type())

    def send(self, request: Request[Any]) -> None:
        """Ask without waiting, so that several workers can be at it."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # receive() says why it is gone
            self._link.sendall(to_line(request).encode())

    @property
    def pid(self) -> int:
        return self._pid

    def receive(self, expected: type[A], meanwhile: Callable[[], None] | None = None, every: float = 1.0) -> A:
        """The answer to what was sent; `meanwhile` is called every so many seconds until it comes."""
        seconds = self._limit.seconds()
        self._link.settimeout(seconds)
        deadline = now() + seconds
        while meanwhile and now() < deadline and not select.select([self._link], [], [], every)[0]:
            meanwhile()
        try:
            line = self._answers.readline()
        except TimeoutError:
            self.close()
            raise self.failed(Status.TIMED_OUT, self._limit.exceeded(seconds)) from None
        except ConnectionResetError:
            line = ""
        if not line.endswith("\n"):
            raise self.failed(Status.CRASHED, self._epitaph())
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
        """That the launch ended so; its log is kept, unless it was skipped, which its reason explains."""
        return LaunchFailed(status, reason, "" if status is Status.SKIPPED else self._logs.keep(self._log))

    def close(self) -> int | None:
        """End the process, whatever it is doing; its exit code (None if the zygote has died)."""
        self._answers.close()
        self._link.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        return self._code()

    def _code(self) -> int | None:
        """The exit code of the process, which has ended or is about to."""
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

    def _epitaph(self) -> str:
        """How the process, which has closed its end, came to its end."""
        self._answers.close()
        self._link.close()
        code = self._code()
        if code is None:
            how = "its zygote died"
        elif code >= 0:
            how = f"exited with code {code}"
        else:
            name = signal.Signals(-code).name
            how = f"killed by {name}{' (the system may have run out of memory)' if name == 'SIGKILL' else ''}"
        return how + last_words(self._log)


@contextlib.contextmanager
def room_for(what: str, folder: Path) -> Iterator[None]:
    """While something is written to a temporary folder: DeadheatError, one line, if that is full, or gone."""
    try:
        yield
    except OSError as problem:
        raise DeadheatError(
            f"{what} can't be written to {folder}: {problem.strerror or problem}; "
            "make room, or name another folder with the environment variable TMPDIR"
        ) from None


def _new_log(file: Path) -> IO[bytes]:
    """What a process will print to."""
    with room_for("logs", file.parent):
        return file.open("wb")


class Zygote:
    """A process that has imported a framework, from which workers are forked within milliseconds.

    `environment` is all that it has beside where its interpreter finds this project.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        modules: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        limit: Limit,
        logs: Logs,
    ):
        self._log, self._limit, self._logs = log, limit, logs
        self.dead = False
        output = _new_log(log)
        self._control, theirs = socket.socketpair()
        with theirs, output:
            try:
                self._process = subprocess.Popen(
                    [*interpreter.command, "-m", "bench.zygote", str(theirs.fileno()), *modules],
                    pass_fds=[theirs.fileno()],
                    process_group=0,  # a signal to the harness's whole group, as of Ctrl-C, is for the harness alone
                    env={**environment, **interpreter.environment()},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                )
            except OSError as problem:  # its Python is gone since it was asked, or there are too many processes
                self._control.close()
                raise LaunchFailed(Status.CRASHED, f"{interpreter.path} cannot be started: {problem}") from None
        self._answers = self._control.makefile("r", encoding="utf-8")
        self._ready = False

    def launch(self, log: Path, last: bool = False) -> Worker:
        """A worker forked now, which writes what it prints to `log`. LaunchFailed if the zygote has died.

        After the `last` one the zygote ends.
        """
        self._await_import()
        output = _new_log(log)
        ours, theirs = socket.socketpair()
        with theirs, output:
            try:
                socket.send_fds(self._control, [b'{"do": "fork"}'], [theirs.fileno(), output.fileno()])
                pid = self._read_answer(IMPORT_LIMIT)["pid"]
            except KeyboardInterrupt:  # its answer is still to come, and would be taken for the next one's
                self.dead = True
                ours.close()
                raise
            except (OSError, LaunchFailed):
                self.dead = True
                ours.close()
                raise self._failed(Status.CRASHED, f"its zygote died{last_words(self._log)}") from None
        return Worker(self, pid, ours, log, self._limit, self._logs, last)

    def _await_import(self) -> None:
        """Zygotes import side by side; the first launch from each waits for it."""
        if not self._ready:
            self._read_answer(self._limit.seconds(IMPORT_LIMIT))
            self._ready = True

    def wait(self, pid: int) -> int | None:
        """The exit code of a child that has ended or is about to; None if the zygote has died too."""
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
            raise self._failed(Status.CRASHED, f"its zygote died{last_words(self._log)}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _failed(self, status: Status, reason: str) -> LaunchFailed:
        """That the zygote ended so; its log is kept."""
        return LaunchFailed(status, reason, self._logs.keep(self._log))


def _sweep() -> None:
    """Remove what launchers that were killed have left: hundreds of megabytes of weights each."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError), (folder / LOCK).open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # its owner holds it as long as it lives
            shutil.rmtree(folder, ignore_errors=True)


def _locked_folder() -> tuple[tempfile.TemporaryDirectory[str], IO[bytes]]:
    """A folder, and its lock; another one if somebody who swept took it before it was locked."""
    while True:
        with room_for("launches", Path(tempfile.gettempdir())), contextlib.ExitStack() as undo:
            folder = tempfile.TemporaryDirectory(prefix=PREFIX)
            undo.callback(folder.cleanup)
            lock = Path(folder.name, LOCK).open("wb")  # noqa: SIM115 - held as long as the launcher lives
            undo.pop_all()
        fcntl.flock(lock, fcntl.LOCK_EX)
        if Path(folder.name, LOCK).exists():
            return folder, lock
        lock.close()


@dataclass(frozen=True)
class Origin:
    """What a zygote has: contestants that need the same are forked from one."""

    interpreter: Interpreter
    modules: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]


class Launcher:
    """Forks workers, keeping one zygote for each interpreter, set of modules and environment; a context manager.

    A zygote that has died is replaced at the next launch. `fresh`: every launch has a zygote of its own. Launches for
    another device than a card see none. `environment`: variables for all of them, beside those of their settings.
    `budget`: seconds from now on, soon after which no answer is awaited any more. `logs`: where the logs of launches
    that fail are kept.
    """

    def __init__(
        self,
        time_limit: float,
        interpreters: Mapping[str, str] | None = None,
        fresh: bool = False,
        device: str = "cpu",
        environment: Mapping[str, str] | None = None,
        budget: float = math.inf,
        logs: Logs | None = None,
    ):
        self._shell, self._asked = dict(os.environ), environment or {}
        self._limit = Limit(time_limit, budget)
        self._logs = logs or Logs()
        self._device = device
        self._interpreters = interpreters or {}
        self._fresh = fresh
        self._zygotes: dict[Origin, Zygote] = {}
        self._workers: list[Worker] = []
        self._begun = self._launches = 0
        _sweep()
        self._folder, self._lock = _locked_folder()

    @property
    def folder(self) -> Path:
        """A folder for what lives as long as the launcher."""
        return Path(self._folder.name)

    def warm(self, cases: Iterable[Case]) -> None:
        """Begin the zygotes of all cases at once."""
        for case in cases if not self._fresh else ():
            with contextlib.suppress(LaunchFailed):  # who launches from it is told
                self._zygote(case)

    def launch(self, case: Case, apart: bool = False) -> tuple[Worker, float]:
        """A fresh worker for the case, and the seconds it took to come up; `apart`: of a zygote of its own."""
        start, last = now(), apart or self._fresh
        zygote = self._zygote(case, last)
        self._launches += 1
        log = self.folder / f"launch-{self._launches}.log"
        try:
            worker = zygote.launch(log, last)
        except BaseException:
            if last:
                zygote.close()
            raise
        seconds = now() - start
        self._workers = [*(one for one in self._workers if one.is_open), worker]
        return worker, seconds

    def zygotes(self, cases: Iterable[Case]) -> int:
        """How many zygotes these are forked from: who needs the same shares one."""
        origins = [self._origin(case) for case in cases]
        return len(origins if self._fresh else set(origins))

    def _origin(self, case: Case) -> Origin:
        framework = load_framework(case.contestant.framework)
        execution = framework.execution(case.contestant.execution)
        asked = setting.whole_environment_of(case, self._asked)
        own = {name: value.replace(CACHE, str(self.folder)) for name, value in asked.items()}
        shell = setting.inherited(case.contestant.setting, self._shell)
        environment = {**shell, **own, **card.environment(self._device)}
        interpreter = interpreter_of(case.contestant, self._interpreters)
        return Origin(interpreter, (*framework.preload, *execution.preload), tuple(sorted(environment.items())))

    def _zygote(self, case: Case, apart: bool = False) -> Zygote:
        """The case's zygote, begun when it is first needed."""
        origin = self._origin(case)
        if apart:
            return self._begin(origin)
        if origin in self._zygotes and self._zygotes[origin].dead:
            self._zygotes.pop(origin).close()
        if origin not in self._zygotes:
            self._zygotes[origin] = self._begin(origin)
        return self._zygotes[origin]

    def _begin(self, origin: Origin) -> Zygote:
        self._begun += 1
        log = self.folder / f"zygote-{self._begun}.log"
        environment = dict(origin.environment)
        return Zygote(origin.interpreter, origin.modules, environment, log, self._limit, self._logs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:  # Ctrl-C may have struck where several were at it, before anyone looked after them
            with worker:
                pass
        for zygote in self._zygotes.values():
            zygote.close()
        self._lock.close()
        self._folder.cleanup()
