"""Threads that compute, each bound to a core, so that none wanders from one to another while it is timed.

OpenMP's runtimes do so themselves when OMP_PROC_BIND says so (bench.plan.settings); pools of other kinds (Eigen's, of
TensorFlow and JAX) have no such setting and are bound here. Linux only: elsewhere nothing is bound.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from impls.usable import allowed_cores

TASKS = Path("/proc/self/task")
COMPUTES = 0.05
"""Share of the busiest thread's time from which on a thread is one that computes."""


def running_times() -> dict[int, int]:
    """Nanoseconds that each thread of this process has been on a core, by its id."""
    times = {}
    with suppress(FileNotFoundError):
        for task in TASKS.iterdir():
            with suppress(OSError):  # it has ended meanwhile, or the kernel keeps no such statistics
                times[int(task.name)] = int((task / "schedstat").read_text().split()[0])
    return times


def bind_computing(before: Mapping[int, int]) -> int:
    """Bind whichever threads have computed since `before`; how many of this process are bound to one core now.

    The thread that calls has the first core, as OpenMP has it, and the others the cores by turns, in the order in which
    they were begun. Those that somebody has bound already stay where they are.
    """
    spent = {thread: time - before.get(thread, 0) for thread, time in running_times().items()}
    caller, cores = threading.get_native_id(), sorted(allowed_cores())
    least = COMPUTES * max(spent.values(), default=0)
    others = [thread for thread in sorted(spent) if spent[thread] >= least and thread != caller]
    places = {thread: cores[place % len(cores)] for place, thread in enumerate(others)}
    return sum(_bind(thread, core) for thread, core in {caller: cores[0], **places}.items() if thread in spent)


def _bind(thread: int, core: int) -> bool:
    """Whether the thread is bound to one core, by us or by whoever was first."""
    with suppress(OSError):  # it has ended meanwhile
        if len(os.sched_getaffinity(thread)) > 1:
            os.sched_setaffinity(thread, {core})
        return True
    return False
