"""Interference counters: what else the machine does during a round, read just before and after it, outside the timing.

Sources are Linux's /proc and, for CPU quotas, control groups. Values of a missing file are left out, never 0.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from impls.host import cgroups
from impls.host.usable import allowed_cores
from results.schema.record import TICK

TICKS = 1 / TICK
BUSY = slice(0, 3)  # user, nice, system: of the processors' times in /proc/stat
INTERRUPTS = slice(5, 7)
STEAL = 7


@dataclass(frozen=True)
class Reading:
    """Counters since the start of the machine or the process: seconds and counts. None: not available."""

    wall: float
    own_cpu: float
    busy: float | None
    steal: float | None
    pressure: float | None
    minor_faults: int
    major_faults: int
    runnable: int | None
    throttling: cgroups.Throttling | None


@cache
def throttling_files() -> Sequence[str]:
    """The files with statistics of CPU quota throttling; none where no quota is set."""
    return tuple(map(str, cgroups.throttling_files()))


@dataclass
class Watch:
    """Readings around the rounds of a turn. `seen`: differences by the names of results.schema.record.Conditions."""

    cores: frozenset[str] = field(default_factory=lambda: frozenset(map("cpu{}".format, allowed_cores())))
    quotas: Sequence[str] = field(default_factory=throttling_files)
    seen: dict[str, list[Any]] = field(default_factory=dict)
    _last: Reading | None = None
    processes: Sequence[int] = ()  # the ids of others that compute for this one

    def begin(self) -> None:
        """Mark the begin of the first round."""
        self._last = read(self.cores, self.quotas, self.processes)

    def round(self) -> None:
        """Mark the end of a round, which is the begin of the next."""
        assert self._last is not None, "begin() comes before round()"
        before, self._last = self._last, read(self.cores, self.quotas, self.processes)
        for name, value in between(before, self._last).items():
            self.seen.setdefault(name, []).append(value)


def read(cores: Iterable[str], quotas: Iterable[str] = (), processes: Iterable[int] = ()) -> Reading:
    """Read the counters. `cores`: names as in /proc/stat; `quotas`: the files of `throttling_files`.

    `processes`: the ids of others that compute for this one, whose time and faults are added.
    """
    busy, steal = _processor_times(frozenset(cores))
    used = resource.getrusage(resource.RUSAGE_SELF)
    others = [used_by(process) for process in processes]
    return Reading(
        wall=time.monotonic(),
        own_cpu=time.process_time() + sum(one.cpu for one in others),
        busy=busy,
        steal=steal,
        pressure=_pressure(),
        minor_faults=used.ru_minflt + sum(one.minor_faults for one in others),
        major_faults=used.ru_majflt + sum(one.major_faults for one in others),
        runnable=_runnable(),
        throttling=cgroups.throttling(map(_read, quotas)),
    )


def between(before: Reading, after: Reading) -> dict[str, float]:
    """Differences between two readings; unknown values are left out."""
    own_cpu = after.own_cpu - before.own_cpu
    start, end = before.throttling, after.throttling
    differences: dict[str, float | None] = {
        "wall": after.wall - before.wall,
        "own_cpu": own_cpu,
        "foreign_cpu": _less(_less(after.busy, before.busy), own_cpu),
        "steal": _less(after.steal, before.steal),
        "pressure": _less(after.pressure, before.pressure),
        "minor_faults": after.minor_faults - before.minor_faults,
        "major_faults": after.major_faults - before.major_faults,
        "runnable": after.runnable,
        "throttled": end.seconds - start.seconds if start and end else None,
        "throttled_periods": end.periods - start.periods if start and end else None,
    }
    return {name: round(value, 6) for name, value in differences.items() if value is not None}


@dataclass(frozen=True)
class Used:
    """What another process has used since it began: seconds on all cores, and page faults."""

    cpu: float = 0.0
    minor_faults: int = 0
    major_faults: int = 0


def used_by(process: int) -> Used:
    """From /proc/ID/stat, whose times are in ticks; nothing where the system does not say."""
    _, _, rest = _read(f"/proc/{process}/stat").rpartition(")")  # the name before it may have spaces
    fields = rest.split()
    if len(fields) < 13:
        return Used()
    minor_faults, major_faults, user, system = (int(fields[place]) for place in (7, 9, 11, 12))
    return Used((user + system) / TICKS, minor_faults, major_faults)


def _less(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before


def _processor_times(cores: frozenset[str]) -> tuple[float | None, float | None]:
    """(busy, stolen) seconds of the cores."""
    busy = steal = 0
    for line in _read("/proc/stat").splitlines():
        name, _, rest = line.partition(" ")
        if name in cores:
            times = list(map(int, rest.split()))
            busy += sum(times[BUSY]) + sum(times[INTERRUPTS])
            steal += times[STEAL] if len(times) > STEAL else 0
    return (busy / TICKS, steal / TICKS) if busy else (None, None)


def _pressure() -> float | None:
    """Seconds in which some task waited for a CPU (/proc/pressure/cpu: "some avg10=... total=MICROSECONDS")."""
    _, _, total = _read("/proc/pressure/cpu").partition("total=")
    return int(total.split(maxsplit=1)[0]) / 1e6 if total else None


def _runnable() -> int | None:
    """Tasks running or ready to (/proc/loadavg: "0.1 0.2 0.3 RUNNABLE/ALL LAST")."""
    fields = _read("/proc/loadavg").split()
    return int(fields[3].partition("/")[0]) if len(fields) > 3 else None


def _read(path: str) -> str:
    """A file of /proc, or "" if it is missing; with plain system calls, as it is read around every round."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        return os.read(file, 1 << 16).decode(errors="replace")
    except OSError:  # pressure can be disabled at boot: the file exists but cannot be read
        return ""
    finally:
        os.close(file)
