"""One launch of a contestant: a process that builds a network once and runs its phases in turns.

The process ends with a request that fails. The case of that request gets the failure; the phases that have run no turn
yet go on in another process, without it, and those that have keep their rounds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence, Set
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from bench.launch.launcher import LauncherLike, WorkerLike
from bench.launch.process import LaunchFailed
from bench.plan.suite import Suite
from bench.runner import usage
from bench.scheduling.parts import BUILD, FIRST_CALL, METERS, OTHER, ROUNDS, SETTLING, WARM_UP, PartTimes
from bench.worker.messages import Called, CheckOutputs, FirstCall, Load, Loaded, MeasureLatency, RunTurn, WarmUp
from bench.worker.warmup import LEAST, LEAST_ON_CARD
from impls.frameworks import is_card
from results import words
from results.schema.record import CardConditions, Case, Conditions, Contestant, Latency, Status, Usage
from results.stats.percentiles import percentiles


class TimedFirstCall(StrEnum):
    """First calls whose time is recorded, by the field of a record that has it."""

    COLD = "first_call_seconds"
    CACHED = "cached_first_call_seconds"


@dataclass
class PhaseRun:
    """What a launch of a case has given so far; `already`: usage that is not measured again."""

    case: Case
    already: Usage
    started: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    called: bool = False  # its first call has been made in the present process
    warm: bool = False
    seconds: list[float] = field(default_factory=list)
    device_seconds: list[float] = field(default_factory=list)
    settling: list[float] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    conditions: list[Conditions] = field(default_factory=list)
    usage: Usage | None = None
    failure: LaunchFailed | None = None
    card: list[CardConditions] = field(default_factory=list)

    @property
    def phase(self) -> str:
        return self.case.workload.phase

    @property
    def has_failed(self) -> bool:
        return self.failure is not None

    def add_usage(self, measured: Usage) -> None:
        self.usage = (self.usage or Usage()) | measured


@dataclass
class ContestantLaunch:
    """A contestant's launch. `dedicated_zygote` as in LauncherLike.launch; `weights`: a folder; `seed`: of dropout.

    `timed`: the field of a record that gets the seconds of each phase's first call; None if they are not recorded.
    `read_card`: gives what the card does now; None if it computes on the CPU.
    """

    contestant: Contestant
    runs: Sequence[PhaseRun]
    launcher: LauncherLike
    suite: Suite
    weights: Path
    seed: int
    alive: ExitStack
    parts: PartTimes
    dedicated_zygote: bool = False
    timed: TimedFirstCall | None = None
    worker: WorkerLike | None = None
    _process: ExitStack = field(default_factory=ExitStack)  # ends the process of `worker`
    read_card: Callable[[], CardConditions | None] = lambda: None

    def order(self, order: random.Random) -> list[PhaseRun]:
        """The phases in random order; in their own as long as the memory of one is to be measured."""
        measured = all(usage.MEMORY & run.already.names for run in self.runs)
        return order.sample(self.runs, len(self.runs)) if measured else list(self.runs)

    def start(self) -> None:
        """Start the process, which then builds its model. A block's launches build concurrently."""
        started, waiting = datetime.now(UTC).isoformat(timespec="seconds"), self._waiting()
        for run in waiting:
            run.started = started
        try:
            worker, seconds = self.launcher.launch(waiting[0].case, self.dedicated_zygote)
        except LaunchFailed as failure:
            self._end(waiting, failure)
            return
        self._process = self.alive.enter_context(ExitStack())
        self.worker = self._process.enter_context(worker)
        for run in waiting:
            run.facts["start_seconds"] = seconds
        case = waiting[0].case
        copies = self.suite.largest_batch and is_card(case.workload.device)
        cold = self.suite.compiles_anew(case.workload.device)
        worker.send(Load(case, str(self.weights), self.seed, cold=cold, copies=copies))

    def await_model(self) -> None:
        """Wait until the model is built and its weights are loaded."""
        if self.worker is None:
            return
        waiting = self._waiting()
        try:
            built = self.worker.receive(Loaded).build_seconds
        except LaunchFailed as failure:
            self._end(waiting, failure)
            return
        for run in waiting:
            run.facts["build_seconds"] = built

    def send_first_call(self, run: PhaseRun) -> int | None:
        """Start the first call of a phase without waiting. Returns the process's id; None if the call is not due."""
        if self.worker is None or run.has_failed or run.called:
            return None
        self.worker.send(FirstCall(run.phase))
        return self.worker.pid

    def await_first_call(self, run: PhaseRun) -> None:
        """Wait for the first call. Another one, in a process that takes over, finds compiled code."""

        def receive(worker: WorkerLike) -> None:
            seconds = worker.receive(Called).first_call_seconds
            run.called = True
            if self.timed:
                run.facts.setdefault(self.timed.value, seconds)

        self._attempt(run, receive)

    def first_call(self, run: PhaseRun) -> None:
        if self.send_first_call(run) is not None:
            self.await_first_call(run)

    def warm_up(self, run: PhaseRun) -> None:
        """Warm a phase up, then measure its memory unless that is known."""
        if not run.called or run.warm or run.has_failed:
            return
        with self.parts.of(WARM_UP):
            self._attempt(run, lambda worker: self._warmed_up(run, worker))
        if run.warm:
            with self.parts.of(OTHER):
                self._measure(run, usage.memory_queries)

    def _warmed_up(self, run: PhaseRun, worker: WorkerLike) -> None:
        device, suite = run.case.workload.device, self.suite
        steps = LEAST_ON_CARD if is_card(device) else LEAST
        request = WarmUp(run.phase, suite.least_round(device), suite.warmup_seconds, suite.warmup_limit, steps)
        answer = worker.ask(request)
        run.warm = True
        run.facts |= {
            "warmup": answer.warmup,
            "warmup_converged": answer.warmup_converged,
            "pinned_threads": answer.pinned_threads,
            "steps": answer.steps,
        }

    def run_turn(self, run: PhaseRun, place: int) -> None:
        """Run a turn of a phase; `place`: number of earlier turns in the block."""
        if not run.warm or run.has_failed:
            return
        with self.parts.of(OTHER):
            self._attempt(run, lambda worker: self._ran_turn(run, worker, place))

    def _ran_turn(self, run: PhaseRun, worker: WorkerLike, place: int) -> None:
        turn = worker.ask(RunTurn(run.phase, self.suite.rounds, self.suite.max_turn_seconds))
        card = self.read_card()  # before the outputs are checked, while the card is as the rounds have left it
        steps = run.facts["steps"]
        self.parts.move(sum(turn.settling) * steps, OTHER, SETTLING)
        self.parts.move(sum(turn.seconds) * steps, OTHER, ROUNDS)
        end = worker.ask(CheckOutputs(run.phase))
        if not end.finite:
            raise worker.failed(Status.FAILED, "computed NaN or infinity")
        if end.fallback and not run.case.workload.stream:  # a stream is allowed to fall back, and records it
            raise worker.failed(Status.FAILED, end.fallback)
        run.facts |= {"compilations": end.compilations, "fallback": end.fallback}
        run.settling.append(turn.settling[-1])
        run.seconds += turn.seconds
        run.device_seconds += turn.device_seconds
        run.turns.append(place)
        run.conditions.append(turn.conditions)
        run.card += [card] if card else []

    def measure_latency(self) -> None:
        """Time single steps of each phase that has run its turns. A failure is the reason why there are none."""
        if not self.suite.latency:
            return
        for run in self.runs:
            if run.turns and not run.has_failed:
                with self.parts.of(OTHER):
                    run.facts["latency"] = self._latency(run)

    def _latency(self, run: PhaseRun) -> Latency:
        if self.worker is None:
            return Latency(0, reason="its process had ended")
        try:
            answer = self.worker.ask(MeasureLatency(run.phase, self.suite.latency_steps, self.suite.latency))
        except LaunchFailed as failure:
            self._go_on()
            return Latency(0, reason=words.status(failure.status, failure.reason))
        return Latency(len(answer.seconds), percentiles(answer.seconds), answer.conditions)

    def run_meters(self, pids: Set[int]) -> None:
        """Read the meters during a sustained run of each phase, unless they are known. `pids`: of the whole block.

        A phase whose process has ended is left to the next launch.
        """
        others = pids - {self.worker.pid} if self.worker else pids
        for run in self.runs:
            if run.turns and run.warm and not run.has_failed:
                with self.parts.of(METERS):
                    self._measure(run, partial(usage.meter_queries, seconds=self.suite.sustained, others=others))

    def _measure(self, run: PhaseRun, queries_for: Callable[[WorkerLike, Case, Usage], Sequence[usage.Query]]) -> None:
        """Measure usage. A failure is the reason for missing usage only: another process takes over."""
        if self.worker is None:
            return
        for query in queries_for(self.worker, run.case, run.already):
            try:
                run.add_usage(query.ask())
            except LaunchFailed as failure:
                log = f" (log: {failure.log})" if failure.log else ""
                reason = f"{words.status(failure.status, failure.reason)}{log}"
                run.add_usage(Usage(missing=dict.fromkeys(sorted(query.names), reason)))
                run.already |= run.usage or Usage()
                self._go_on()
                return

    def _attempt(self, run: PhaseRun, part: Callable[[WorkerLike], None]) -> None:
        """Run a part of a launch; a failure is kept with the run, and the other phases go on without it."""
        if self.worker is None:
            return
        try:
            part(self.worker)
        except LaunchFailed as failure:
            run.failure = failure
            self._go_on()

    def _go_on(self) -> None:
        """End the process, and start another one for the phases that have run no turn."""
        self._process.close()
        self.worker = None
        for run in self.runs:
            run.called = run.warm = False
        if not self._waiting():
            return
        with self.parts.of(BUILD):
            self.start()
            self.await_model()
        for run in self._waiting():
            with self.parts.of(FIRST_CALL):
                self.first_call(run)
            self.warm_up(run)

    def _waiting(self) -> list[PhaseRun]:
        """The phases that have neither failed nor run a turn."""
        return [run for run in self.runs if not run.has_failed and not run.turns]

    def _end(self, runs: Sequence[PhaseRun], failure: LaunchFailed) -> None:
        self._process.close()
        self.worker = None
        for run in runs:
            run.failure = failure


def joined(turns: Sequence[Conditions]) -> Conditions | None:
    """The conditions of all rounds of these turns, in their order; None if there was no turn."""
    if not turns:
        return None
    rounds = [one.name for one in fields(Conditions) if one.name != "cores"]
    return Conditions(turns[-1].cores, **{name: sum((getattr(turn, name) for turn in turns), ()) for name in rounds})
