"""Usage of a launch: memory, measured before its turns, and the meters during a sustained run after them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial

from bench.launch.launcher import WorkerLike
from bench.meters import Guarded, Readings, SustainedStats, meters
from bench.worker.messages import MeasureMemory, SustainedRun, SustainedRunDone
from impls.frameworks import is_card
from results.schema.record import Case, Usage

SAMPLE_EVERY = 0.1
"""Seconds between two samples of meters that read instantaneous values."""
MEMORY = frozenset({"peak_rss_step_bytes", "peak_rss_launch_bytes", "allocator_bytes"})
OF_ALL_CARDS = ("gpu_joules_per_image", "gpu_memory_bytes")
"""Quantities of a step that are sums over its cards."""
NO_SUSTAINED_RUN = "no sustained run was asked for; --sustained 3s gives one"


def metered() -> Set[str]:
    """The quantities that meters read."""
    return {name for meter in meters().values() for name in meter.quantities}


@dataclass(frozen=True)
class Query:
    """Some quantities and the call that measures them in a launch; it may raise LaunchFailed."""

    names: Set[str]
    ask: Callable[[], Usage]


def memory_queries(worker: WorkerLike, case: Case, already: Usage) -> Sequence[Query]:
    """The query for the memory of a case's step, unless it is known `already`."""
    known = MEMORY & already.names
    return () if known else (Query(MEMORY, partial(measure_memory, worker, case.workload.phase)),)


def meter_queries(worker: WorkerLike, case: Case, already: Usage, seconds: float, others: Set[int]) -> Sequence[Query]:
    """The query for the meters, unless they are known `already`.

    seconds: length of the sustained run, 0 for none. others: process ids of the other launches of the block.
    """
    names = metered()
    if names & already.names and not (seconds and lacks_sustained_run(already, names)):
        return ()
    return (Query(names, partial(sustained_run, worker, case, seconds, others) if seconds else _not_asked),)


def lacks_sustained_run(already: Usage, names: Set[str]) -> bool:
    """Whether quantities are missing only because no sustained run was requested."""
    return any(already.missing.get(name) == NO_SUSTAINED_RUN for name in names)


def _not_asked() -> Usage:
    return Usage(missing=dict.fromkeys(sorted(metered()), NO_SUSTAINED_RUN))


def measure_memory(worker: WorkerLike, phase: str) -> Usage:
    """Memory of a step, in bytes."""
    answer = worker.ask(MeasureMemory(phase))
    return usage(answer.readings, answer.sources)


def sustained_run(worker: WorkerLike, case: Case, seconds: float, pids: Set[int]) -> Usage:
    """Readings of every meter during a sustained run of `seconds`."""
    watchers = [Guarded(meter, worker.pid, case.workload.device, pids) for meter in meters().values()]
    worker.send(SustainedRun(case.workload.phase, seconds))

    def sample() -> None:
        for watcher in watchers:
            watcher.sample()

    done = worker.receive(SustainedRunDone, sample, SAMPLE_EVERY)
    stats = SustainedStats(done.seconds, done.steps, done.own_cpu, images_a_step=case.workload.batch)
    measured = Usage()
    for watcher in watchers:
        measured |= usage(watcher.end(stats))
    return measured | _of_one_card(case)


def _of_one_card(case: Case) -> Usage:
    """What is missing of a step on several cards: the meter reads the first one."""
    cards = case.workload.devices if is_card(case.workload.device) else 1
    reason = f"the step computes on {cards} cards, and the meter reads one"
    return Usage(missing=dict.fromkeys(OF_ALL_CARDS, reason) if cards > 1 else {})


def usage(readings: Readings, sources: Mapping[str, str] | None = None) -> Usage:
    """Usage from readings: numbers become values, texts the reasons of missing ones."""
    values = {name: value for name, value in readings.items() if not isinstance(value, str)}
    missing = {name: value for name, value in readings.items() if isinstance(value, str)}
    return Usage(values, missing, dict(sources or {}))
