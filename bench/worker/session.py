"""A loaded contestant in its process: first calls, warm-up, turns, latency, memory and sustained runs of its phases."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bench.clock import now, time_round
from bench.machine.affinity import bind_computing, running_times
from bench.machine.interference import Watch, used_by
from bench.machine.resident import Resident
from bench.worker.messages import (
    Answer,
    Called,
    CheckOutputs,
    FirstCall,
    LatencyMeasured,
    MeasureLatency,
    MeasureMemory,
    MemoryMeasured,
    OutputsChecked,
    PhaseRequest,
    RunTurn,
    SustainedRun,
    SustainedRunDone,
    TurnRun,
    WarmedUp,
    WarmUp,
)
from bench.worker.warmup import steps_of_round, warm_up
from impls.frameworks import Allocated, Model
from results.schema.record import Conditions

GROWTH_BYTES = 2**20
"""Resident memory that is larger by this has grown, unless the system gives as much in a negligible part of a round."""
NEW_BYTES_PER_SECOND = 1e9
"""New pages that the system gives a process, at the slowest observed."""
NEGLIGIBLE = 0.01
"""Fraction of a round's time that new pages may take."""
MOST_SETTLING = 6
"""Unrecorded rounds of a turn, at most: memory that grows forever must not take all the time."""
UNTIMED_STEPS, UNTIMED_SHARE = 10, 0.1
"""Single steps before those of the latency, at most, and the share of its time that they may take: the first ones
refill caches after the turns of other contestants."""


@dataclass
class PhaseState:
    """A phase of a loaded model: its step, the number of steps per round, and what its calls have compiled."""

    step: Callable[[], Any]
    steps: int = 1
    compilations: int = 0


@dataclass
class Growth:
    """Growth of the process's memory. `largest`: the largest resident memory after a round, in bytes.

    `grew`: whether the last round took new pages, and enough of them to change its time.
    """

    largest: int = 0
    grew: bool = False

    def note(self, resident: int, seconds: float) -> None:
        """Note the resident memory after a round of so many seconds."""
        negligible = max(GROWTH_BYTES, NEGLIGIBLE * seconds * NEW_BYTES_PER_SECOND)
        self.grew = resident > self.largest + negligible
        self.largest = max(self.largest, resident)


