"""Worker side of a launch: builds one contestant for one workload and answers the requests of bench.worker.messages."""

from __future__ import annotations

import gc
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.clock import now, time_round
from bench.cost.workload import has_several_sizes, network_of
from bench.machine.affinity import bind_computing, running_times
from bench.machine.interference import Watch, used_by
from bench.machine.resident import Resident
from bench.plan import settings
from bench.plan.executions import execution_of
from bench.worker import arithmetic, messages
from bench.worker.evidence import evidence
from bench.worker.messages import (
    Answer,
    ArithmeticProbed,
    Called,
    CheckOutputs,
    EvidenceGiven,
    Failure,
    FirstCall,
    GiveEvidence,
    LatencyMeasured,
    Load,
    Loaded,
    MeasureLatency,
    MeasureMemory,
    MemoryMeasured,
    OutputsChecked,
    PhaseRequest,
    ProbeArithmetic,
    RunTurn,
    SustainedRun,
    SustainedRunDone,
    TurnRun,
    WarmedUp,
    WarmUp,
)
from bench.worker.warmup import steps_of_round, warm_up
from impls.arrays import make_batch, make_statistics
from impls.errors import Unavailable, Unsupported, is_out_of_memory, one_line
from impls.frameworks import Allocated, Model, Plan, load_framework
from impls.network import Network
from results.schema.record import Case, Conditions, Status, Workload

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


def serve(link: socket.socket) -> None:
    """Answer requests until the other side closes."""
    worker = Dispatcher()
    with link.makefile("r", encoding="utf-8") as requests, link.makefile("w", encoding="utf-8") as answers:
        for line in requests:
            try:
                answer = messages.to_line(worker.answer(messages.read_request(line)))
            except Exception as problem:
                traceback.print_exc()
                sys.stdout.flush()  # this process may be killed before its buffers are written to the log
                answer = messages.to_line(Failure(status_of(problem), one_line(problem)))
            answers.write(answer)
            answers.flush()


class Dispatcher:
    """Answers requests; passes those that need a loaded contestant to its session."""

    def __init__(self) -> None:
        self._session: ContestantSession | None = None
        self._examined: tuple[Case, Model] | None = None

    def answer(self, request: messages.AnyRequest) -> Answer:
        """The answer to a request. Exceptions of the contestant propagate."""
        match request:
            case Load():
                self._session = load(request)
                return Loaded(self._session.build_seconds)
            case GiveEvidence():
                return self._give_evidence(request)
            case ProbeArithmetic():
                return probe_arithmetic(request)
        if self._session is None:
            raise RuntimeError(f"{request.kind} was requested before load")
        return self._session.answer(request)

    def _give_evidence(self, request: GiveEvidence) -> EvidenceGiven:
        """Evidence for the gate: the workload's network on the batch of a seed, without dropout.

        Compile caches are off, as the first call of a later launch would otherwise find the compiled code on disk.
        The first evidence of a model comes from the second call of each phase, and that on the next images from the
        third: one call may compile, the next one record, and further ones replay, perhaps what was recorded.
        """
        network, calls = network_of(request.case.workload), 1
        if self._examined is None or self._examined[0] != request.case:
            model = build(network.without_dropout(), request.case, request.weights, seed=0, cold=True)
            self._examined, calls = (request.case, model), 2
        batch = make_batch(network, request.case.workload.batch, request.seed)
        phase = request.case.workload.phase
        differentiates = phase != "infer" and phase in execution_of(request.case.contestant).phases
        return EvidenceGiven(evidence(self._examined[1], network, batch, differentiates, calls), request.seed)


def status_of(problem: Exception) -> Status:
    """The status that a case gets when its process raises `problem`."""
    if isinstance(problem, (Unavailable, Unsupported)):
        return Status.SKIPPED
    return Status.OUT_OF_MEMORY if is_out_of_memory(problem) else Status.FAILED


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
        times, converged = warm_up(partial(self._round, phase), *limits, lambda: self._growth.grew)
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


def load(request: Load) -> ContestantSession:
    """Build the model, load its weights and put its batch on the device."""
    resident, start = Resident(), now()
    workload = request.case.workload
    model = build(network_of(workload), request.case, request.weights, request.seed, request.cold)
    resident.include(model.processes)
    resident.loaded()
    batches = [put_batch(model, part, request.copies) for part in workload.batches]
    binds = settings.binds(request.case.contestant, workload.device)
    return ContestantSession(model, batches, now() - start, resident, binds)


def put_batch(model: Model, workload: Workload, copies: bool) -> Any:
    """The workload's batch on the model's device: different images, or `copies` of one."""
    network = network_of(workload)
    if copies:
        one = make_batch(network, 1)
        return model.put_copies(one.images, one.labels, workload.batch)
    batch = make_batch(network, workload.batch)
    return model.put(batch.images, batch.labels)


def run_all(step: Callable[[Any], Any], batches: list[Any]) -> list[Any]:
    """Run a step of each batch in turn; one step of a stream is a step of all its batches."""
    return [step(batch) for batch in batches]


def probe_arithmetic(request: ProbeArithmetic) -> ArithmeticProbed:
    """Scores of the precision probe; a contestant without convolutions runs the probe without one."""
    on_one = replace(request.case, workload=replace(request.case.workload, devices=1))
    for architecture in (arithmetic.ROUNDING, arithmetic.PRODUCT):
        network = architecture.at()
        try:
            model = new_model(network, on_one, seed=0)
        except Unsupported:
            continue
        return ArithmeticProbed(tuple(arithmetic.scores(model, network)))
    raise Unsupported("supports neither convolutions nor products, so its arithmetic cannot be probed")


def build(network: Network, case: Case, weights: str, seed: int, cold: bool = False) -> Model:
    """The contestant's model with the canonical weights of the folder `weights`, which are memory-mapped."""
    model = new_model(network, case, seed, cold)
    arrays = {name: np.load(Path(weights) / f"{name}.npy", mmap_mode="c") for name in network.arrays}
    model.load(arrays, make_statistics(network))
    return model


def new_model(network: Network, case: Case, seed: int, cold: bool = False) -> Model:
    """The contestant's model of a network, in the workload's precision and on its device, without weights.

    `cold`: without compile caches, and with folders of its own for what keeps compiled code nevertheless. A stream
    measures compilation too, so all its launches are cold.
    """
    workload, contestant = case.workload, case.contestant
    several = has_several_sizes(workload)
    if several and not execution_of(contestant).any_size:
        raise Unsupported(f"{contestant.id} builds a network for images of one size")
    cold = cold or bool(workload.stream)
    if cold:
        os.environ.update(settings.apart(case, f"cold-{os.getpid()}", os.environ))
    plan = Plan(
        network,
        contestant.execution,
        workload.device,
        workload.precision,
        seed=seed,
        cold=cold,
        open_sizes=several,
        devices=workload.devices,
    )
    return load_framework(contestant.framework).build(plan)


def downsample(times: list[float], limit: int = 20) -> list[float]:
    """At most `limit` of the times, evenly spaced: stored warm-up times are for plots only."""
    return times[:: max(1, len(times) // limit)][:limit]
