"""CUDA in this process. What forks after CUDA has started cannot use it."""

from __future__ import annotations

import ctypes
import os

NOT_INITIALIZED = 3
"""CUDA_ERROR_NOT_INITIALIZED: the driver's answer to every call before cuInit."""


def started() -> bool:
    """Whether this process has started CUDA. The driver's library is not loaded for that, and nothing is started."""
    try:
        driver = ctypes.CDLL("libcuda.so.1", mode=os.RTLD_NOLOAD)
    except OSError:  # nothing has loaded it
        return False
    return int(driver.cuDeviceGetCount(ctypes.byref(ctypes.c_int()))) != NOT_INITIALIZED
