"""The asking side of launches: zygotes, one for each framework and environment, and the workers forked from them."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from bench.clock import now
from bench.launch.process import LaunchFailed, Limit, Worker, Zygote
from bench.launch.scratch import locked_folder, sweep
from bench.plan import settings
from bench.plan.interpreters import Interpreter, interpreter_of
from bench.worker.messages import A, Request
from impls import nvidia
from impls.frameworks import CACHE, load_framework
from results.schema.record import Case, Status
from results.store.logs import Logs


class WorkerLike(Protocol):
    """One launch, as its controller sees it: a Worker of this module, or bench.launch.fake's."""

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
    """Where launches come from: a Launcher of this module, or bench.launch.fake's. A context manager."""

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


@dataclass(frozen=True)
class ZygoteKey:
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
        self._zygotes: dict[ZygoteKey, Zygote] = {}
        self._workers: list[Worker] = []
        self._begun = self._launches = 0
        sweep()
        self._folder, self._lock = locked_folder()

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

    def _origin(self, case: Case) -> ZygoteKey:
        framework = load_framework(case.contestant.framework)
        execution = framework.execution(case.contestant.execution)
        asked = settings.environment_for_case(case, self._asked)
        own = {name: value.replace(CACHE, str(self.folder)) for name, value in asked.items()}
        shell = settings.inherited(case.contestant.setting, self._shell)
        environment = {**shell, **own, **nvidia.environment(self._device)}
        interpreter = interpreter_of(case.contestant, self._interpreters)
        return ZygoteKey(interpreter, (*framework.preload, *execution.preload), tuple(sorted(environment.items())))

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

    def _begin(self, origin: ZygoteKey) -> Zygote:
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
