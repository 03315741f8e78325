"""A block: one launch of every contestant of a network, run concurrently, with turns of all phases in random order."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from bench.clock import now
from bench.launch.launcher import LauncherLike
from bench.machine import card as cards
from bench.machine.card import CardWatch
from bench.plan.suite import Suite
from bench.runner.contestant_launch import ContestantLaunch, PhaseRun, TimedFirstCall, joined
from bench.scheduling.ledger import Group
from bench.scheduling.parts import BUILD, FIRST_CALL, PartTimes
from impls.frameworks import PHASES
from results.schema.record import CardConditions, Case, Contestant, Record, Status, Usage

T = TypeVar("T")


@dataclass(frozen=True)
class Block:
    """A block to run: the cases that run concurrently, the launch number, and the number of turns of each phase.

    `attempt`: number of earlier, contaminated runs of the block. `isolated`: contestants with a dedicated zygote.
    `cold`: contestants whose compiled code is on no disk yet; their first calls are made one at a time and timed.
    `reusing`: contestants whose first calls are the first ones that can find compiled code; they are timed, too.
    `first_launch`: launches that other machines make of the same network, whose orders and seeds are not repeated.
    """

    group: Group
    launch: int
    subset: int
    turns: int
    weights: Path
    attempt: int = 0
    isolated: frozenset[Contestant] = frozenset()
    cold: frozenset[Contestant] = frozenset()
    first_launch: int = 0
    reusing: frozenset[Contestant] = frozenset()

    @property
    def number(self) -> int:
        """The launch's number among those of all machines that measure the campaign."""
        return self.first_launch + self.launch

    def run(
        self,
        launcher: LauncherLike,
        suite: Suite,
        known: Mapping[Case, Mapping[str, Any]],
        used: Mapping[Case, Usage],
        clock: Callable[[], float] = now,
        card: CardWatch | None = None,
    ) -> list[Record]:
        """Run the block; returns one record per case, also for failures.

        `known`: fields of a case's record from earlier steps. `used`: usage that is not measured again. `card`: the
        card that is asked after each turn.
        """
        order = random.Random(f"{suite.seed}/{self.group.id}/{self.number}/{self.subset}/{self.attempt}")
        parts = PartTimes(clock)

        def read_card() -> CardConditions | None:
            return card.read({launch.worker.pid for launch in launches if launch.worker}) if card else None

        with ExitStack() as alive:
            launches = [
                ContestantLaunch(
                    contestant, self._runs(contestant, used), launcher, suite, self.weights, self.number, alive, parts,
                    contestant in self.isolated, self._timed(contestant), read_card=read_card,
                )
                for contestant in _shuffled(order, self.group.contestants)
            ]  # fmt: skip
            with parts.of(BUILD):
                for launch in launches:
                    launch.start()
                for launch in launches:
                    launch.await_model()
            self._warm_up(launches, order, parts, launcher)
            self._run_turns(launches, order)
            for launch in launches:  # one at a time; the others are idle
                launch.measure_latency()
            pids = frozenset(launch.worker.pid for launch in launches if launch.worker)
            for launch in launches:  # one at a time; the others are idle
                launch.run_meters(pids)
        runs = {run.case: run for launch in launches for run in launch.runs}
        records = [self._record(runs[case], known.get(case, {})) for case in self.group.cases]
        return [replace(records[0], block_seconds=parts.seconds()), *records[1:]]

    def _timed(self, contestant: Contestant) -> TimedFirstCall | None:
        if contestant in self.cold:
            return TimedFirstCall.COLD
        return TimedFirstCall.CACHED if contestant in self.reusing else None

    def _runs(self, contestant: Contestant, used: Mapping[Case, Usage]) -> list[PhaseRun]:
        cases = [case for case in self.group.cases if case.contestant == contestant]
        cases.sort(key=lambda case: PHASES.index(case.workload.phase))  # type: ignore[arg-type]
        return [PhaseRun(case, used.get(case, Usage())) for case in cases]

    def _warm_up(
        self, launches: Sequence[ContestantLaunch], order: random.Random, parts: PartTimes, launcher: LauncherLike
    ) -> None:
        """First calls and warm-up of all phases.

        Those that are timed are made one at a time. The phases then come in the order of their memory, which is
        measured on the way: a phase would otherwise be charged what a larger one has left behind. The others make their
        first calls concurrently, and in random order unless their memory is still to be measured.
        """
        for launch in launches:
            for run in launch.runs if launch.timed else ():
                with parts.of(FIRST_CALL):
                    launch.first_call(run)
                launch.warm_up(run)
        warm = [(launch, launch.order(order)) for launch in launches if not launch.timed]
        with parts.of(FIRST_CALL):
            _call_concurrently(launcher, warm)
        for launch, runs in warm:
            for run in runs:
                launch.warm_up(run)

    def _run_turns(self, launches: Sequence[ContestantLaunch], order: random.Random) -> None:
        """Turns in random order: each phase's turns of all contestants are neighbours in time, as ratios pair them."""
        phases = list(dict.fromkeys(case.workload.phase for case in self.group.cases))
        places = itertools.count()
        for _ in range(self.turns):
            for phase in _shuffled(order, phases):
                for launch in _shuffled(order, launches):
                    for run in launch.runs:
                        if run.phase == phase:
                            launch.run_turn(run, next(places))

    def _record(self, run: PhaseRun, known: Mapping[str, Any]) -> Record:
        failure = run.failure
        return Record(
            case=run.case,
            launch=self.launch,
            subset=self.subset,
            attempt=self.attempt,
            status=failure.status if failure else Status.MEASURED,
            reason=failure.reason if failure else "",
            log=failure.log if failure else "",
            seconds=() if failure else tuple(run.seconds),
            device_seconds=() if failure else tuple(run.device_seconds),
            settling=tuple(run.settling),
            turns=tuple(run.turns),
            conditions=joined(run.conditions),
            started=run.started,
            usage=run.usage,
            card=cards.joined(run.card),
            **{**known, **run.facts},
        )


def _shuffled(order: random.Random, items: Sequence[T]) -> list[T]:
    return order.sample(items, len(items))


def _call_concurrently(launcher: LauncherLike, launches: Iterable[tuple[ContestantLaunch, Iterable[PhaseRun]]]) -> None:
    """First calls of several launches at once, which are not timed: each makes its next one when its last has ended."""
    running: dict[int, tuple[ContestantLaunch, PhaseRun, Iterator[PhaseRun]]] = {}

    def call_next(launch: ContestantLaunch, due: Iterator[PhaseRun]) -> None:
        for run in due:
            if (pid := launch.send_first_call(run)) is not None:
                running[pid] = launch, run, due
                return

    for launch, runs in launches:
        call_next(launch, iter(runs))
    while running:
        launch, run, due = running.pop(launcher.first(running))
        launch.await_first_call(run)
        call_next(launch, due)
