"""NVML meter: an NVIDIA card during a sustained run, read from its driver several times a second.

Utilisation is the share of time in which any kernel ran, however small. A value that the driver does not report is
missing with the driver's message as the reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Set
from statistics import fmean
from typing import Any

from bench.clock import now
from bench.machine.card import HIDDEN, compute_pids, foreign_processes
from bench.meters import Meter, Readings, SustainedStats, Watcher
from impls.frameworks import is_card
from impls.host import nvidia
from impls.host.nvml import slowed_by

SHORTEST = 2.0
"""Minimum seconds of a sustained run for the energy counter, which advances in steps."""
SETTLE = 1.0
"""Seconds at the start of a sustained run without readings: utilisation and power cover the second before."""
COUNTER_STEP = 0.1
"""Seconds, at most, in which the energy counter advances once: NVIDIA documents no figure, 0.01 to 0.1 are reported."""
EDGE_LIMIT = 5 * COUNTER_STEP
"""Seconds after which it is no longer waited for."""
EDGE_POLL = 0.002
"""Seconds between two looks at it."""

MOMENTS: Mapping[str, Callable[[Any, Any], float]] = {
    "gpu_utilisation": lambda nvml, handle: nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100,
    "gpu_memory_utilisation": lambda nvml, handle: nvml.nvmlDeviceGetUtilizationRates(handle).memory / 100,
    "gpu_watts": lambda nvml, handle: nvml.nvmlDeviceGetPowerUsage(handle) / 1e3,
    "gpu_clock_hz": lambda nvml, handle: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM) * 1e6,
    "gpu_memory_clock_hz": lambda nvml, handle: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM) * 1e6,
    "gpu_celsius": lambda nvml, handle: float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)),
    "gpu_throttled": lambda nvml, handle: float(bool(slowed_by(nvml, handle))),
}
"""Queries for instantaneous values; their mean over the sustained run is reported."""


def _energy(nvml: Any, handle: Any) -> float:
    """Millijoules since the driver was loaded, just after the counter has advanced.

    Read at any time, it would be off by as much as the energy of COUNTER_STEP, which is 3 % of a run of 3 s.
    """
    read = nvml.nvmlDeviceGetTotalEnergyConsumption
    before, deadline = read(handle), now() + EDGE_LIMIT
    while (found := read(handle)) == before and now() < deadline:
        time.sleep(EDGE_POLL)
    return float(found)


class NvmlMeter(Watcher):
    """Meter of the card that a launch computes on."""

    def __init__(self, pid: int, device: str, other_pids: Set[int], settle: float = SETTLE):
        self._pid, self._other_pids = pid, other_pids
        self._seen: dict[str, list[float]] = {name: [] for name in (*MOMENTS, *PROCESSES)}
        self._missing: dict[str, str] = {}
        self._handle: Any
        self._handle, problem = nvidia.handle() if is_card(device) else (None, "it runs on the CPU")
        if self._handle is None:
            self._missing = dict.fromkeys(NVML.quantities, problem)
        self._energy = self._ask("gpu_joules_per_image", _energy)
        self._settled = now() + settle

    def _ask(self, name: str, query: Callable[[Any, Any], Any]) -> Any:
        """The driver's answer; None, with the reason kept, if there is none. Such a query is not repeated."""
        if name in self._missing:
            return None
        try:
            return query(nvidia.library(), self._handle)
        except LookupError as problem:
            self._missing[name] = str(problem)
        except Exception as problem:  # the driver failed, or the package lacks the function
            self._missing[name] = f"the driver does not tell: {nvidia.reason(problem)}"
        return None

    def sample(self) -> None:
        if now() < self._settled:
            return
        for name, query in MOMENTS.items():
            if (value := self._ask(name, query)) is not None:
                self._seen[name].append(float(value))
        processes = self._ask("gpu_foreign_processes", compute_pids)
        if processes is not None:
            self._count(processes)

    def _count(self, processes: Mapping[int, int | None]) -> None:
        """Count foreign processes and read the launch's memory, from bytes by process id.

        In containers the driver reports other process ids: a single process is then taken for the launch."""
        ours = {self._pid, *self._other_pids}
        self._seen["gpu_foreign_processes"].append(foreign_processes(processes, ours))
        alone = len(processes) == len(ours) == 1
        pid = next(iter(processes)) if alone else self._pid
        if (memory := processes.get(pid)) is not None:
            self._seen["gpu_memory_bytes"].append(memory)
        else:
            is_listed = pid in processes
            what = "its memory" if is_listed else "which process is the launch, as process ids differ in containers"
            self._missing["gpu_memory_bytes"] = f"the driver does not tell {what}"

    def end(self, sustained: SustainedStats) -> Readings:
        after = self._ask("gpu_joules_per_image", _energy)
        if self._handle is not None:
            nvidia.end()
        if after is not None:
            joules = (after - self._energy) / 1e3
            if sustained.seconds < SHORTEST or joules <= 0:
                reason = f"the energy counter moved by {joules:g} J in {sustained.seconds:.1f} s; run for longer"
                self._missing["gpu_joules_per_image"] = reason
        values = {name: fmean(samples) for name, samples in self._seen.items() if samples and name not in PROCESSES}
        values |= {name: max(self._seen[name]) for name in PROCESSES if self._seen[name]}
        if after is not None and "gpu_joules_per_image" not in self._missing:
            values["gpu_joules_per_image"] = joules / sustained.images
        default = dict.fromkeys(NVML.quantities, "the sustained run ended before the first reading")
        if (unknown := self._missing.get("gpu_foreign_processes")) == HIDDEN:
            default["gpu_memory_bytes"] = unknown
        return {**default, **self._missing, **values}


PROCESSES = ("gpu_foreign_processes", "gpu_memory_bytes")
"""Quantities of processes; their maximum is reported."""
NVML = Meter("nvml", (*MOMENTS, *PROCESSES, "gpu_joules_per_image"), NvmlMeter)
