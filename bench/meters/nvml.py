"""NVML meter: an NVIDIA card during a sustained run, read from its driver several times a second.

Utilisation is the share of time in which any kernel ran, however small. A value that the driver does not report is
missing with the driver's message as the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from statistics import fmean
from typing import Any

from bench.clock import now
from bench.meters import Meter, Readings, SustainedStats, Watcher
from impls.host import nvidia

SHORTEST = 2.0
"""Minimum seconds of a sustained run for the energy counter, which advances in steps."""
SETTLE = 1.0
"""Seconds at the start of a sustained run without readings: utilisation and power cover the second before."""
SLOWED = (
    "nvmlClocksEventReasonSwPowerCap",
    "nvmlClocksThrottleReasonHwSlowdown",
    "nvmlClocksEventReasonSwThermalSlowdown",
    "nvmlClocksThrottleReasonHwThermalSlowdown",
    "nvmlClocksThrottleReasonHwPowerBrakeSlowdown",
)
"""Reasons for lower clocks that disturb a measurement; idling and clocks set by the user are not among them."""


def _slowed(nvml: Any, handle: Any) -> float:
    reasons = _reasons(nvml, handle)
    return float(any(reasons & getattr(nvml, name) for name in SLOWED))


def _reasons(nvml: Any, handle: Any) -> int:
    try:
        return int(nvml.nvmlDeviceGetCurrentClocksEventReasons(handle))
    except nvml.NVMLError_FunctionNotFound:  # an older driver, with the older name
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
"""Queries for instantaneous values; their mean over the sustained run is reported."""


def _energy(nvml: Any, handle: Any) -> float:
    """Millijoules since the driver was loaded."""
    return float(nvml.nvmlDeviceGetTotalEnergyConsumption(handle))


def _processes(nvml: Any, handle: Any) -> list[Any]:
    return list(nvml.nvmlDeviceGetComputeRunningProcesses(handle))


class NvmlMeter(Watcher):
    """Meter of the card that a launch computes on."""

    def __init__(self, pid: int, device: str, other_pids: Set[int], settle: float = SETTLE):
        self._pid, self._other_pids = pid, other_pids
        self._settled = now() + settle
        self._seen: dict[str, list[float]] = {name: [] for name in (*MOMENTS, *PROCESSES)}
        self._missing: dict[str, str] = {}
        self._handle: Any
        self._handle, problem = nvidia.handle() if device != "cpu" else (None, "it runs on the CPU")
        if self._handle is None:
            self._missing = dict.fromkeys(NVML.quantities, problem)
        self._energy = self._ask("gpu_joules_per_image", _energy)

    def _ask(self, name: str, query: Callable[[Any, Any], Any]) -> Any:
        """The driver's answer; None, with the reason kept, if there is none. Such a query is not repeated."""
        if name in self._missing:
            return None
        try:
            return query(nvidia.library(), self._handle)
        except Exception as problem:  # the driver failed, or the package lacks the function
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
        """Count foreign processes and read the launch's memory.

        In containers the driver reports other process ids: then as many as the block has launches are taken as its
        own, and a single process as the launch."""
        ours = {self._pid, *self._other_pids}
        hidden = not any(process.pid in ours for process in processes)
        matching = [process for process in processes if process.pid == self._pid]
        if hidden and len(processes) == len(ours) == 1:
            matching = processes
        others = len(processes) - len(ours) if hidden else sum(process.pid not in ours for process in processes)
        self._seen["gpu_foreign_processes"].append(max(others, 0))
        if matching and matching[0].usedGpuMemory is not None:
            self._seen["gpu_memory_bytes"].append(matching[0].usedGpuMemory)
        else:
            what = "its memory" if matching else "which process is the launch, as process ids differ in containers"
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
        return {**default, **self._missing, **values}


PROCESSES = ("gpu_foreign_processes", "gpu_memory_bytes")
"""Quantities of processes; their maximum is reported."""
NVML = Meter("nvml", (*MOMENTS, *PROCESSES, "gpu_joules_per_image"), NvmlMeter)
