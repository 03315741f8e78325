"""The child's side of a launch: builds one contestant for one workload and runs what it is asked to.

Requests and answers are lines of JSON. "prepare" builds and loads; "begin" calls once and warms up; "turn" runs a
settling round and counted rounds; "finish" looks at the last outputs; "weigh" and "soak" are steps whose memory, and
whose use of the machine, are looked at; "evidence" and "identify" are the gate's. An answer is
{"ok": ...} or {"status": ..., "reason": ...} with the status that the case gets.
"""

from __future__ import annotations

import gc
import json
import math
import re
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench import fingerprint, setting
from bench.binding import bind_computing, running_times
from bench.clock import now, time_round
from bench.conditions import Watch
from bench.memory import network_of
from bench.parity import evidence
from bench.resident import Resident
from bench.warmup import warm_up
from impls.arrays import make_batch, make_statistics
from impls.errors import Unavailable, Unsupported, line_of
from impls.frameworks import Allocated, Model, Plan, load_framework
from impls.network import Network
from results.record import Contestant, Status, Workload

CALIBRATIONS = 3
ENOUGH = 0.9
"""Share of the least length at which a round is long enough: rounds differ by more than that."""
NO_MEMORY = re.compile(r"out of memory|RESOURCE_EXHAUSTED|can't allocate memory|failed to allocate|OOM", re.IGNORECASE)


def serve(link: socket.socket) -> None:
    """Answer requests until the other side closes."""
    tasks: dict[str, Any] = {"prepare": prepare, "evidence": give_evidence, "identify": identify}
    with link.makefile("r", encoding="utf-8") as requests, link.makefile("w", encoding="utf-8") as answers:
        for line in requests:
            request = json.loads(line)
            try:
                answer = tasks[request["do"]](**request["with"])
                if isinstance(answer, Prepared):
                    tasks.update(answer.tasks)
                    answer = answer.facts
                reply = {"ok": answer}
            except Exception as problem:
                traceback.print_exc()
                sys.stdout.flush()  # the log is kept, and this process may be killed
                reply = {"status": status_of(problem), "reason": line_of(problem)}
            answers.write(json.dumps(reply) + "\n")
            answers.flush()


def status_of(problem: Exception) -> Status:
    """The status that a case gets when its process raises `problem`."""
    if isinstance(problem, (Unavailable, Unsupported)):
        return Status.SKIPPED
    if isinstance(problem, MemoryError) or NO_MEMORY.search(str(problem)):
        return Status.OUT_OF_MEMORY
    return Status.FAILED


class Prepared:
    """A contestant that has been built and has its weights."""

    def __init__(
        self, model: Model, phase: str, batches: list[Any], build_seconds: float, resident: Resident, binds: bool
    ):
        self._model, self._binds = model, binds
        self._resident = resident
        step = model.phase(phase)  # type: ignore[arg-type]
        self._step = partial(step, batches[0]) if len(batches) == 1 else partial(one_after_another, step, batches)
        self._scalar, self._several = phase == "gradient", len(batches) > 1
        self._time_round = partial(time_round, clock=model.clock, stopwatch=model.stopwatch)
        self._steps = 1
        self._outputs: Any = None
        self.facts: dict[str, Any] = {"build_seconds": build_seconds}
        asked = (self.begin, self.turn, self.finish, self.weigh, self.soak)
        self.tasks = {task.__name__: task for task in asked}

    def begin(self, round_seconds: float, warmup_seconds: float, warmup_limit: float) -> dict[str, Any]:
        """First call, single steps until they have settled, then rounds that grow until they are long enough.

        The threads that took part in those steps are bound to cores, if the setting says so.

        Warm-up takes `warmup_seconds` at least and, where steps do not settle, `warmup_limit` at most. Garbage
        collection is off from here on: it would strike one contestant at random.
        """
        gc.collect()
        gc.freeze()
        gc.disable()
        first = self._round()
        before = running_times()
        times, steady = warm_up(self._round, warmup_seconds, warmup_limit)
        bound = bind_computing(before) if self._binds else None
        fastest = min(times)
        for _ in range(CALIBRATIONS if fastest < round_seconds else 0):  # a hiccup looks long; the next round tells
            self._steps = max(1, math.ceil(round_seconds / fastest))
            fastest = min(fastest, self._round())
            if self._steps * fastest >= round_seconds * ENOUGH:
                break
        return {
            "first_call_seconds": first,
            "warmup": thinned(times),
            "warmup_converged": steady,
            "pinned_threads": bound,
            "steps": self._steps,
        }

    def turn(self, rounds: int, max_turn_seconds: float) -> dict[str, Any]:
        """A settling round, so that threads are awake and caches ours again, then rounds that count.

        There are `rounds` of them, or fewer once they have lasted `max_turn_seconds`.
        """
        watch = Watch()
        settling = self._round()
        seconds: list[float] = []
        device_seconds: list[float] = []
        watch.begin()
        while len(seconds) < rounds and sum(seconds) * self._steps < max_turn_seconds:
            seconds.append(self._round())
            watch.round()
            if stopwatch := self._model.stopwatch:
                device_seconds.append(stopwatch.seconds() / self._steps)
        return {
            "settling": settling,
            "seconds": seconds,
            "device_seconds": device_seconds,
            "cores": len(watch.cores),
            "seen": watch.seen,
        }

    def finish(self) -> dict[str, Any]:
        """Whether what was computed last is finite: a network that has run away costs other times."""
        outputs = self._outputs[-1] if self._several else self._outputs
        scores = self._model.to_numpy(outputs[0] if self._scalar else outputs)
        return {
            "finite": bool(np.isfinite(scores).all()),
            "compilations": self._model.compilations,
            "fallback": self._model.fallback,
        }

    def weigh(self) -> dict[str, Any]:
        """The memory of one more step, once what is free has been given back: what stays, and what that step takes."""
        self._outputs = None
        self._resident.forget()
        self._model.forget_allocated()
        self._outputs = self._step()
        self._model.synchronize(self._outputs)
        allocated = self._model.allocated()
        told = allocated if isinstance(allocated, Allocated) else None
        readings = {
            "peak_rss_step_bytes": self._resident.peak(),
            "peak_rss_launch_bytes": self._resident.peak_of_launch(),
            "allocator_bytes": told.bytes if told else allocated,
        }
        return {"readings": readings, "sources": {"allocator_bytes": told.source} if told else {}}

    def soak(self, seconds: float) -> dict[str, float]:
        """Steps without a pause, for at least so many seconds; nothing of it is timed closely."""
        passed, rounds, own_cpu = go_on(self._round, seconds)
        return {"seconds": passed, "steps": rounds * self._steps, "own_cpu": own_cpu}

    def _round(self) -> float:
        taken, self._outputs = self._time_round(self._step, self._model.synchronize, self._steps)
        return taken


