"""NVIDIA's driver of the tests: its library and CUDA's, compiled from tests/stub, which answer what a test has written.

In this process the Python package is given the library; other processes find it on LD_LIBRARY_PATH.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

STUB = Path(__file__).parent.parent / "stub"
COMPILER = shutil.which("cc") or shutil.which("gcc")
ALL_ONES = str(2**64 - 1)
UUIDS = tuple(f"GPU-5ba1e000-0000-4000-8000-0000000000{card:02}" for card in range(2))
SLICES = tuple(f"MIG-5ba1e000-0000-4000-8000-0000000001{number:02}" for number in range(2))
ANSWERS = {
    "nvmlDeviceGetCount": "2",
    "nvmlDeviceGetUtilizationRates": "80",
    "nvmlDeviceGetPowerUsage": "250000",
    "nvmlDeviceGetEnforcedPowerLimit": "700000",
    "nvmlDeviceGetClockInfo": "1500",
    "nvmlDeviceGetMaxClockInfo": "1980",
    "nvmlDeviceGetTemperature": "60",
    "nvmlDeviceGetTotalEnergyConsumption": "~ 250000",
    "nvmlDeviceGetMemoryInfo.total": "80000000000",
    "nvmlDeviceGetPersistenceMode": "1",
    "nvmlDeviceGetEccMode": "1",
    "processes.memory": "123456",
}
"""Two healthy cards that nothing computes on but what a test says."""


@cache
def _compiled(folder: Path, source: str, library: str, *options: str) -> Path:
    if COMPILER is None:
        pytest.skip("no C compiler to build the stub with; install gcc (apt install gcc)")
    folder.mkdir(exist_ok=True)
    target = folder / library
    subprocess.run([COMPILER, "-shared", "-fPIC", *options, "-o", target, STUB / source], check=True)
    return target


@dataclass(frozen=True)
class StubDriver:
    """`libraries`: where libraries are compiled to, once in a session; `script`: the file that a test writes."""

    libraries: Path
    script: Path

    def answer(self, answers: Mapping[str, str]) -> None:
        """Answer this, and ANSWERS for what is left out. A name with "/" is of the card with the index before it."""
        given = {**answers, **{name: value for name, value in ANSWERS.items() if name not in answers}}
        ordered = sorted(given.items(), key=lambda one: "/" not in one[0])
        self.script.write_text("".join(f"{name} {value}\n" for name, value in ordered))

    def library(self, driver: str = "today") -> Path:
        """The driver's library: of "today", or of an "old" driver, from before a function's new name."""
        options = ("-DOLD_DRIVER",) if driver == "old" else ()
        return _compiled(self.libraries / driver, "nvml.c", "libnvidia-ml.so.1", *options)

    def cuda(self) -> Path:
        return _compiled(self.libraries / "cuda", "cuda.c", "libcuda.so.1")

    def environment(self) -> dict[str, str]:
        """Variables of a process that finds the driver's library."""
        return {"LD_LIBRARY_PATH": str(self.library().parent), "DEADHEAT_STUB_NVML": str(self.script)}

    def load(self, monkeypatch: pytest.MonkeyPatch, driver: str = "today") -> None:
        """Have the Python package of this process call the library."""
        import pynvml

        monkeypatch.setattr(pynvml, "nvmlLib", ctypes.CDLL(str(self.library(driver))))
        monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
        monkeypatch.setitem(os.environ, "DEADHEAT_STUB_NVML", str(self.script))
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
