"""A block: one launch of every contestant of a group, alive together, taking turns in random order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from bench.launcher import Launcher, LaunchFailed, Worker
from bench.suites import Suite
from results.record import Case, Contestant, Parity, Record, Status, Workload

Thing = TypeVar("Thing")


@dataclass
class _Launch:
    """What is known of a launch so far."""

    case: Case
    started: str
    worker: Worker | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    settling: list[float] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    failure: LaunchFailed | None = None


@dataclass(frozen=True)
class Block:
    """A block to be run: a workload, the contestants that are alive together, and which launch this is."""

    workload: Workload
    contestants: tuple[Contestant, ...]
    launch: int
    subset: int
    weights: Path

    def run(self, launcher: Launcher, suite: Suite, parity: dict[Contestant, Parity]) -> list[Record]:
        """One record for each contestant, whatever happens to it."""
        order = random.Random(f"{suite.seed}/{self.workload.id}/{self.launch}/{self.subset}")
        with ExitStack() as alive:
            launches = [
                self._prepared(launcher, suite, contestant, alive) for contestant in _shuffled(order, self.contestants)
            ]
            self._take_turns(launches, suite, order)
            for launch in launches:
                _finish(launch)
        launches.sort(key=lambda launch: self.contestants.index(launch.case.contestant))
        return [self._record(launch, parity.get(launch.case.contestant)) for launch in launches]

    def _prepared(self, launcher: Launcher, suite: Suite, contestant: Contestant, alive: ExitStack) -> _Launch:
        launch = _Launch(Case(self.workload, contestant), datetime.now(UTC).isoformat(timespec="seconds"))
        try:
            worker, start_seconds = launcher.launch(contestant)
            launch.worker = alive.enter_context(worker)
            launch.facts["start_seconds"] = start_seconds
            launch.facts |= worker.ask(
                "prepare",
                workload=asdict(self.workload),
                contestant=asdict(contestant),
                weights=str(self.weights),
                seed=self.launch,
                round_seconds=suite.round_seconds,
                warmup_seconds=suite.warmup_seconds,
            )
        except LaunchFailed as failure:
            launch.failure = failure
        return launch

    def _take_turns(self, launches: Sequence[_Launch], suite: Suite, order: random.Random) -> None:
        place = 0
        for _ in range(suite.turns):
            for launch in _shuffled(order, launches):
                if launch.failure is None and launch.worker is not None:
                    _turn(launch, suite.rounds, place)
                    place += 1

    def _record(self, launch: _Launch, parity: Parity | None) -> Record:
        failure = launch.failure
        record = Record(
            case=launch.case,
            launch=self.launch,
            subset=self.subset,
            status=failure.status if failure else Status.MEASURED,
            reason=failure.reason if failure else "",
            seconds=() if failure else tuple(launch.seconds),
            settling=tuple(launch.settling),
            turns=tuple(launch.turns),
            started=launch.started,
            parity=parity,
        )
        return replace(record, **_tuples(launch.facts))


def _turn(launch: _Launch, rounds: int, place: int) -> None:
    assert launch.worker is not None
    try:
        answer = launch.worker.ask("turn", rounds=rounds)
        launch.settling.append(answer["settling"])
        launch.seconds += answer["seconds"]
        launch.turns.append(place)
    except LaunchFailed as failure:
        launch.failure = failure


def _finish(launch: _Launch) -> None:
    if launch.failure is not None or launch.worker is None:
        return
    try:
        if not launch.worker.ask("finish")["finite"]:
            launch.failure = LaunchFailed(Status.FAILED, "computed NaN or infinity")
    except LaunchFailed as failure:
        launch.failure = failure


def _shuffled(order: random.Random, things: Sequence[Thing]) -> list[Thing]:
    return order.sample(things, len(things))


def _tuples(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