def go_on(
    one_round: Callable[[], object],
    seconds: float,
    clock: Callable[[], float] = now,
    cpu: Callable[[], float] = time.process_time,
) -> tuple[float, int, float]:
    """Rounds without a pause for at least so many seconds: seconds passed, rounds, and seconds on processors.

    `clock` and `cpu` count the two kinds of seconds; only tests have others than the system's.
    """
    start, own_cpu, rounds = clock(), cpu(), 0
    while clock() - start < seconds:
        one_round()
        rounds += 1
    return clock() - start, rounds, cpu() - own_cpu


def prepare(workload: Mapping[str, Any], contestant: Mapping[str, Any], weights: str, seed: int) -> Prepared:
    """Build the model, load its weights and put its batch on the device."""
    resident, start = Resident(), now()
    asked = Workload(**workload)
    network, named = network_of(asked), Contestant(**contestant)
    model = build(network, asked, named, weights, seed)
    resident.loaded()
    made = (make_batch(network_of(part), part.batch) for part in asked.batches)
    batches = [model.put(batch.images, batch.labels) for batch in made]
    binds = setting.SETTINGS[named.setting].steadies
    return Prepared(model, asked.phase, batches, now() - start, resident, binds)


def one_after_another(step: Callable[[Any], Any], batches: list[Any]) -> list[Any]:
    """A step of each batch; a stream is a step of all of them."""
    return [step(batch) for batch in batches]


def give_evidence(
    workload: Mapping[str, Any], contestant: Mapping[str, Any], weights: str, seed: int
) -> dict[str, Any]:
    """What the gate compares: the workload's network on the batch of `seed`, without dropout.

    Nothing that is compiled for it stays: a launch's first call would otherwise find it on the disk.
    """
    asked = Workload(**workload)
    network = network_of(asked)
    model = build(network.without_dropout(), asked, Contestant(**contestant), weights, seed=0, cold=True)
    batch = make_batch(network, asked.batch, seed)
    return asdict(evidence(model, batch.images, batch.labels))


def identify(workload: Mapping[str, Any], contestant: Mapping[str, Any]) -> list[float]:
    """What bench.fingerprint tells arithmetic by; who has no convolution is asked for a product alone."""
    for architecture in (fingerprint.ROUNDING, fingerprint.PRODUCT):
        network = architecture.at()
        try:
            model = new_model(network, Workload(**workload), Contestant(**contestant), seed=0)
        except Unsupported:
            continue
        return fingerprint.scores(model, network)
    raise Unsupported("has neither convolutions nor products that could be asked")


def build(
    network: Network, workload: Workload, contestant: Contestant, weights: str, seed: int, cold: bool = False
) -> Model:
    """The contestant's model with the canonical weights of the folder `weights`, mapped rather than read."""
    model = new_model(network, workload, contestant, seed, cold)
    arrays = {name: np.load(Path(weights) / f"{name}.npy", mmap_mode="c") for name in network.arrays}
    model.load(arrays, make_statistics(network))
    return model


def new_model(network: Network, workload: Workload, contestant: Contestant, seed: int, cold: bool = False) -> Model:
    """The contestant's model of a network, in the workload's arithmetic and on its device, without weights.

    What compiling costs is a part of the question that a stream asks, so there every launch is `cold`.
    """
    framework = load_framework(contestant.framework)
    several = len({(part.height, part.width) for part in workload.batches}) > 1
    if several and not framework.execution(contestant.execution).any_size:
        raise Unsupported(f"{contestant.id} builds a network for images of one size")
    cold = cold or bool(workload.stream)
    plan = Plan(network, contestant.execution, workload.device, workload.precision, seed=seed, cold=cold)
    return framework.build(plan)


def thinned(times: list[float], most: int = 20) -> list[float]:
    """At most `most` of the times, evenly spread: warm-up is kept to be looked at, not to fill disks."""
    return times[:: max(1, len(times) // most)][:most]
