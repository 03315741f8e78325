"""Memory of a launch, then the meters during a sustained run; both are asked once its rounds are done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial

from bench.launch.launcher import WorkerLike
from bench.meters import Guarded, Readings, SustainedStats, meters
from bench.worker.messages import MeasureMemory, SustainedRun, SustainedRunDone
from results.schema.record import Case, Usage

SAMPLE_EVERY = 0.1
"""Seconds between two looks of the meters that read moments."""
MEMORY = frozenset({"peak_rss_step_bytes", "peak_rss_launch_bytes", "allocator_bytes"})
UNASKED = "no sustained run was asked for; --sustained 3s gives one"


def metered() -> Set[str]:
    """The quantities that meters read."""
    return {name for meter in meters().values() for name in meter.quantities}


@dataclass(frozen=True)
class Part:
    """Some quantities, and how to ask a launch for them. LaunchFailed if it does not survive that."""

    names: Set[str]
    ask: Callable[[], Usage]


def parts(worker: WorkerLike, case: Case, seconds: float, company: Set[int], already: Usage) -> Sequence[Part]:
    """What a launch is still to be asked, beside what is known `already`.

    `company` are the process ids of all launches that are alive with it.
    """
    sustained = partial(sustained_run, worker, case, seconds, company - {worker.pid}) if seconds else _not_asked
    every = Part(MEMORY, partial(measure_memory, worker)), Part(metered(), sustained)
    return [part for part in every if not part.names & already.names or (seconds and is_unasked(already, part.names))]


def is_unasked(already: Usage, names: Set[str]) -> bool:
    """Whether these are unknown for no other reason than that nobody asked."""
    return any(already.missing.get(name) == UNASKED for name in names)


def _not_asked() -> Usage:
    return Usage(missing=dict.fromkeys(sorted(metered()), UNASKED))


def measure_memory(worker: WorkerLike) -> Usage:
    """The memory of a step."""
    answer = worker.ask(MeasureMemory())
    return usage(answer.readings, answer.sources)


def sustained_run(worker: WorkerLike, case: Case, seconds: float, company: Set[int]) -> Usage:
    """What every meter says of so many seconds of nothing but steps."""
    watchers = [Guarded(meter, worker.pid, case.workload.device, company) for meter in meters().values()]
    worker.send(SustainedRun(seconds))

    def sample() -> None:
        for watcher in watchers:
            watcher.sample()

    done = worker.receive(SustainedRunDone, sample, SAMPLE_EVERY)
    seen = SustainedStats(done.seconds, done.steps, done.own_cpu, images_a_step=case.workload.batch)
    found = Usage()
    for watcher in watchers:
        found |= usage(watcher.end(seen))
    return found


def usage(readings: Readings, sources: Mapping[str, str] | None = None) -> Usage:
    """Numbers apart from reasons."""
    values = {name: value for name, value in readings.items() if not isinstance(value, str)}
    missing = {name: value for name, value in readings.items() if isinstance(value, str)}
    return Usage(values, missing, dict(sources or {}))
