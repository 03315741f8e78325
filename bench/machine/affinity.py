"""CPU affinity: binds each computing thread to a core, so that none migrates while it is timed.

OpenMP's runtimes bind their threads with OMP_PROC_BIND (bench.plan.settings); other pools (Eigen's, in TensorFlow and
JAX) have no such setting and are bound here. Linux only: elsewhere nothing is bound.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from impls.host.usable import allowed_cores

TASKS = Path("/proc/self/task")
COMPUTES = 0.05
"""A thread counts as computing from this fraction of the busiest thread's time."""


def unbind() -> None:
    """Give the calling thread all cores of the process again.

    OpenMP's runtimes bind the thread that loads them as soon as they are loaded, and compilers that it starts would
    share its core. `bind_computing` binds it again.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, allowed_cores())


def running_times() -> dict[int, int]:
    """CPU time in nanoseconds of each thread of this process, by thread id."""
    times = {}
    with suppress(FileNotFoundError):
        for task in TASKS.iterdir():
            with suppress(OSError):  # the thread has ended, or the kernel keeps no such statistics
                times[int(task.name)] = int((task / "schedstat").read_text().split()[0])
    return times


def bind_computing(before: Mapping[int, int]) -> int:
    """Bind the threads that have computed since `before`; returns the number of threads bound to one core now.

    The calling thread gets the first core, as with OpenMP; the others get cores in turn, in the order of their ids.
    Threads that are already bound keep their core.
    """
    spent = {thread: time - before.get(thread, 0) for thread, time in running_times().items()}
    caller, cores = threading.get_native_id(), sorted(allowed_cores())
    threshold = COMPUTES * max(spent.values(), default=0)
    others = [thread for thread in sorted(spent) if spent[thread] >= threshold and thread != caller]
    core_of = {thread: cores[index % len(cores)] for index, thread in enumerate(others)}
    return sum(_bind(thread, core) for thread, core in {caller: cores[0], **core_of}.items() if thread in spent)


def _bind(thread: int, core: int) -> bool:
    """Bind the thread unless it is bound already; False if it has ended."""
    with suppress(OSError):  # it has ended meanwhile
        if len(os.sched_getaffinity(thread)) > 1:
            os.sched_setaffinity(thread, {core})
        return True
    return False
