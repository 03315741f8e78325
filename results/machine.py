"""The machine's description: what a reader needs to tell two systems apart, and what may have disturbed."""

from __future__ import annotations

import contextlib
import os
import platform
from pathlib import Path
from typing import Any

import psutil

BUSY_SHARE = 0.15
"""Load, as a share of the cores, from which a machine is called busy before anything was started."""


def describe(gpus: object = None) -> dict[str, Any]:
    """Processor, memory, system and Python, null where the system does not say; and what is known of its GPUs."""
    return {
        "cpu": _cpu_name(),
        "cores": psutil.cpu_count(logical=False),
        "threads": psutil.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "os": platform.system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "load_before": _load(),
        "gpus": gpus,
    }


def warnings(machine: dict[str, Any]) -> list[dict[str, str]]:
    """What about the machine may spoil a measurement, each with what to do."""
    load, threads = machine["load_before"], machine["threads"]
    if load is not None and threads and load > BUSY_SHARE * threads:
        return [
            {
                "what": f"the machine was busy before anything was measured: load {load:.2f} on {threads} threads",
                "remedy": "stop what else is running, or compare only contestants of the same block",
            }
        ]
    return []


def _load() -> float | None:
    with contextlib.suppress(OSError):
        return os.getloadavg()[0]
    return None


def _cpu_name() -> str | None:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or None
