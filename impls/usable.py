"""Which cores and how much memory this process may use: the machine's, less what affinity and control groups withhold.

Every count of cores and of free memory in the project comes from here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import psutil

from impls import cgroups


@cache
def allowed_cores() -> tuple[int, ...]:
    """The cores that this process may be put on, as it was when first asked: threads are bound to one each later."""
    own = psutil.Process()
    return tuple(sorted(own.cpu_affinity() if hasattr(own, "cpu_affinity") else range(psutil.cpu_count() or 1)))


@cache
def usable_cores() -> tuple[int, ...]:
    """Those of the allowed cores to compute on: no more than a CPU quota keeps busy."""
    return within(allowed_cores(), cgroups.cpu_quota())


def within(cores: Sequence[int], quota: float | None) -> tuple[int, ...]:
    """The first of the cores, as many as `quota` (in cores, None for no quota) pays for in full; at least one.

    Under a quota of 1.5 that is one: two threads that compute would spend it after three quarters of every period, and
    both would then be stopped until the next.
    """
    return tuple(cores if quota is None else cores[: max(1, math.floor(quota))])


def available_memory() -> int:
    """Bytes that may be taken now: what the machine has free, or what is left of a control group's limit if less."""
    free, left = psutil.virtual_memory().available, cgroups.memory_left()
    return free if left is None else min(free, left)
