"""CUDA itself, asked in a process of its own: where the driver's library (NVML) is missing, CUDA may still work.

Containers with NVIDIA_DRIVER_CAPABILITIES=compute and older Jetsons have no NVML. In this process CUDA is not started:
processes that are forked later could not use it.
"""

from __future__ import annotations

import subprocess
import sys

SECONDS = 60
ASK = """
import ctypes
try:
    cuda = ctypes.CDLL("libcuda.so.1")
except OSError as problem:
    raise SystemExit(f"CUDA is not there: {problem}")
count = ctypes.c_int()
for name, arguments in (("cuInit", (0,)), ("cuDeviceGetCount", (ctypes.byref(count),))):
    if error := getattr(cuda, name)(*arguments):
        raise SystemExit(f"CUDA cannot be used: {name} gives error {error}")
print(count.value)
"""


def missing(cards: int = 1) -> str | None:
    """Why CUDA cannot compute on so many cards, of those that CUDA_VISIBLE_DEVICES leaves visible; None if it can."""
    try:
        done = subprocess.run([sys.executable, "-I", "-c", ASK], capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired) as problem:
        return f"CUDA cannot be asked: {problem}"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["CUDA cannot be asked"])[-1]
    count = int(done.stdout)
    return None if count >= cards else f"CUDA sees {count} cards, {cards} are needed"
