"""What the processor's arithmetic can do."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")
"""What Linux calls a processor's own instructions for bfloat16, on x86 and on Arm."""


def unsupported_reason(precision: str, device: str) -> str | None:
    """Why this machine has no such arithmetic; None if it has. It could be imitated, which would say nothing."""
    if device == "cpu" and precision == "tf32":
        return "tf32 is an arithmetic of NVIDIA's GPUs; ask for it with --device cuda"
    if device == "cpu" and precision == "bfloat16" and not set(BFLOAT16) & _instructions():
        return f"/proc/cpuinfo names no instructions for bfloat16 ({', '.join(BFLOAT16)}); use float32"
    return None


@cache
def _instructions() -> frozenset[str]:
    """Names of the processor's extensions; none where the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line for line in lines if line.startswith(("flags", "Features"))), "").split())
