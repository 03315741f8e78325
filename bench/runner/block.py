"""A block: one launch of every contestant of a group, run concurrently, with turns in random order."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from bench.launch.launcher import LauncherLike, WorkerLike
from bench.launch.process import LaunchFailed
from bench.plan.suite import Suite
from bench.runner import usage
from bench.worker.messages import CheckOutputs, Load, Loaded, RunTurn, WarmUp
from results import words
from results.schema.record import Case, Conditions, Contestant, Record, Status, Usage, Workload

T = TypeVar("T")


@dataclass
class _Launch:
    """Results of a launch so far."""

    case: Case
    started: str
    worker: WorkerLike | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    device_seconds: list[float] = field(default_factory=list)
    settling: list[float] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    conditions: list[Conditions] = field(default_factory=list)
    usage: Usage | None = None
    failure: LaunchFailed | None = None


@dataclass(frozen=True)
class Block:
    """A block to run: a workload, the contestants that run concurrently, and the launch number.

    `attempt`: number of earlier, contaminated runs of the block. `isolated`: contestants with a dedicated zygote.
    """

    workload: Workload
    contestants: tuple[Contestant, ...]
    launch: int
    subset: int
    weights: Path
    attempt: int = 0
    isolated: frozenset[Contestant] = frozenset()

    def run(
        self,
        launcher: LauncherLike,
        suite: Suite,
        known: Mapping[Contestant, Mapping[str, Any]],
        used: Mapping[Contestant, Usage],
    ) -> list[Record]:
        """Run the block; returns one record per contestant, also for failures.

        `known`: fields of a contestant's record from earlier steps. `used`: usage that is not measured again.
        """
        order = random.Random(f"{suite.seed}/{self.workload.id}/{self.launch}/{self.subset}/{self.attempt}")
        with ExitStack() as alive:
            launches = [
                self._launched(launcher, contestant, alive) for contestant in _shuffled(order, self.contestants)
            ]
            for launch in launches:
                _attempt(launch, _load)
            for launch in launches:
                _attempt(launch, partial(_warm_up, suite=suite))
            places = itertools.count()
            for _ in range(suite.turns):
                for launch in _shuffled(order, launches):
                    _attempt(launch, partial(_run_turn, suite=suite, places=places))
            for launch in launches:
                _attempt(launch, _check_outputs)
            pids = frozenset(launch.worker.pid for launch in launches if launch.worker)
            for launch in launches:  # one at a time; the others are idle
                already = used.get(launch.case.contestant, Usage())
                _attempt(launch, partial(_measure_usage, already=already, sustained=suite.sustained, pids=pids))
        launches.sort(key=lambda launch: self.contestants.index(launch.case.contestant))
        return [self._record(launch, known.get(launch.case.contestant, {})) for launch in launches]

    def _launched(self, launcher: LauncherLike, contestant: Contestant, alive: ExitStack) -> _Launch:
        """Start a launch that builds its model. A block's launches build at once, so that time is only indicative."""
        launch = _Launch(Case(self.workload, contestant), datetime.now(UTC).isoformat(timespec="seconds"))
        try:
            worker, start_seconds = launcher.launch(launch.case, contestant in self.isolated)
        except LaunchFailed as failure:
            launch.failure = failure
            return launch
        launch.worker = alive.enter_context(worker)
        launch.facts["start_seconds"] = start_seconds
        worker.send(Load(launch.case, str(self.weights), seed=self.launch))
        return launch

    def _record(self, launch: _Launch, known: Mapping[str, Any]) -> Record:
        failure = launch.failure
        return Record(
            case=launch.case,
            launch=self.launch,
            subset=self.subset,
            attempt=self.attempt,
            status=failure.status if failure else Status.MEASURED,
            reason=failure.reason if failure else "",
            log=failure.log if failure else "",
            seconds=() if failure else tuple(launch.seconds),
            device_seconds=() if failure else tuple(launch.device_seconds),
            settling=tuple(launch.settling),
            turns=tuple(launch.turns),
            conditions=_joined(launch.conditions),
            started=launch.started,
            usage=launch.usage,
            **{**known, **launch.facts},
        )


def _attempt(launch: _Launch, part: Callable[[_Launch, WorkerLike], None]) -> None:
    """Run a part of a launch unless an earlier part failed; a failure is kept with the launch."""
    if launch.failure is not None or launch.worker is None:
        return
    try:
        part(launch, launch.worker)
    except LaunchFailed as failure:
        launch.failure = failure


def _load(launch: _Launch, worker: WorkerLike) -> None:
    launch.facts["build_seconds"] = worker.receive(Loaded).build_seconds


def _warm_up(launch: _Launch, worker: WorkerLike, suite: Suite) -> None:
    least = suite.least_round(launch.case.workload.device)
    answer = worker.ask(WarmUp(least, suite.warmup_seconds, suite.warmup_limit))
    launch.facts |= {
        "first_call_seconds": answer.first_call_seconds,
        "warmup": answer.warmup,
        "warmup_converged": answer.warmup_converged,
        "pinned_threads": answer.pinned_threads,
        "steps": answer.steps,
    }


def _run_turn(launch: _Launch, worker: WorkerLike, suite: Suite, places: Iterator[int]) -> None:
    answer = worker.ask(RunTurn(suite.rounds, suite.max_turn_seconds))
    launch.settling.append(answer.settling)
    launch.seconds += answer.seconds
    launch.device_seconds += answer.device_seconds
    launch.turns.append(next(places))
    launch.conditions.append(answer.conditions)


def _check_outputs(launch: _Launch, worker: WorkerLike) -> None:
    end = worker.ask(CheckOutputs())
    if not end.finite:
        raise worker.failed(Status.FAILED, "computed NaN or infinity")
    if end.fallback and not launch.case.workload.stream:  # a stream is allowed to fall back, and records it
        raise worker.failed(Status.FAILED, end.fallback)
    launch.facts |= {"compilations": end.compilations, "fallback": end.fallback}


def _measure_usage(launch: _Launch, worker: WorkerLike, already: Usage, sustained: float, pids: frozenset[int]) -> None:
    """Measure memory and meters. The times are complete: a failure here is the reason for missing usage only."""
    queries = usage.queries_for(worker, launch.case, sustained, pids, already)
    measured = Usage()
    try:
        for query in queries:
            measured |= query.ask()
    except LaunchFailed as failure:
        log = f" (log: {failure.log})" if failure.log else ""
        reason = f"after its rounds: {words.status(failure.status, failure.reason)}{log}"
        names = {name for query in queries for name in query.names}
        measured |= Usage(missing=dict.fromkeys(sorted(names - measured.names), reason))
    launch.usage = measured if queries else None


def _shuffled(order: random.Random, items: Sequence[T]) -> list[T]:
    return order.sample(items, len(items))


def _joined(turns: Sequence[Conditions]) -> Conditions | None:
    """The conditions of all rounds of these turns, in their order; None if there was no turn."""
    if not turns:
        return None
    rounds = [field.name for field in fields(Conditions) if field.name != "cores"]
    return Conditions(turns[-1].cores, **{name: sum((getattr(turn, name) for turn in turns), ()) for name in rounds})
