"""The same framework with a known use of memory, processors and digits, one an execution. Named by this module."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
from typing import Any

import numpy as np

from impls.frameworks import Allocated, Execution, Framework, Plan
from outside.model import Batch, NumPyModel

LEAK = 500_000_000
DIGITS = {"rounds-10": 10, "rounds-7": 7}
"""Binary digits after the point to which operands are rounded: TF32's and bfloat16's."""

USING = Framework(
    name="outside.using",
    title="NumPy with a known use",
    model="outside.using:UsingModel",
    executions=(
        Execution("plain", "as it is"),
        Execution("leaks", f"takes {LEAK} bytes in its first step and keeps them"),
        Execution("peaks", f"takes {LEAK} bytes in every step and gives them back"),
        Execution("counts", "has an allocator that says what it gave out"),
        Execution("tires", "dies when its memory is measured"),
        Execution("spins", "keeps a core busy from its first step on, as threads do that wait for work in a loop"),
        *(Execution(name, f"rounds operands to {digits} binary digits") for name, digits in DIGITS.items()),
    ),
    requires=("numpy",),
    preload=("outside.using",),
)


class UsingModel(NumPyModel):
    def __init__(self, plan: Plan):
        super().__init__(plan)
        self._use = plan.execution
        self._kept: Any = None

    def load(self, weights: Any, statistics: Any) -> None:
        if digits := DIGITS.get(self._use):
            weights = {name: rounded(array, digits) for name, array in weights.items()}
        super().load(weights, statistics)

    def put(self, images: np.ndarray, labels: np.ndarray) -> Batch:
        digits = DIGITS.get(self._use)
        return super().put(rounded(images, digits) if digits else images, labels)

    def infer(self, batch: Batch) -> np.ndarray:
        if self._use == "spins" and self._kept is None:
            self._kept = threading.Thread(target=spin, daemon=True)
            self._kept.start()
        elif self._use == "leaks" and self._kept is None:
            self._kept = np.ones(LEAK, np.uint8)
        elif self._use == "peaks":
            np.ones(LEAK, np.uint8)
        return super().infer(batch)

    def forget_allocated(self) -> None:
        if self._use == "tires":
            os.kill(os.getpid(), signal.SIGKILL)

    def allocated(self) -> Allocated | str:
        return Allocated(12345, "outside.using") if self._use == "counts" else super().allocated()


def spin() -> None:
    """Compute for ever, without holding the interpreter."""
    block = bytes(2**20)
    while True:
        hashlib.sha256(block)


def rounded(array: np.ndarray, digits: int) -> np.ndarray:
    """To so many binary digits after the first, to the nearest."""
    mantissa, exponent = np.frexp(array)
    return np.ldexp(np.round(mantissa * 2 ** (digits + 1)), exponent - digits - 1).astype(array.dtype)