class ContestantSession:
    """A contestant with its model built and its weights loaded; its phases run in turns, one at a time."""

    def __init__(self, model: Model, batches: list[Any], build_seconds: float, resident: Resident, binds: bool):
        self._model, self._batches, self._binds = model, batches, binds
        self._resident = resident
        self._processes = model.processes
        self._phases: dict[str, PhaseState] = {}
        self._growth = Growth()
        self._time_round = partial(time_round, clock=model.clock, stopwatch=model.stopwatch)
        self._outputs: Any = None
        self.build_seconds = build_seconds

    def answer(self, request: PhaseRequest) -> Answer:
        match request:
            case FirstCall():
                return self.first_call(request.phase)
            case WarmUp():
                return self.warm_up(request)
            case RunTurn():
                return self.run_turn(request)
            case CheckOutputs():
                return self.check_outputs(request.phase)
            case MeasureMemory():
                return self.measure_memory(request.phase)
            case SustainedRun():
                return self.sustained_run(request)
            case MeasureLatency():
                return self.measure_latency(request)

    def first_call(self, phase: str) -> Called:
        """Run the first step of a phase.

        Garbage collection is disabled from the first one on, because it would interrupt contestants at random.
        """
        if not self._phases:
            gc.collect()
            gc.freeze()
            gc.disable()
        self._outputs = None
        step = self._model.phase(phase)  # type: ignore[arg-type]
        batches = self._batches
        one = partial(step, batches[0]) if len(batches) == 1 else partial(run_all, step, batches)
        self._phases[phase] = PhaseState(one)
        return Called(self._round(phase))

    def warm_up(self, request: WarmUp) -> WarmedUp:
        """Run single steps until their times converge, three at least, then growing rounds until one is long enough.

        The threads that computed those steps are then bound to cores, if the setting says so. Warm-up takes at least
        `warmup_seconds` and, without convergence, `warmup_limit` (longer while memory grows).
        """
        phase, state = request.phase, self._phases[request.phase]
        before = running_times()
        limits = request.warmup_seconds, request.warmup_limit
        times, converged = warm_up(partial(self._round, phase), *limits, lambda: self._growth.grew, request.least_steps)
        bound = bind_computing(before) if self._binds and not self._processes else None  # which have their own cores
        state.steps = steps_of_round(partial(self._round_of, phase), times, request.round_seconds)
        self._outputs = None
        return WarmedUp(tuple(downsample(times)), converged, bound, state.steps)

    def run_turn(self, request: RunTurn) -> TurnRun:
        """Run unrecorded rounds, which wake threads and refill caches, then the recorded rounds.

        There is one unrecorded round, and another one as long as memory grows: pages that are new to the process cost
        several times what a step costs, and once a heap has its final size there are no more.
        """
        phase, state = request.phase, self._phases[request.phase]
        steps, watch = state.steps, Watch(processes=self._processes)
        settling: list[float] = []
        seconds: list[float] = []
        device_seconds: list[float] = []
        while not settling or (self._growth.grew and len(settling) < MOST_SETTLING):
            settling.append(self._round(phase))
        watch.begin()
        while len(seconds) < request.rounds and sum(seconds) * steps < request.max_turn_seconds:
            seconds.append(self._round(phase))
            watch.round()
            if stopwatch := self._model.stopwatch:
                device_seconds.append(stopwatch.seconds() / steps)
        conditions = {name: tuple(values) for name, values in watch.seen.items()}
        seen = Conditions(len(watch.cores), **conditions)
        return TurnRun(tuple(settling), tuple(seconds), tuple(device_seconds), seen)

    def check_outputs(self, phase: str) -> OutputsChecked:
        """Whether the last outputs are finite: with infinity or NaN, times differ.

        They are freed, so that no phase runs beside the outputs of another one.
        """
        outputs = self._outputs[-1] if len(self._batches) > 1 else self._outputs
        scores = self._model.to_numpy(outputs[0] if phase == "gradient" else outputs)
        self._outputs = outputs = None
        compilations = self._phases[phase].compilations
        return OutputsChecked(bool(np.isfinite(scores).all()), compilations, self._model.fallback)

    def measure_memory(self, phase: str) -> MemoryMeasured:
        """Return free memory to the system, then measure the memory of one more step: resident and allocated."""
        self._outputs = None
        self._resident.forget()
        self._model.forget_allocated()
        self._outputs = self._phases[phase].step()
        self._model.synchronize(self._outputs)
        allocated = self._model.allocated_by(phase, self._batches)  # type: ignore[arg-type]
        counted, source = (allocated.bytes, allocated.source) if isinstance(allocated, Allocated) else (allocated, "")
        readings = {
            "peak_rss_step_bytes": self._resident.peak(),
            "peak_rss_launch_bytes": self._resident.peak_of_launch(),
            "allocator_bytes": counted,
        }
        self._outputs = None
        self._growth = Growth(self._resident.now())  # the other phases take new pages again
        return MemoryMeasured(readings, {"allocator_bytes": source} if source else {})

    def sustained_run(self, request: SustainedRun) -> SustainedRunDone:
        """Run steps without a pause for at least the requested seconds; they are not recorded as timings."""
        cpu = partial(cpu_seconds, self._processes)
        passed, rounds, own_cpu = repeat_rounds(partial(self._round, request.phase), request.seconds, cpu=cpu)
        self._outputs = None
        return SustainedRunDone(passed, rounds * self._phases[request.phase].steps, own_cpu)

    def measure_latency(self, request: MeasureLatency) -> LatencyMeasured:
        """Run single steps, each waited for; nothing else happens between them."""
        step, watch = self._phases[request.phase].step, Watch()
        one = partial(time_round, step, self._model.synchronize, 1, self._model.clock)
        self._outputs = None
        untimed = 0.0
        for _ in range(UNTIMED_STEPS):
            if (untimed := untimed + one()[0]) > UNTIMED_SHARE * request.seconds:
                break
        seconds: list[float] = []
        spent = 0.0
        watch.begin()
        while len(seconds) < request.steps and (spent < request.seconds or not seconds):
            taken, _ = one()
            seconds.append(taken)
            spent += taken
        watch.round()
        conditions = {name: tuple(values) for name, values in watch.seen.items()}
        return LatencyMeasured(tuple(seconds), Conditions(len(watch.cores), **conditions))

    def _round_of(self, phase: str, steps: int) -> float:
        """Run a round of so many steps of a phase, now and from here on; returns its seconds per step."""
        self._phases[phase].steps = steps
        return self._round(phase)

    def _round(self, phase: str) -> float:
        """Run a round of a phase; returns its seconds per step."""
        state, before = self._phases[phase], self._model.compilations
        taken, self._outputs = self._time_round(state.step, self._model.synchronize, state.steps)
        state.compilations += self._model.compilations - before
        self._growth.note(self._resident.now(), taken * state.steps)
        return taken


def cpu_seconds(processes: Iterable[int]) -> float:
    """CPU seconds of this process and of others since they began."""
    return time.process_time() + sum(used_by(process).cpu for process in processes)


def repeat_rounds(
    one_round: Callable[[], object],
    seconds: float,
    clock: Callable[[], float] = now,
    cpu: Callable[[], float] = time.process_time,
) -> tuple[float, int, float]:
    """Run rounds without a pause for at least `seconds`: returns wall seconds, number of rounds, and CPU seconds.

    `clock` and `cpu` count the two kinds of seconds; only tests replace the system's.
    """
    start, own_cpu, rounds = clock(), cpu(), 0
    while clock() - start < seconds:
        one_round()
        rounds += 1
    return clock() - start, rounds, cpu() - own_cpu


def run_all(step: Callable[[Any], Any], batches: list[Any]) -> list[Any]:
    """Run a step of each batch in turn; one step of a stream is a step of all its batches."""
    return [step(batch) for batch in batches]


def downsample(times: list[float], limit: int = 20) -> list[float]:
    """At most `limit` of the times, evenly spaced: stored warm-up times are for plots only."""
    return times[:: max(1, len(times) // limit)][:limit]
