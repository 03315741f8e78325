"""How the processes of all contestants are set up alike: allocator and threads."""

from __future__ import annotations

from collections.abc import Mapping

import psutil

# Small blocks that glibc hands back to the system and takes again make launches differ by a factor; with the
# thresholds raised, memory stays with the process once it has been touched.
STEADY_ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
    "MALLOC_TOP_PAD_": str(2**26),
}


def cores() -> int:
    """Cores that this process may use."""
    return len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else psutil.cpu_count() or 1


def environment() -> Mapping[str, str]:
    """The variables set for every contestant before its framework is imported."""
    return {**STEADY_ALLOCATOR, "OMP_NUM_THREADS": str(cores()), "PYTHONHASHSEED": "0"}
