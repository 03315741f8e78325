"""Arithmetic supported by the processor, or by the card."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

from impls.host import nvidia

TENSOR_CORES = (8, 0)
"""The lowest compute capability with arithmetic in tf32 and bfloat16 (CUDA C++ Programming Guide, compute
capabilities): below, tf32 computes in float32 and bfloat16 is emulated."""
BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")
"""Linux's names of processors' bfloat16 instructions, on x86 and on Arm."""


def unsupported_reason(precision: str, device: str) -> str | None:
    """Why this machine has no native arithmetic of that precision; None if it has. Emulation is not measured."""
    if device == "cpu" and precision == "tf32":
        return "tf32 is an arithmetic of NVIDIA's GPUs; use it with --device cuda"
    if device == "cpu" and precision == "bfloat16" and not set(BFLOAT16) & _instructions():
        return f"/proc/cpuinfo names no instructions for bfloat16 ({', '.join(BFLOAT16)}); use float32"
    if device == "cuda" and precision in ("tf32", "bfloat16"):
        has = _capability()
        if has and has < TENSOR_CORES:
            needed = ".".join(map(str, TENSOR_CORES))
            return (
                f"{precision} needs a card of compute capability {needed}, this one has {has[0]}.{has[1]}; use float32"
            )
    return None


@cache
def _capability() -> tuple[int, int] | None:
    """Of the cards that are computed on, which stay the same for a process; None if the driver does not tell."""
    return nvidia.capability()


@cache
def processor() -> tuple[str, ...]:
    """What results depend on of the processor: its model, if the system names it, and its instructions' names."""
    return _cpuinfo("model name", "CPU part", "Processor") or platform.processor(), *sorted(_instructions())


@cache
def _instructions() -> frozenset[str]:
    """Names of the processor's extensions; empty if the system does not list them."""
    return frozenset(_cpuinfo("flags", "Features").split())


def _cpuinfo(*names: str) -> str:
    """The first value that /proc/cpuinfo gives under one of these names; "" if there is none."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(names)), "")
