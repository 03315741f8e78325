"""How the processes of contestants are set up: allocator and threads, alike for all, or as each framework ships.

steady       the allocator keeps what it has, and every framework has as many threads as there are cores
as-shipped   nothing is set; what the user's environment says holds
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.conditions import allowed_cores
from results.record import STEADY

# Small blocks that glibc hands back to the system and takes again make launches differ by a factor; with the
# thresholds raised, memory stays with the process once it has been touched.
STEADY_ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
    "MALLOC_TOP_PAD_": str(2**26),
}


def _steady() -> Mapping[str, str]:
    threads = str(cores())
    return {
        **STEADY_ALLOCATOR,
        **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads),
        "OMP_PROC_BIND": "true",  # a thread that wanders: launches of LeNet-5 in PyTorch differ by 10 %, bound by 3 %
        "TF_NUM_INTRAOP_THREADS": threads,  # JAX has no such setting: it goes by the cores that it may use
        "PYTHONHASHSEED": "0",
    }


SETTINGS: Mapping[str, Callable[[], Mapping[str, str]]] = {STEADY: _steady, "as-shipped": dict}


def cores() -> int:
    """Cores that this process may use."""
    return len(allowed_cores())


def environment(name: str = STEADY) -> Mapping[str, str]:
    """The variables set before a contestant's framework is imported."""
    return SETTINGS[name]()
