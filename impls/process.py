"""How a process that computes is set up before a framework is imported into it: its allocator and its threads."""

from __future__ import annotations

from collections.abc import Mapping

# Small blocks that glibc hands back to the system and takes again make launches differ by a factor; with the
# thresholds raised, memory stays with the process once it has been touched.
STEADY_ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
    "MALLOC_TOP_PAD_": str(2**26),
}


def threads(count: int) -> Mapping[str, str]:
    """So many threads in every framework. JAX has no such setting: it goes by the cores that it may use."""
    names = "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"
    return dict.fromkeys(names, str(count))
