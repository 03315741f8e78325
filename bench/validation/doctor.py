"""Doctor: checks whether the machine is fit for measuring, from its configuration and a few seconds of load."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bench.clock import now, time_round
from bench.gate import evidence_cache
from bench.machine.interference import Watch
from bench.meters import absent, meters
from bench.plan import settings
from impls.frameworks import frameworks
from impls.host import cgroups, nvidia, usable
from impls.host.environment import altering, words
from impls.terminal import console
from results import machine
from results.quality.interference import STEAL_SHARE, Disturbance, foreign_limit
from results.schema.record import Conditions
from results.units import amount

GOOD, WARN, BAD = "good", "worse", "bad"
"""Levels: nothing to do; verdicts need more time or have wider intervals; times are not reliable."""

ENOUGH_MEMORY = 8 * 2**30
ENOUGH_DISK = 2**30
STEADY_SPREAD = 0.02
LOAD = "background load"


@dataclass(frozen=True)
class Check:
    """Result of one check: its state in words with figures, and a remedy (empty if it is good)."""

    about: str
    level: str
    what: str
    remedy: str = ""


def examine(seconds: float, device: str = "") -> list[Check]:
    """All checks, the most severe first.

    `seconds`: time spent on measuring interference. `device`: what will be measured on, "cpu" or "cuda"; without one, a
    card is examined if there is one.
    """
    findings = [finding for check in CHECKS for finding in check()] + [*_cards(device), *_watch(seconds)]
    return sorted(findings, key=lambda finding: (BAD, WARN, GOOD).index(finding.level))


def _cores() -> Iterator[Check]:
    cores, all_cores = settings.cores(), psutil.cpu_count() or 1
    if cores < 2:
        yield Check("cores", WARN, "one core: the harness and its contestants share it", "allow at least two cores")
    else:
        yield Check("cores", GOOD, f"{cores} of {all_cores} cores may be used")
    quota = cgroups.cpu_quota()
    for warning in machine.short_quota(quota, len(usable.allowed_cores())):
        yield Check("cores", BAD if quota and quota < 1 else WARN, warning["what"], warning["remedy"])


def _frequency() -> Iterator[Check]:
    governors = {
        path.read_text().strip() for path in Path("/sys/devices/system/cpu").glob("cpu*/cpufreq/scaling_governor")
    }
    if governors - {"performance"}:
        yield Check(
            "clock",
            WARN,
            f"the frequency governor is {', '.join(sorted(governors))}: clocks follow the load",
            "cpupower frequency-set -g performance",
        )
    elif governors:
        yield Check("clock", GOOD, "the frequency governor is performance")
    else:
        yield Check(
            "clock",
            GOOD,
            "clock frequencies are not available (usual in a virtual machine); see the check of stability",
        )
    battery = getattr(psutil, "sensors_battery", lambda: None)()
    if battery is not None and battery.power_plugged is False:
        yield Check("power", BAD, f"running on a battery at {battery.percent:.0f} %", "plug it in")


def _memory() -> Iterator[Check]:
    free, swap, limit = usable.available_memory(), psutil.swap_memory().used, cgroups.memory_limit()
    within = f" of a limit of {amount(limit)} (control group)" if limit is not None else ""
    if free < ENOUGH_MEMORY:
        yield Check(
            "memory",
            WARN,
            f"{amount(free)} are free{within}; suites take up to {amount(ENOUGH_MEMORY)}",
            f'close programs, or set memory = "{max(int(free / 2**30) - 1, 1)}GiB" in a copy of the suite',
        )
    else:
        yield Check("memory", GOOD, f"{amount(free)} are free{within}")
    if swap > 2**28:
        yield Check("swap", WARN, f"{amount(swap)} are swapped out", "free memory; then swapoff -a && swapon -a")


def _disk() -> Iterator[Check]:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < ENOUGH_DISK:
        yield Check(
            "disk", WARN, f"{amount(free)} are free here", "free space: weights and compilers' caches need up to 1 GiB"
        )


def _randomization() -> Iterator[Check]:
    with contextlib.suppress(OSError):
        if Path("/proc/sys/kernel/randomize_va_space").read_text().strip() == "0":
            yield Check(
                "addresses",
                WARN,
                "address randomization is off: all launches have the same memory layout, so intervals are too narrow",
                "sysctl kernel.randomize_va_space=2",
            )


def _load() -> Iterator[Check]:
    described = machine.describe(nvidia.state())
    for about, check in (("load", machine.busy), ("priority", machine.priority)):
        for warning in check(described):
            yield Check(about, WARN, warning["what"], warning["remedy"])


def _frameworks() -> Iterator[Check]:
    for framework in frameworks().values():
        if reason := framework.missing():
            yield Check(framework.name, WARN, f"not available: {reason}", "run that command, or omit this framework")
            continue
        versions = ", ".join(f"{name} {version}" for name, version in framework.versions().items())
        yield Check(framework.name, GOOD, versions)
        for execution in framework.executions:
            if reason := framework.missing_here(execution):
                yield Check(
                    framework.name, WARN, f"{execution.name}: {reason}", "run that command, or omit this execution"
                )


def _meters() -> Iterator[Check]:
    if here := meters():
        reason = nvidia.undescribed()
        cards = f"; no NVIDIA card is described: {reason}" if reason else ""
        yield Check("meters", GOOD, f"{', '.join(here)}{cards}")
    for name, reason in absent().items():
        yield Check(
            "meters", WARN, f"{name} is absent: {reason}", "repair or remove it, or ignore this if you do not need it"
        )


def _cards(device: str) -> Iterator[Check]:
    """The cards that launches would compute on."""
    if device == "cpu":
        return
    if reason := nvidia.missing():
        if device:
            yield Check("card", BAD, f"--device {device}: {reason}", "repair that, or measure with --device cpu")
        return
    if reason := nvidia.undescribed():
        what = f"CUDA works, but clocks, energy and other processes are not known: {reason}"
        yield Check("card", WARN, what, "in a container, add utility to NVIDIA_DRIVER_CAPABILITIES")
    for card in nvidia.chosen():
        facts = (card["uuid"], card["pci"], f"driver {card['driver']}", f"compute capability {card['capability']}")
        yield Check("card", GOOD, f"{card['name']} ({', '.join(filter(None, facts))})")
        for warning in machine.card_warnings([card]):
            yield Check("card", WARN, warning["what"], warning["remedy"])


def _watch(seconds: float) -> Iterator[Check]:
    """Repeat fixed work: CPU use of other processes meanwhile, and variation of the work's time."""
    watch, block = Watch(), _work()
    times: list[float] = []
    deadline = now() + seconds
    watch.begin()
    while now() < deadline or len(times) < 10:
        times.append(time_round(block, lambda _: None, 1)[0])
    watch.round()
    conditions = {name: tuple(values) for name, values in watch.seen.items()}
    disturbance = Disturbance.of(Conditions(len(watch.cores), **conditions))
    yield from _others(disturbance)
    yield _spread(np.asarray(times))


