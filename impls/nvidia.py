"""The NVIDIA card that `--device cuda` means, through its driver's library; nothing of CUDA is started.

The driver's library, and the Python package over it, may be of any age and fail in any way; another distribution may
have taken the package's name. What they do not tell is missing, with the reason, and costs nothing else.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from impls.errors import one_line

PACKAGE = "another package has taken the name pynvml; pip uninstall pynvml, then pip install nvidia-ml-py"


def environment(device: str) -> Mapping[str, str]:
    """What a launch for that device has in its environment.

    In the order of the bus CUDA's index is the driver's. On the CPU, frameworks that would start a card that they see,
    and take memory and time for it, see none.
    """
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"} if device == "cuda" else {"CUDA_VISIBLE_DEVICES": ""}


def library() -> Any:
    """The Python package over the driver's library. Raises what its import raises."""
    import pynvml

    return pynvml


def reason(problem: Exception) -> str:
    """What went wrong in the package or the driver, in the driver's own words where it has some."""
    with contextlib.suppress(Exception):
        if isinstance(problem, library().NVMLError):
            return str(problem)
    lacks = isinstance(problem, ImportError | AttributeError)
    return f"{one_line(problem)}; {PACKAGE}" if lacks else one_line(problem)


@contextlib.contextmanager
def driver() -> Iterator[str | None]:
    """The driver's library, begun and ended; the reason if it cannot be."""
    problem = begin()
    try:
        yield problem
    finally:
        if problem is None:
            end()


def begin() -> str | None:
    """Begin the driver's library, which counts how often; the reason if it cannot be."""
    try:
        library().nvmlInit()
        return None
    except Exception as problem:
        return _unanswered(problem)


def end() -> None:
    """End the driver's library, once for each time that it was begun."""
    with contextlib.suppress(Exception):
        library().nvmlShutdown()


def handle() -> tuple[Any, str]:
    """(the card's handle, "") or (None, the reason). With a handle the driver's library is left begun: `end` it."""
    if problem := begin():
        return None, problem
    try:
        return _visible(), ""
    except Exception as trouble:
        end()
        return None, _unanswered(trouble)


def _unanswered(problem: Exception) -> str:
    return f"NVIDIA's driver cannot be asked: {reason(problem)}"


def _visible() -> Any:
    """The first card that CUDA_VISIBLE_DEVICES shows, or the first there is."""
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip()
    if first.startswith(("GPU-", "MIG-")):
        return library().nvmlDeviceGetHandleByUUID(first)
    return library().nvmlDeviceGetHandleByIndex(int(first) if re.fullmatch("[0-9]{1,9}", first) else 0)


FACTS: Mapping[str, Callable[[Any, Any], Any]] = {
    "name": lambda nvml, card: nvml.nvmlDeviceGetName(card),
    "uuid": lambda nvml, card: nvml.nvmlDeviceGetUUID(card),
    "memory_bytes": lambda nvml, card: nvml.nvmlDeviceGetMemoryInfo(card).total,
    "memory_used_bytes": lambda nvml, card: nvml.nvmlDeviceGetMemoryInfo(card).used,
    "processes": lambda nvml, card: len(nvml.nvmlDeviceGetComputeRunningProcesses(card)),
    "celsius": lambda nvml, card: nvml.nvmlDeviceGetTemperature(card, nvml.NVML_TEMPERATURE_GPU),
    "watts": lambda nvml, card: nvml.nvmlDeviceGetPowerUsage(card) / 1e3,
    "limit_watts": lambda nvml, card: nvml.nvmlDeviceGetEnforcedPowerLimit(card) / 1e3,
    "clock_hz": lambda nvml, card: nvml.nvmlDeviceGetClockInfo(card, nvml.NVML_CLOCK_SM) * 1e6,
    "most_clock_hz": lambda nvml, card: nvml.nvmlDeviceGetMaxClockInfo(card, nvml.NVML_CLOCK_SM) * 1e6,
    "persistence": lambda nvml, card: bool(nvml.nvmlDeviceGetPersistenceMode(card)),
    "mig": lambda nvml, card: bool(nvml.nvmlDeviceGetMigMode(card)[0]),
    "ecc": lambda nvml, card: bool(nvml.nvmlDeviceGetEccMode(card)[0]),
}
"""What is asked of the package over the driver's library (first argument) about a card's handle."""


def state() -> list[dict[str, Any]]:
    """Every card's facts and how it is now; null where the driver does not tell. Nothing without a driver."""
    with driver() as problem:
        if problem:
            return []
        nvml = library()
        version = _told(lambda: nvml.nvmlSystemGetDriverVersion())
        count = _told(lambda: int(nvml.nvmlDeviceGetCount())) or 0
        return [found for index in range(count) if (found := _facts(nvml, index, version))]


def _facts(nvml: Any, index: int, version: str | None) -> dict[str, Any]:
    try:
        card = nvml.nvmlDeviceGetHandleByIndex(index)
    except Exception:
        return {}
    return {"driver": version, **{name: _told(partial(fact, nvml, card)) for name, fact in FACTS.items()}}


def _told(query: Callable[[], Any]) -> Any:
    """The driver's answer as JSON has it; None where there is none. Text that is not UTF-8 has a mark in its place."""
    try:
        answer = query()
    except UnicodeDecodeError as problem:
        answer = problem.object
    except Exception:
        return None
    if isinstance(answer, bytes):
        return answer.decode(errors="replace")
    known = isinstance(answer, str | bool | int) or (isinstance(answer, float) and math.isfinite(answer))
    return answer if known else None


def undescribed() -> str | None:
    """Why the cards of this machine are not described; None if they are, or there is none."""
    with driver() as problem:
        return problem


def missing(device: str = "cuda") -> str | None:
    """Why nothing can compute on such a device here, "cpu" or "cuda"; None if something can."""
    if device == "cpu":
        return None
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides every card"
    with driver() as problem:
        if problem:
            return problem
        try:
            return None if library().nvmlDeviceGetCount() else "the driver sees no card"
        except Exception as trouble:
            return _unanswered(trouble)
