"""Description of the machine, and warnings about its state."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from impls.host import cgroups, nvidia, usable

USUAL = "other"
"""The default scheduling policy of processes (SCHED_OTHER)."""
BUSY_SHARE = 0.15
"""The load, as a share of the cores, above which a machine counts as busy."""


def describe(gpus: object = None, cards: object = None) -> dict[str, Any]:
    """CPU, memory, operating system and Python, null if the system does not report it; and the given facts of its GPUs.

    `cards`: facts of those that launches compute on.

    `allowed_cores`: number of cores in this process's affinity. `cpu_quota` (in cores) and `memory_limit_bytes`: the
    strictest limits of its control groups, null without one.
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
        "cards": cards,
    }


def warnings(machine: dict[str, Any]) -> list[dict[str, str]]:
    """Warnings about the machine and the priority of this process, each with a remedy."""
    quota = short_quota(machine["cpu_quota"], machine["allowed_cores"])
    return [*busy(machine), *quota, *priority(machine), *card_warnings(machine["cards"] or ())]


def short_quota(quota: float | None, cores: int) -> list[dict[str, str]]:
    """Warn of a CPU quota (in cores; None: there is none) below the number of usable cores."""
    if quota is None or quota >= cores:
        return []
    threads = len(usable.within(range(cores), quota))
    fate = "which is throttled in every period" if quota < 1 else "as more would be throttled in every period"
    return [
        {
            "what": f"a CPU quota of {quota:.3g} core{'s' * (quota != 1)} is below the number of usable cores "
            f"({cores}): contestants have {threads} thread{'s' * (threads > 1)}, {fate}",
            "remedy": "raise the container's quota (docker --cpus), or bind it to whole cores (docker --cpuset-cpus)",
        }
    ]


def busy(machine: dict[str, Any]) -> list[dict[str, str]]:
    """Warn of load on the machine before the measurement."""
    load, threads = machine["load_before"], machine["threads"]
    if load is not None and threads and load > BUSY_SHARE * threads:
        return [
            {
                "what": f"the machine was busy before the measurement: load {load:.2f} on {threads} threads",
                "remedy": "stop other processes, or compare only contestants of the same block",
            }
        ]
    return []


def priority(machine: dict[str, Any]) -> list[dict[str, str]]:
    """Warn if this process, and therefore all launches, have another priority or scheduling policy than usual."""
    niceness, scheduling = machine["niceness"], machine["scheduling"]
    if not niceness and scheduling in (USUAL, None):
        return []
    how = f"niceness {niceness}" + (f" and scheduling policy {scheduling}" if scheduling else "")
    return [
        {
            "what": f"launches inherit {how}, so their share of CPU time differs from that of other processes",
            "remedy": f"start it without nice and chrt, so that it has niceness 0 and policy {USUAL}",
        }
    ]


def card_warnings(cards: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Warn of the state of cards before the measurement; `cards`: facts as of impls.host.nvidia.chosen.

    A fact that the driver does not tell gives no warning.
    """
    return [
        {"what": f"{card.get('name') or 'the card'}: {what}", "remedy": remedy}
        for card in cards
        for what, remedy in _about(card)
    ]


def _about(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a card's state does to times, and the remedy."""
    if others := card.get("processes"):
        yield f"{others} other compute processes are on it", "stop them (nvidia-smi lists them), or choose another card"
    elif (card.get("utilisation") or 0) > nvidia.IDLE_UTILISATION:
        used = f"{card['utilisation']:.0%} of the time in use, though no process is listed"
        yield f"{used}: another container or guest may share it", "choose a card that nothing else uses"
    if drawing := card.get("graphics_processes"):
        what = f"{drawing} graphics processes draw on it, which delays kernels and takes memory"
        yield what, "measure without a display (systemctl isolate multi-user), or on another card"
    if why := card.get("slowed_by"):
        yield f"its clocks are lowered before the measurement by {why}", "cool it, or nvidia-smi -lgc MHZ, -pl WATTS"
    if card.get("persistence") is False:
        yield "persistence mode is off: the driver may unload between processes", "nvidia-smi -pm 1"
    if card.get("mig_profile"):
        what = "a MIG device, whose card others may use at the same time; its clock, power and energy are not known"
        yield what, "measure on a whole card if it is to be had (nvidia-smi -mig 0)"
    if card.get("compute_mode") == nvidia.EXCLUSIVE:
        what = "its compute mode is exclusive process: contestants run one at a time, and there are no ratios"
        yield what, "nvidia-smi -c DEFAULT"
    if card.get("ecc") is False:
        what = "ECC is off, with which memory may be a little faster and is not checked"
        yield what, "compare only with cards that are set alike, or nvidia-smi -e 1"


def _scheduling() -> str | None:
    """The scheduling policy of this process ("other" is the default); None if the system has none."""
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
