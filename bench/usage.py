"""What a launch takes beside time, asked once its rounds are done: first its memory, then, for a soak, its meters."""

from __future__ import annotations

from collections.abc import Mapping

from bench.launcher import Worker
from bench.meters import Readings, Soak, meters
from results.record import Case, Usage

SAMPLE_EVERY = 0.1
"""Seconds between two looks of the meters that read moments."""


def weigh(worker: Worker) -> Usage:
    """The memory of a step. LaunchFailed if the launch did not survive it."""
    answer = worker.ask("weigh")
    return usage(answer["readings"], answer["sources"])


def soak(worker: Worker, case: Case, seconds: float) -> Usage:
    """What every meter says of so many seconds of nothing but steps. LaunchFailed if the launch did not survive it."""
    watchers = [meter.watcher(worker.pid, case.workload.device) for meter in meters().values()]
    worker.send("soak", seconds=seconds)

    def sample() -> None:
        for watcher in watchers:
            watcher.sample()

    seen = Soak(**worker.receive(sample, SAMPLE_EVERY), images_a_step=case.workload.batch)
    found = Usage()
    for watcher in watchers:
        found |= usage(watcher.end(seen))
    return found


MEMORY = ("host_bytes", "host_launch_bytes", "allocator_bytes")


def quantities(soaked: bool) -> list[str]:
    """What a launch is asked for, by name."""
    return [*MEMORY, *(name for meter in meters().values() if soaked for name in meter.quantities)]


def usage(readings: Readings, sources: Mapping[str, str] | None = None) -> Usage:
    """Numbers apart from reasons."""
    values = {name: value for name, value in readings.items() if not isinstance(value, str)}
    missing = {name: value for name, value in readings.items() if isinstance(value, str)}
    return Usage(values, missing, dict(sources or {}))
