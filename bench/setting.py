"""How the processes of contestants are set up: allocator and threads, alike for all, or as each framework ships.

steady       the allocator keeps what it has; every framework has as many threads as there are cores, one bound to each
as-shipped   nothing is set; what the user's environment says holds
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.conditions import allowed_cores
from impls.process import STEADY_ALLOCATOR, threads
from results.record import STEADY


def _steady() -> Mapping[str, str]:
    return {
        **STEADY_ALLOCATOR,
        **threads(cores()),
        "OMP_PROC_BIND": "true",  # a thread that wanders: launches of LeNet-5 in PyTorch differ by 10 %, bound by 3 %
        "PYTHONHASHSEED": "0",
    }


@dataclass(frozen=True)
class Setting:
    """The variables set before a framework is imported, and whether threads are bound (bench.binding)."""

    environment: Callable[[], Mapping[str, str]]
    binds: bool


SETTINGS: Mapping[str, Setting] = {STEADY: Setting(_steady, binds=True), "as-shipped": Setting(dict, binds=False)}


def cores() -> int:
    """Cores that this process may use."""
    return len(allowed_cores())


def environment(name: str = STEADY) -> Mapping[str, str]:
    """The variables set before a contestant's framework is imported."""
    return SETTINGS[name].environment()
