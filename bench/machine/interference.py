"""What else the machine does while a round runs: read just before and after it, outside what is timed.

Linux tells through /proc, and of CPU quotas through control groups; where a file is not there, its figures are left
out, never 0.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from impls import cgroups
from impls.usable import allowed_cores
from results.schema.record import TICK

TICKS = 1 / TICK
BUSY = slice(0, 3)  # user, nice, system: of the processors' times in /proc/stat
INTERRUPTS = slice(5, 7)
STEAL = 7


@dataclass(frozen=True)
class Reading:
    """Counters since the machine, or the process, began; seconds and counts. None: the system does not say."""

    wall: float
    own_cpu: float
    busy: float | None
    steal: float | None
    pressure: float | None
    major_faults: int
    runnable: int | None
    throttling: cgroups.Throttling | None


@cache
def throttling_files() -> Sequence[str]:
    """The files that tell of CPU quotas used up; none where no quota is set."""
    return tuple(map(str, cgroups.throttling_files()))


@dataclass
class Watch:
    """Readings around the rounds of a turn; `seen` are the differences, by the names of
    results.schema.record.Conditions."""

    cores: frozenset[str] = field(default_factory=lambda: frozenset(map("cpu{}".format, allowed_cores())))
    quotas: Sequence[str] = field(default_factory=throttling_files)
    seen: dict[str, list[Any]] = field(default_factory=dict)
    _last: Reading | None = None

    def begin(self) -> None:
        """The first round begins."""
        self._last = read(self.cores, self.quotas)

    def round(self) -> None:
        """A round has ended, and the next one begins."""
        assert self._last is not None, "begin() comes before round()"
        before, self._last = self._last, read(self.cores, self.quotas)
        for name, value in between(before, self._last).items():
            self.seen.setdefault(name, []).append(value)


def read(cores: Iterable[str], quotas: Iterable[str] = ()) -> Reading:
    """The counters now; `cores` are names as in /proc/stat, `quotas` the files of `throttling_files`."""
    busy, steal = _processor_times(frozenset(cores))
    return Reading(
        wall=time.monotonic(),
        own_cpu=time.process_time(),
        busy=busy,
        steal=steal,
        pressure=_pressure(),
        major_faults=resource.getrusage(resource.RUSAGE_SELF).ru_majflt,
        runnable=_runnable(),
        throttling=cgroups.throttling(map(_read, quotas)),
    )


def between(before: Reading, after: Reading) -> dict[str, float]:
    """What happened from one reading to a later one; what is unknown is left out."""
    own = after.own_cpu - before.own_cpu
    one, other = before.throttling, after.throttling
    seen: dict[str, float | None] = {
        "wall": after.wall - before.wall,
        "own_cpu": own,
        "foreign_cpu": _less(_less(after.busy, before.busy), own),
        "steal": _less(after.steal, before.steal),
        "pressure": _less(after.pressure, before.pressure),
        "major_faults": after.major_faults - before.major_faults,
        "runnable": after.runnable,
        "throttled": other.seconds - one.seconds if one and other else None,
        "throttled_periods": other.periods - one.periods if one and other else None,
    }
    return {name: round(value, 6) for name, value in seen.items() if value is not None}


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
    """Seconds in which some task waited for a processor (/proc/pressure/cpu: "some avg10=... total=MICROSECONDS")."""
    _, _, total = _read("/proc/pressure/cpu").partition("total=")
    return int(total.split(maxsplit=1)[0]) / 1e6 if total else None


def _runnable() -> int | None:
    """Tasks running or ready to (/proc/loadavg: "0.1 0.2 0.3 RUNNABLE/ALL LAST")."""
    fields = _read("/proc/loadavg").split()
    return int(fields[3].partition("/")[0]) if len(fields) > 3 else None


def _read(path: str) -> str:
    """A file of /proc, or "" where there is none; without Python's layers, as it is read beside every round."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        return os.read(file, 1 << 16).decode(errors="replace")
    except OSError:  # pressure can be switched off at boot: the file is there and cannot be read
        return ""
    finally:
        os.close(file)
