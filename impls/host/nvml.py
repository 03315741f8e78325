"""The library of NVIDIA's driver (NVML), through its Python package.

The library and its package may have any version and fail in any way, and another distribution may use the package's
name. Values that they do not report are missing, with the reason, and nothing else is affected.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from impls.errors import one_line

PACKAGE = "another package has taken the name pynvml; pip uninstall pynvml, then pip install nvidia-ml-py"
NOT_AVAILABLE = 2**64 - 1
"""What the driver answers for a memory that it does not know; some drivers in containers answer 0."""
SLOWED: Mapping[int, str] = {
    0x04: "its power limit",
    0x08: "a slowdown by the hardware",
    0x20: "its temperature",
    0x40: "its temperature (hardware)",
    0x80: "the power supply's brake",
}
"""Bits of the driver's reasons for lower clocks that disturb a measurement (nvml.h, nvmlClocksEventReasons); idling and
clocks set by the user are not among them."""


def library() -> Any:
    """The Python package of the driver's library. Raises what its import raises."""
    import pynvml

    return pynvml


def reason(problem: Exception) -> str:
    """The error of the package or the driver as text; the driver's own message if there is one."""
    with contextlib.suppress(Exception):
        if isinstance(problem, library().NVMLError):
            return str(problem)
    lacks = isinstance(problem, ImportError | AttributeError)
    return f"{one_line(problem)}; {PACKAGE}" if lacks else one_line(problem)


def unanswered(problem: Exception) -> str:
    return f"NVIDIA's driver cannot be asked: {reason(problem)}"


@contextlib.contextmanager
def driver() -> Iterator[str | None]:
    """Initialise and shut down the driver's library; yields the reason if that fails, else None."""
    problem = begin()
    try:
        yield problem
    finally:
        if problem is None:
            end()


def begin() -> str | None:
    """Initialise the driver's library, which counts calls; returns the reason if that fails."""
    try:
        library().nvmlInit()
        return None
    except Exception as problem:
        return unanswered(problem)


def end() -> None:
    """Shut down the driver's library; once for each `begin`."""
    with contextlib.suppress(Exception):
        library().nvmlShutdown()


def query(ask: Callable[[], Any]) -> Any:
    """The driver's answer as a JSON value; None if there is none. Invalid UTF-8 is replaced."""
    try:
        answer = ask()
    except UnicodeDecodeError as problem:
        answer = problem.object
    except Exception:
        return None
    if isinstance(answer, bytes):
        return answer.decode(errors="replace")
    known = isinstance(answer, str | bool | int) or (isinstance(answer, float) and math.isfinite(answer))
    return answer if known else None


class UnknownMemory(Exception):
    """The driver does not know how much memory a card has."""


def memory_of(nvml: Any, card: Any) -> Any:
    """`total`, `free` and `used` bytes of a card. UnknownMemory, or what the driver's library raises."""
    memory = nvml.nvmlDeviceGetMemoryInfo(card)
    if memory.total in (0, NOT_AVAILABLE):
        raise UnknownMemory(f"NVIDIA's driver says that the card has {memory.total} bytes")
    return memory


def slowed_by(nvml: Any, handle: Any) -> str:
    """What has lowered the card's clocks, of SLOWED; empty if nothing has. Raises what the driver's library raises."""
    try:
        reasons = int(nvml.nvmlDeviceGetCurrentClocksEventReasons(handle))
    except nvml.NVMLError_FunctionNotFound:  # an older driver, with the older name
        reasons = int(nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle))
    return ", ".join(words for bit, words in SLOWED.items() if reasons & bit)


def memory_by_process(processes: Iterable[Any]) -> dict[int, int | None]:
    """Bytes by process id: the sum of a process's entries; None if the driver does not know one of them."""
    found: dict[int, int | None] = {}
    for one in processes:
        taken = None if one.usedGpuMemory in (None, 0, NOT_AVAILABLE) else int(one.usedGpuMemory)
        before = found.get(one.pid, 0)
        found[one.pid] = None if before is None or taken is None else before + taken
    return found
