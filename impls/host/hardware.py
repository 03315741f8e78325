"""Arithmetic supported by the processor, or by the card."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

from impls.host import nvidia
from impls.precision import POLICIES

INSTRUCTIONS = {
    "bfloat16": ("avx512_bf16", "amx_bf16", "bf16"),
    "float16": ("avx512_fp16", "amx_fp16", "asimdhp"),
}
"""By format of operands: Linux's names of processors' instructions that compute in it, on x86 and on Arm.

Instructions that only convert (f16c) do not count: computing in float32 with conversions is the emulation.
"""
CAPABILITIES = {"tf32": (8, 0), "bfloat16": (8, 0), "float16": (5, 3)}
"""By format of operands: the lowest compute capability with arithmetic in it (CUDA C++ Programming Guide, compute
capabilities). Below, tf32 computes in float32, and the others are emulated."""


def unsupported_reason(precision: str, device: str) -> str | None:
    """Why this machine has no native arithmetic of that precision; None if it has. Emulation is not measured."""
    operands = POLICIES[precision].operands if precision in POLICIES else precision
    if device == "cpu" and operands == "tf32":
        return "tf32 is an arithmetic of NVIDIA's GPUs; use it with --device cuda"
    needed = INSTRUCTIONS.get(operands, ())
    if device == "cpu" and needed and not set(needed) & _instructions():
        return f"/proc/cpuinfo names no instructions for {operands} ({', '.join(needed)}); use float32"
    if device == "cuda" and operands in CAPABILITIES:
        least, has = CAPABILITIES[operands], _capability()
        if has and has < least:
            needs = ".".join(map(str, least))
            return f"{operands} needs a card of compute capability {needs}, this one has {has[0]}.{has[1]}; use float32"
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