def _work(side: int = 192) -> Callable[[], Any]:
    array = np.random.default_rng(0).standard_normal((side, side)).astype(np.float32)
    return lambda: [array @ array for _ in range(8)]


def _others(disturbance: Disturbance) -> Iterator[Check]:
    if math.isnan(disturbance.other_cpus_used):
        yield Check(LOAD, WARN, "CPU use of other processes is not available", "measure on Linux to have it checked")
        return
    if disturbance.other_cpus_used > (limit := foreign_limit(settings.cores())):
        what = f"other processes use {disturbance.other_cpus_used:.2f} cores, more than the limit of {limit:.2f}"
        yield Check(LOAD, BAD, what, "stop other processes (top lists them)")
    else:
        yield Check(LOAD, GOOD, f"other processes use {max(disturbance.other_cpus_used, 0):.2f} cores")
    if disturbance.steal > STEAL_SHARE:
        what = f"the hypervisor gives {disturbance.steal:.1%} of the CPU time to other guests"
        yield Check("steal", BAD, what, "use another machine, or a time with less load on its host")


def _spread(times: np.ndarray) -> Check:
    """Spread of the medians of four quarters of the time: shows drift and steps."""
    medians = [float(np.median(part)) for part in np.array_split(times, 4)]
    spread = max(medians) / min(medians) - 1
    slow = float(np.mean(times > 1.5 * np.median(times)))
    what = (
        f"repeated work: medians of quarters of the time differ by {spread:.1%}; "
        f"{slow:.1%} of repeats take over 1.5 times the median"
    )
    if spread > 5 * STEADY_SPREAD:
        return Check(
            "stability",
            BAD,
            what,
            "throttling or interference: let the machine cool, stop other processes, fix the clock frequency",
        )
    if spread > STEADY_SPREAD or slow > 0.05:
        return Check("stability", WARN, what, "verdicts need more launches: use --preset standard")
    return Check("stability", GOOD, what)


def _environment() -> Iterator[Check]:
    if set_here := altering(os.environ):
        what = f"the shell sets variables that may change times: {words(set_here)}; "
        what += "launches inherit them with --as-shipped only"
        yield Check("environment", WARN, what, "unset them; to measure with one of them, use --keep-env NAME")


def _parity() -> Iterator[Check]:
    folder = evidence_cache.default_folder()
    found = evidence_cache.contents(folder)
    since = f", the newest of {found.newest}" if found.entries else ""
    yield Check("parity", GOOD, f"{found.entries} proofs of equal networks are kept in {folder}{since}")


CHECKS: tuple[Callable[[], Iterator[Check]], ...] = (
    _cores, _frequency, _memory, _disk, _randomization, _load, _environment, _meters, _frameworks, _parity,
)  # fmt: skip


def print_findings(findings: list[Check]) -> None:
    """Print one line per check, with the remedy below it if there is one."""
    out = console()
    styles, marks = {GOOD: "green", WARN: "yellow", BAD: "red"}, {GOOD: "+", WARN: "!", BAD: "x"}
    for check in findings:
        line = f"{marks[check.level]} {check.about}: {check.what}"
        out.print(line, style=styles[check.level], markup=False, highlight=False)
        if check.remedy:
            out.print(f"  → {check.remedy}", markup=False, highlight=False, soft_wrap=True)
