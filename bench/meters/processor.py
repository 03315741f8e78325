"""How busy the processors are with a launch: its own time on them, all threads, over the time that passed."""

from __future__ import annotations

from collections.abc import Set

from bench.meters import Meter, Readings, SustainedStats, Watcher
from impls.usable import usable_cores


class CpuMeter(Watcher):
    """The launch itself counts, from the first of its steps to the last."""

    def __init__(self, pid: int, device: str, company: Set[int]):
        pass

    def sample(self) -> None:
        pass

    def end(self, sustained: SustainedStats) -> Readings:
        cores = sustained.own_cpu / sustained.seconds
        return {"sustained_cpus_used": cores, "cpu_utilisation": cores / len(usable_cores())}


PROCESSOR = Meter("processor", ("sustained_cpus_used", "cpu_utilisation"), CpuMeter)
