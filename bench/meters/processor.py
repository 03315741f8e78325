"""How busy the processors are with a launch: its own time on them, all threads, over the time that passed."""

from __future__ import annotations

from collections.abc import Set

from bench.meters import Meter, Readings, Soak, Watcher
from impls.usable import allowed_cores


class Busy(Watcher):
    """The launch itself counts, from the first of its steps to the last."""

    def __init__(self, pid: int, device: str, company: Set[int]):
        pass

    def sample(self) -> None:
        pass

    def end(self, soak: Soak) -> Readings:
        cores = soak.own_cpu / soak.seconds
        return {"sustained_cpus_used": cores, "cpu_utilisation": cores / len(allowed_cores())}


PROCESSOR = Meter("processor", ("sustained_cpus_used", "cpu_utilisation"), Busy)
