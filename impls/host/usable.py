"""Usable cores and memory of this process: the machine's, restricted by affinity and control groups.

Every count of cores and of free memory in the project comes from here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import psutil

from impls.host import cgroups


@cache
def allowed_cores() -> tuple[int, ...]:
    """The cores that this process may run on, as of the first call: later its threads are bound to single cores."""
    process = psutil.Process()
    return tuple(sorted(process.cpu_affinity() if hasattr(process, "cpu_affinity") else range(psutil.cpu_count() or 1)))


@cache
def usable_cores() -> tuple[int, ...]:
    """The allowed cores to compute on: no more than a CPU quota can keep busy."""
    return within(allowed_cores(), cgroups.cpu_quota())


def within(cores: Sequence[int], quota: float | None) -> tuple[int, ...]:
    """The first of the cores, as many as `quota` (in cores; None: no quota) covers completely; at least one.

    With a quota of 1.5 that is one: two computing threads would use it up after three quarters of every period, and
    would then be throttled until the next.
    """
    return tuple(cores if quota is None else cores[: max(1, math.floor(quota))])


def available_memory() -> int:
    """Bytes that can be allocated now: the machine's free memory, or the rest of a control group's limit if less."""
    free, left = psutil.virtual_memory().available, cgroups.memory_left()
    return free if left is None else min(free, left)
