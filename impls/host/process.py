"""Setup of computing processes before they import a framework, and how they ended; for launches and trials."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from impls.log import last_log_line

PR_SET_PDEATHSIG = 1

# Blocks that glibc returns to the system and requests again make launches differ by a factor; with the thresholds
# raised, memory stays with the process once it has been used.
STEADY_ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
    "MALLOC_TOP_PAD_": str(2**26),
}

ARENA_BYTES = 64 * 2**20
"""The largest block that glibc keeps for any thread but the first; a larger one is new pages every time."""
# With a single arena all threads have the first one's limit, but contend for its lock, which slows small steps.
ONE_ARENA = {"MALLOC_ARENA_MAX": "1"}


THREADS = "DEADHEAT_THREADS"
"""Variable with the number of threads, for runtimes that take it as an argument."""


def threads(count: int) -> Mapping[str, str]:
    """Variables for `count` threads in every framework and its compiler.

    JAX has no such setting: it follows its allowed cores.
    """
    compilers = ("TORCHINDUCTOR_COMPILE_THREADS",)  # by default as many as cores when PyTorch is imported, which binds
    names = "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", THREADS, *compilers
    return dict.fromkeys(names, str(count))


def given_threads() -> int | None:
    """The number of threads that `threads` set for this process; None: each runtime chooses its own."""
    return int(os.environ[THREADS]) if THREADS in os.environ else None


CORES = "DEADHEAT_CORES"
"""Variable with the cores that a process stays on: comma-separated numbers."""


def on_cores(cores: Sequence[int]) -> Mapping[str, str]:
    """The variable that keeps a process and all its threads on these cores."""
    return {CORES: ",".join(map(str, cores))}


def keep_to_cores() -> None:
    """Bind this process to the cores named in its environment, if any (Linux)."""
    if (named := os.environ.get(CORES)) and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(map(int, named.split(","))))


def set_parent_death_signal(parent: int) -> None:
    """Have the kernel kill this process when its parent dies (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def redirect_output(log: int) -> None:
    """Send all that this process prints from here on, C libraries included, to the descriptor `log`."""
    os.dup2(log, 1)
    os.dup2(log, 2)


def exit_reason(code: int, log: Path) -> str:
    """How a process ended, with the last error in its log. code: its exit code, or minus the signal that killed it."""
    if code >= 0:
        return f"exited with code {code}{last_log_line(log)}"
    maybe = " (the system may have run out of memory)" if code == -signal.SIGKILL else ""
    return f"killed by {_signal_name(-code)}{maybe}{last_log_line(log)}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most of the real-time signals have no name in Python
        return f"signal {number}"


@contextmanager
def temporary_files_in(folder: str) -> Iterator[None]:
    """Have libraries make their temporary files in a folder, for as long as the context lasts.

    A process that is killed removes none of its own.
    """
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before


CUDA_NOT_INITIALIZED = 3
"""CUDA_ERROR_NOT_INITIALIZED: the answer of CUDA's driver to every call before cuInit."""


def has_started_cuda() -> bool:
    """Whether this process has started CUDA, which none of its forks can use then.

    The driver's library is asked if something has loaded it; it is neither loaded nor started for that.
    """
    try:
        driver = ctypes.CDLL("libcuda.so.1", mode=os.RTLD_NOLOAD)
    except OSError:  # nothing has loaded it
        return False
    return int(driver.cuDeviceGetCount(ctypes.byref(ctypes.c_int()))) != CUDA_NOT_INITIALIZED
