"""Controller side of launches: starts a zygote per framework and environment, and forks workers from it."""

from __future__ import annotations

import contextlib
import math
import os
import select
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from bench.clock import now
from bench.launch.process import GPU_IMPORT_LIMIT, IMPORT_LIMIT, LaunchFailed, Limit, Worker, Zygote
from bench.launch.scratch import locked_folder, remove_stale_scratch
from bench.plan import settings
from bench.plan.interpreters import Interpreter, interpreter_of
from bench.worker.messages import A, Request
from impls.frameworks import filled, is_card, load_framework
from impls.host import nvidia
from results.schema.record import Case, Status
from results.store.logs import Logs


class WorkerLike(Protocol):
    """One launch as the controller sees it: bench.launch.process.Worker, or the one of bench.launch.fake."""

    @property
    def pid(self) -> int: ...

    def ask(self, request: Request[A]) -> A:
        """The answer to a request. LaunchFailed if there is none; the launch has then ended."""
        ...

    def send(self, request: Request[Any]) -> None:
        """Send a request without waiting for the answer."""
        ...

    def receive(self, expected: type[A], meanwhile: Callable[[], None] | None = None, every: float = 1.0) -> A:
        """The answer to the last request, or LaunchFailed; until then `meanwhile` is called every `every` seconds."""
        ...

    def failed(self, status: Status, reason: str) -> LaunchFailed:
        """The error for a launch that ended with this status, with its log if that is kept."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """End the launch, also in the middle of a request."""
        ...


class LauncherLike(Protocol):
    """A source of launches: the Launcher of this module, or the one of bench.launch.fake. A context manager."""

    @property
    def folder(self) -> Path:
        """A temporary folder that is removed with the launcher."""
        ...

    def warm(self, cases: Iterable[Case]) -> None:
        """Prepare the launches of all these cases: import their frameworks."""
        ...

    def launch(self, case: Case, dedicated_zygote: bool = False) -> tuple[WorkerLike, float]:
        """A launch of the case, and its start time in seconds; `dedicated_zygote`: own zygote. Or LaunchFailed."""
        ...

    def zygotes(self, cases: Iterable[Case]) -> int:
        """Number of zygotes that these cases are forked from."""
        ...

    def first(self, pids: Collection[int]) -> int:
        """Wait until one of these launches, each with a request, has answered, ended or reached its time limit."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


@dataclass(frozen=True)
class ZygoteKey:
    """Interpreter, imports and environment of a zygote; contestants with equal keys share a zygote."""

    interpreter: Interpreter
    modules: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]


class Launcher:
    """Forks workers from one zygote per interpreter, set of modules and environment; a context manager.

    A zygote that has died is replaced at the next launch. `time_limit`: seconds per request. `fresh`: every launch has
    its own zygote. On the CPU, GPUs are hidden from launches. `environment`: variables of all launches, besides those
    of their settings. `budget`: seconds from now, soon after which waiting for answers ends. `logs`: keeps the logs of
    failed launches.
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
        self._import_limit = GPU_IMPORT_LIMIT if is_card(device) else IMPORT_LIMIT
        self._logs = logs or Logs()
        self._device = device
        self._interpreters = interpreters or {}
        self._fresh = fresh
        self._zygotes: dict[ZygoteKey, Zygote] = {}
        self._workers: list[Worker] = []
        self._begun = self._launches = 0
        remove_stale_scratch()
        self._folder, self._lock = locked_folder()

    @property
    def folder(self) -> Path:
        """A temporary folder that is removed with the launcher."""
        return Path(self._folder.name)

    def warm(self, cases: Iterable[Case]) -> None:
        """Start the zygotes of all cases at once, and wait until all have imported their framework."""
        for case in cases if not self._fresh else ():
            with contextlib.suppress(LaunchFailed):  # the next launch reports it
                self._zygote(case)
        for zygote in self._zygotes.values():
            with contextlib.suppress(LaunchFailed):
                zygote.await_import()

    def launch(self, case: Case, dedicated_zygote: bool = False) -> tuple[Worker, float]:
        """A fresh worker for the case, and the seconds to start it; `dedicated_zygote`: forked from its own zygote."""
        start, last = now(), dedicated_zygote or self._fresh
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
        self._workers = [*(earlier for earlier in self._workers if earlier.is_open), worker]
        return worker, seconds

    def zygotes(self, cases: Iterable[Case]) -> int:
        """Number of zygotes that these cases are forked from; cases with equal keys share one."""
        keys = [self._key(case) for case in cases]
        return len(keys if self._fresh else set(keys))

    def first(self, pids: Collection[int]) -> int:
        """Wait until one of these launches, each with a request, has answered, ended or reached its time limit."""
        waiting = [worker for worker in self._workers if worker.pid in pids]
        soonest = min(waiting, key=lambda worker: worker.deadline)
        ready, _, _ = select.select(waiting, [], [], max(soonest.deadline - now(), 0.0))
        return (ready[0] if ready else soonest).pid

    def _key(self, case: Case) -> ZygoteKey:
        framework = load_framework(case.contestant.framework)
        execution = framework.execution(case.contestant.execution)
        variables = settings.environment_for_case(case, self._asked)
        case_environment = filled(variables, str(self.folder), self._device)
        shell = settings.inherited(case.contestant.setting, self._shell)
        environment = {**shell, **case_environment, **nvidia.environment(self._device, case.workload.devices)}
        interpreter = interpreter_of(case.contestant, self._interpreters)
        return ZygoteKey(interpreter, (*framework.preload, *execution.preload), tuple(sorted(environment.items())))

    def _zygote(self, case: Case, dedicated_zygote: bool = False) -> Zygote:
        """The case's zygote, started when it is first needed."""
        key = self._key(case)
        if dedicated_zygote:
            return self._begin(key)
        if key in self._zygotes and self._zygotes[key].dead:
            self._zygotes.pop(key).close()
        if key not in self._zygotes:
            self._zygotes[key] = self._begin(key)
        return self._zygotes[key]

    def _begin(self, key: ZygoteKey) -> Zygote:
        self._begun += 1
        log = self.folder / f"zygote-{self._begun}.log"
        environment = dict(key.environment)
        return Zygote(key.interpreter, key.modules, environment, log, self._limit, self._logs, self._import_limit)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:  # an interrupt may have come before a caller's `with` took them over
            with worker:
                pass
        for zygote in self._zygotes.values():
            zygote.close()
        self._lock.close()
        self._folder.cleanup()
