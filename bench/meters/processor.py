"""CPU meter: CPU time of a launch, summed over threads, divided by wall time."""

from __future__ import annotations

from collections.abc import Set

from bench.meters import Meter, Readings, SustainedStats, Watcher
from impls.host.usable import usable_cores


class CpuMeter(Watcher):
    """Uses the launch's own CPU time, from its first step to its last."""

    def __init__(self, pid: int, device: str, other_pids: Set[int]):
        pass

    def sample(self) -> None:
        pass

    def end(self, sustained: SustainedStats) -> Readings:
        cores = sustained.own_cpu / sustained.seconds
        return {"sustained_cpus_used": cores, "cpu_utilisation": cores / len(usable_cores())}


PROCESSOR = Meter("processor", ("sustained_cpus_used", "cpu_utilisation"), CpuMeter)
