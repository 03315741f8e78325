"""The machine's description: what a reader needs to tell two systems apart, and what may have disturbed."""

from __future__ import annotations

import contextlib
import os
import platform
from pathlib import Path
from typing import Any

import psutil

from impls.host import cgroups, usable

USUAL = "other"
"""The scheduling policy that processes have if nobody asked for another."""
BUSY_SHARE = 0.15
"""Load, as a share of the cores, from which a machine is called busy before anything was started."""


def describe(gpus: object = None) -> dict[str, Any]:
    """Processor, memory, system and Python, null where the system does not say; and what is known of its GPUs.

    `allowed_cores` are those that this process may be put on; `cpu_quota` (in cores) and `memory_limit_bytes` are the
    strictest that control groups set, null without one.
    """
    return {
        "cpu": _cpu_name(),
        "cores": psutil.cpu_count(logical=False),
        "threads": psutil.cpu_count(),
        "allowed_cores": len(usable.allowed_cores()),
        "cpu_quota": cgroups.cpu_quota(),
        "memory_bytes": psutil.virtual_memory().total,
        "memory_limit_bytes": cgroups.memory_limit(),
        "os": platform.system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "load_before": _load(),
        "niceness": psutil.Process().nice(),
        "scheduling": _scheduling(),
        "gpus": gpus,
    }


def warnings(machine: dict[str, Any]) -> list[dict[str, str]]:
    """What about the machine, and how this process was started, may spoil a measurement, each with what to do."""
    quota = short_quota(machine["cpu_quota"], machine["allowed_cores"])
    return [*busy(machine), *quota, *priority(machine)]


def short_quota(quota: float | None, cores: int) -> list[dict[str, str]]:
    """A CPU quota (in cores; None: there is none) that does not pay for all of the cores that may be used."""
    if quota is None or quota >= cores:
        return []
    threads = len(usable.within(range(cores), quota))
    fate = "which is stopped in every period" if quota < 1 else "and any more would be stopped in every period"
    return [
        {
            "what": f"a CPU quota of {quota:.3g} core{'s' * (quota != 1)} is below the {cores} that may be used: "
            f"contestants have {threads} thread{'s' * (threads > 1)}, {fate}",
            "remedy": "raise the container's quota (docker --cpus), or bind it to whole cores (docker --cpuset-cpus)",
        }
    ]


def busy(machine: dict[str, Any]) -> list[dict[str, str]]:
    """Of work that was there before."""
    load, threads = machine["load_before"], machine["threads"]
    if load is not None and threads and load > BUSY_SHARE * threads:
        return [
            {
                "what": f"the machine was busy before anything was measured: load {load:.2f} on {threads} threads",
                "remedy": "stop what else is running, or compare only contestants of the same block",
            }
        ]
    return []


def priority(machine: dict[str, Any]) -> list[dict[str, str]]:
    """A warning if the scheduler treats this process, and so all launches, in another way than others."""
    niceness, scheduling = machine["niceness"], machine["scheduling"]
    if not niceness and scheduling in (USUAL, None):
        return []
    how = f"niceness {niceness}" + (f" and scheduling policy {scheduling}" if scheduling else "")
    return [
        {
            "what": f"launches have {how}, as this process has: beside others they get another share of the time",
            "remedy": f"start it without nice and chrt, so that it has niceness 0 and policy {USUAL}",
        }
    ]


def _scheduling() -> str | None:
    """The scheduling policy of this process: "other" is the usual one; None where the system has none."""
    if not hasattr(os, "sched_getscheduler"):
        return None
    policy = os.sched_getscheduler(0)
    names = (USUAL, "batch", "idle", "fifo", "rr")
    return next((name for name in names if getattr(os, f"SCHED_{name.upper()}", None) == policy), str(policy))


def _load() -> float | None:
    with contextlib.suppress(OSError):
        return os.getloadavg()[0]
    return None


def _cpu_name() -> str | None:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or None
