"""How a process that computes is set up: its allocator and threads before it imports a framework, and its end."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Mapping

PR_SET_PDEATHSIG = 1

# Blocks that glibc hands back to the system and takes again make launches differ by a factor; with the thresholds
# raised, memory stays with the process once it has been touched.
STEADY_ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
    "MALLOC_TOP_PAD_": str(2**26),
}

ARENA_BYTES = 64 * 2**20
"""The largest block that glibc keeps for any thread but the first; a larger one is new pages every time."""
# With a single arena all threads have the first one's. They wait for one another there: small steps pay for it.
ONE_ARENA = {"MALLOC_ARENA_MAX": "1"}


def threads(count: int) -> Mapping[str, str]:
    """So many threads in every framework. JAX has no such setting: it goes by the cores that it may use."""
    names = "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"
    return dict.fromkeys(names, str(count))


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
