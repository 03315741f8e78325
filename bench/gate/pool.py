"""Answers of launches in which nothing is timed: as many run at a time as cores and memory allow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from bench.cost import colocation
from bench.cost.memory import HOST_BYTES
from bench.launch.launcher import LauncherLike, WorkerLike
from bench.launch.process import LaunchFailed
from bench.worker.messages import Answer, Request
from impls.frameworks import is_card
from impls.host import nvidia
from results.schema.record import Case, Status


@dataclass(frozen=True, eq=False)
class Job:
    """A launch of `case`, its requests in order, and the bytes that it needs.

    `requests` are made when the job starts, in the controller. `urgent`: it starts before others and even after the
    pool's deadline.
    """

    case: Case
    requests: Callable[[], Sequence[Request[Any]]]
    needed: int
    urgent: bool = False


@dataclass(frozen=True)
class Outcome:
    """The answers to a job's first requests; `failure` is why there are no more, if some are missing.

    `on_card`: whether the driver listed its process among those that compute on the card, once it had given all
    answers; None where the driver does not tell, and on the CPU.
    """

    answers: tuple[Answer, ...]
    failure: LaunchFailed | None = None
    on_card: bool | None = None


@dataclass
class _Running:
    job: Job
    worker: WorkerLike
    pending: deque[Request[Any]]
    answers: list[Answer] = field(default_factory=list)
    in_company: bool = False  # another job ran beside it


class Pool:
    """Runs jobs in the order of submission, several at a time; a context manager, which ends what still runs.

    memory: bytes for the running jobs and their zygotes, on the device; one job runs even if it needs more, and one
    that ran out of memory in company runs again, alone. host: bytes of the host's memory, of which each job on a card
    takes HOST_BYTES. concurrent: most launches at a time. may_start: asked before each job that is not urgent.
    """

    def __init__(
        self,
        launcher: LauncherLike,
        memory: int,
        host: int,
        concurrent: int,
        may_start: Callable[[], bool] = lambda: True,
    ):
        self._launcher, self._memory, self._host = launcher, memory, host
        self._concurrent, self._may_start = concurrent, may_start
        self._waiting: deque[Job] = deque()
        self._running: dict[int, _Running] = {}
        self._outcomes: dict[Job, Outcome] = {}
        self._alone: set[Job] = set()

    def submit(self, jobs: Sequence[Job]) -> None:
        """Queue jobs; they run while outcomes are waited for."""
        self._waiting.extend(job for job in jobs if not job.urgent)
        self._waiting.extendleft(reversed([job for job in jobs if job.urgent]))

    def outcome(self, job: Job) -> Outcome | None:
        """The outcome of a submitted job, once it has ended; None if it may not start any more."""
        while job not in self._outcomes and self._proceed():
            pass
        return self._outcomes.get(job)

    def _proceed(self) -> bool:
        """Start the next job or take the next answer; False if there is nothing to do."""
        if self._waiting and self._can_start(self._waiting[0]):
            self._start(self._waiting.popleft())
            return True
        if self._running:
            self._take(self._running[self._launcher.first(self._running.keys())])
            return True
        return False

    def _can_start(self, job: Job) -> bool:
        jobs = [job, *(one.job for one in self._running.values())]
        if len(jobs) > 1 and self._alone.intersection(jobs):
            return False
        if not (job.urgent or job in self._alone or self._may_start()):
            return False
        return len(jobs) == 1 or (len(jobs) <= self._concurrent and self._fit(jobs))

    def _fit(self, jobs: Sequence[Job]) -> bool:
        """Whether jobs fit into memory side by side; on a card, into the host's as well."""
        device = jobs[0].case.workload.device
        zygotes = colocation.zygotes_on(device, self._launcher.zygotes(one.case for one in jobs))
        needed = sum(one.needed for one in jobs) + colocation.ZYGOTE_BYTES * zygotes
        return needed <= self._memory and (not is_card(device) or len(jobs) * HOST_BYTES <= self._host)

    def _start(self, job: Job) -> None:
        try:
            worker, _ = self._launcher.launch(job.case)
        except LaunchFailed as failure:
            self._outcomes[job] = Outcome((), failure)
            return
        running = self._running[worker.pid] = _Running(job, worker, deque())
        for one in self._running.values() if len(self._running) > 1 else ():
            one.in_company = True
        running.pending.extend(job.requests())
        worker.send(running.pending[0])

    def _take(self, running: _Running) -> None:
        """The answer to the request that was sent; then the next request is sent, or the launch ended."""
        try:
            running.answers.append(running.worker.receive(running.pending.popleft().answer_type()))
        except LaunchFailed as failure:
            self._end(running, failure)
            return
        if running.pending:
            running.worker.send(running.pending[0])
        else:
            self._end(running)

    def _end(self, running: _Running, failure: LaunchFailed | None = None) -> None:
        job = running.job
        on_card = self._is_on_card(running) if is_card(job.case.workload.device) and not failure else None
        del self._running[running.worker.pid]
        with running.worker:
            if failure and failure.status is Status.OUT_OF_MEMORY and running.in_company:
                self._alone.add(job)
                self._waiting.appendleft(job)
            else:
                self._outcomes[job] = Outcome(tuple(running.answers), failure, on_card)

    def _is_on_card(self, running: _Running) -> bool | None:
        """Whether the driver lists a launch on the card.

        Where it knows processes by other ids, as in a container: as many processes as launches that have answered.
        """
        listed = nvidia.process_ids()
        if listed is None:
            return None
        answered = [pid for pid, one in self._running.items() if one.answers]
        return running.worker.pid in listed or (listed.isdisjoint(self._running) and len(listed) >= len(answered))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for running in self._running.values():
            with running.worker:
                pass
        self._running.clear()
