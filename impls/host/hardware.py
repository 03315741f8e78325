"""Arithmetic supported by the processor."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")
"""Linux's names of processors' bfloat16 instructions, on x86 and on Arm."""


def unsupported_reason(precision: str, device: str) -> str | None:
    """Why this machine has no native arithmetic of that precision; None if it has. Emulation is not measured."""
    if device == "cpu" and precision == "tf32":
        return "tf32 is an arithmetic of NVIDIA's GPUs; use it with --device cuda"
    if device == "cpu" and precision == "bfloat16" and not set(BFLOAT16) & _instructions():
        return f"/proc/cpuinfo names no instructions for bfloat16 ({', '.join(BFLOAT16)}); use float32"
    return None


@cache
def _instructions() -> frozenset[str]:
    """Names of the processor's extensions; empty if the system does not list them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line for line in lines if line.startswith(("flags", "Features"))), "").split())
