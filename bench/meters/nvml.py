"""What an NVIDIA card does while a launch does nothing but steps: asked of its driver, some times a second.

Utilisation is the share of the time in which the card did anything at all, however little of it. Whatever the driver
does not tell has the driver's words as its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from statistics import fmean
from typing import Any

from bench.clock import now
from bench.meters import Meter, Readings, SustainedStats, Watcher
from impls import nvidia

SHORTEST = 2.0
"""Seconds below which the energy counter, which moves in steps, says nothing."""
SETTLE = 1.0
"""Seconds of a sustained run in which nothing is read: utilisation and power are of the second before."""
SLOWED = (
    "nvmlClocksEventReasonSwPowerCap",
    "nvmlClocksThrottleReasonHwSlowdown",
    "nvmlClocksEventReasonSwThermalSlowdown",
    "nvmlClocksThrottleReasonHwThermalSlowdown",
    "nvmlClocksThrottleReasonHwPowerBrakeSlowdown",
)
"""Reasons for lower clocks that spoil a measurement; being idle, or set so by its owner, does not."""


def _slowed(nvml: Any, handle: Any) -> float:
    reasons = _reasons(nvml, handle)
    return float(any(reasons & getattr(nvml, name) for name in SLOWED))


def _reasons(nvml: Any, handle: Any) -> int:
    try:
        return int(nvml.nvmlDeviceGetCurrentClocksEventReasons(handle))
    except nvml.NVMLError_FunctionNotFound:  # a driver from before the new name
        return int(nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle))


MOMENTS: Mapping[str, Callable[[Any, Any], float]] = {
    "gpu_utilisation": lambda nvml, handle: nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100,
    "gpu_memory_utilisation": lambda nvml, handle: nvml.nvmlDeviceGetUtilizationRates(handle).memory / 100,
    "gpu_watts": lambda nvml, handle: nvml.nvmlDeviceGetPowerUsage(handle) / 1e3,
    "gpu_clock_hz": lambda nvml, handle: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM) * 1e6,
    "gpu_memory_clock_hz": lambda nvml, handle: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM) * 1e6,
    "gpu_celsius": lambda nvml, handle: float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)),
    "gpu_throttled": _slowed,
}
"""What is known at a moment, asked of the package over the driver's library; its mean over the sustained run counts."""


def _energy(nvml: Any, handle: Any) -> float:
    """Millijoules since the driver was loaded."""
    return float(nvml.nvmlDeviceGetTotalEnergyConsumption(handle))


def _processes(nvml: Any, handle: Any) -> list[Any]:
    return list(nvml.nvmlDeviceGetComputeRunningProcesses(handle))


class NvmlMeter(Watcher):
    """The card that a launch computes on."""

    def __init__(self, pid: int, device: str, company: Set[int], settle: float = SETTLE):
        self._pid, self._company = pid, company
        self._settled = now() + settle
        self._seen: dict[str, list[float]] = {name: [] for name in (*MOMENTS, *PROCESSES)}
        self._missing: dict[str, str] = {}
        self._handle: Any
        self._handle, problem = nvidia.handle() if device != "cpu" else (None, "it runs on the CPU")
        if self._handle is None:
            self._missing = dict.fromkeys(NVML.quantities, problem)
        self._energy = self._ask("gpu_joules_per_image", _energy)

    def _ask(self, name: str, query: Callable[[Any, Any], Any]) -> Any:
        """The driver's answer; None, with the reason kept, where it has none. It is not asked again then."""
        if name in self._missing:
            return None
        try:
            return query(nvidia.library(), self._handle)
        except Exception as problem:  # of the driver, or of a package that lacks the function
            self._missing[name] = f"the driver does not tell: {nvidia.reason(problem)}"
            return None

    def sample(self) -> None:
        if now() < self._settled:
            return
        for name, query in MOMENTS.items():
            if (value := self._ask(name, query)) is not None:
                self._seen[name].append(float(value))
        processes = self._ask("gpu_foreign_processes", _processes)
        if processes is not None:
            self._count(processes)

    def _count(self, processes: list[Any]) -> None:
        """Containers show other process ids than ours: as many as we have are ours, and an only one must be it."""
        ours = {self._pid, *self._company}
        hidden = not any(one.pid in ours for one in processes)
        own = [one for one in processes if one.pid == self._pid]
        if hidden and len(processes) == len(ours) == 1:
            own = processes
        others = len(processes) - len(ours) if hidden else sum(one.pid not in ours for one in processes)
        self._seen["gpu_foreign_processes"].append(max(others, 0))
        if own and own[0].usedGpuMemory is not None:
            self._seen["gpu_memory_bytes"].append(own[0].usedGpuMemory)
        else:
            what = "its memory" if own else "which process is ours, as containers have ids of their own"
            self._missing["gpu_memory_bytes"] = f"the driver does not tell {what}"

    def end(self, sustained: SustainedStats) -> Readings:
        after = self._ask("gpu_joules_per_image", _energy)
        if self._handle is not None:
            nvidia.end()
        if after is not None:
            joules = (after - self._energy) / 1e3
            if sustained.seconds < SHORTEST or joules <= 0:
                said = f"the energy counter moved by {joules:g} J in {sustained.seconds:.1f} s; run for longer"
                self._missing["gpu_joules_per_image"] = said
        values = {name: fmean(seen) for name, seen in self._seen.items() if seen and name not in PROCESSES}
        values |= {name: max(self._seen[name]) for name in PROCESSES if self._seen[name]}
        if after is not None and "gpu_joules_per_image" not in self._missing:
            values["gpu_joules_per_image"] = joules / sustained.images
        nothing = dict.fromkeys(NVML.quantities, "the sustained run ended before the driver was asked")
        return {**nothing, **self._missing, **values}


PROCESSES = ("gpu_foreign_processes", "gpu_memory_bytes")
"""What is known of processes; the largest counts."""
NVML = Meter("nvml", (*MOMENTS, *PROCESSES, "gpu_joules_per_image"), NvmlMeter)
