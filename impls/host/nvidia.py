"""The NVIDIA GPU of `--device cuda`, through its driver's library (NVML); CUDA is not started.

The library and its Python package may have any version and fail in any way, and another distribution may use the
package's name. Values that they do not report are missing, with the reason, and nothing else is affected.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from impls.errors import one_line

T = TypeVar("T")
PACKAGE = "another package has taken the name pynvml; pip uninstall pynvml, then pip install nvidia-ml-py"


def environment(device: str) -> Mapping[str, str]:
    """Environment variables of a launch on a device.

    With PCI bus order, CUDA's index is the driver's. On the CPU, GPUs are hidden: frameworks would otherwise
    initialise them, which takes memory and time.
    """
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"} if device == "cuda" else {"CUDA_VISIBLE_DEVICES": ""}


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
        return _unanswered(problem)


def end() -> None:
    """Shut down the driver's library; once for each `begin`."""
    with contextlib.suppress(Exception):
        library().nvmlShutdown()


def handle() -> tuple[Any, str]:
    """(handle of the card, "") or (None, reason). With a handle the library stays initialised: call `end`."""
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
    """The first card in CUDA_VISIBLE_DEVICES, or the first of the machine."""
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
"""Queries by name: functions of the driver's library (pynvml) and a card's handle."""


def state() -> list[dict[str, Any]]:
    """Facts and current state of every card; None where the driver reports nothing. Empty without a driver."""
    with driver() as problem:
        if problem:
            return []
        nvml = library()
        version = _query(lambda: nvml.nvmlSystemGetDriverVersion())
        count = _query(lambda: int(nvml.nvmlDeviceGetCount())) or 0
        return [facts for index in range(count) if (facts := _facts(nvml, index, version))]


def models() -> list[list[Any]]:
    """Driver's version, name and memory in bytes of every card: what results may depend on."""
    return [[card.get(fact) for fact in ("driver", "name", "memory_bytes")] for card in state()]


def _facts(nvml: Any, index: int, version: str | None) -> dict[str, Any]:
    try:
        card = nvml.nvmlDeviceGetHandleByIndex(index)
    except Exception:
        return {}
    return {"driver": version, **{name: _query(partial(fact, nvml, card)) for name, fact in FACTS.items()}}


def _query(query: Callable[[], Any]) -> Any:
    """The driver's answer as a JSON value; None if there is none. Invalid UTF-8 is replaced."""
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
    """Why the cards of this machine cannot be described; None if they can."""
    with driver() as problem:
        return problem


def missing(device: str = "cuda") -> str | None:
    """Why the device "cpu" or "cuda" cannot be used here; None if it can."""
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


def free_memory() -> int | None:
    """Bytes that are free on the card; None where the driver does not tell, as of a card that shares the host's."""
    return _ask_card(lambda nvml, card: int(nvml.nvmlDeviceGetMemoryInfo(card).free))


def process_ids() -> frozenset[int] | None:
    """Ids of the processes that compute on the card; None where the driver does not tell.

    In a container they are those of the host, or the driver lists none.
    """
    return _ask_card(lambda nvml, card: frozenset(p.pid for p in nvml.nvmlDeviceGetComputeRunningProcesses(card)))


def _ask_card(query: Callable[[Any, Any], T]) -> T | None:
    """The driver's answer about the card; None if there is none."""
    card, problem = handle()
    if problem:
        return None
    try:
        return query(library(), card)
    except Exception:
        return None
    finally:
        end()
