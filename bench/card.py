"""The NVIDIA card that `--device cuda` means, through its driver's library; nothing of CUDA is started."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pynvml


def environment(device: str) -> Mapping[str, str]:
    """What a launch for that device has in its environment.

    In the order of the bus CUDA's index is the driver's. On the CPU, frameworks that would start a card that they see,
    and take memory and time for it, see none.
    """
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"} if device == "cuda" else {"CUDA_VISIBLE_DEVICES": ""}


@contextlib.contextmanager
def driver() -> Iterator[str | None]:
    """The driver's library, begun and ended; the reason, in its own words, if it cannot be."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as problem:
        yield f"NVIDIA's driver cannot be asked: {problem}"
        return
    try:
        yield None
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def handle() -> tuple[Any, str]:
    """(the card's handle, "") or (None, the reason). The driver's library is left begun."""
    try:
        pynvml.nvmlInit()
        return _visible(), ""
    except pynvml.NVMLError as problem:
        return None, f"NVIDIA's driver cannot be asked: {problem}"


def _visible() -> Any:
    """The first card that CUDA_VISIBLE_DEVICES shows, or the first there is."""
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip()
    if first.startswith(("GPU-", "MIG-")):
        return pynvml.nvmlDeviceGetHandleByUUID(first)
    return pynvml.nvmlDeviceGetHandleByIndex(int(first) if re.fullmatch("[0-9]{1,9}", first) else 0)


FACTS: Mapping[str, Callable[[Any], Any]] = {
    "name": pynvml.nvmlDeviceGetName,
    "uuid": pynvml.nvmlDeviceGetUUID,
    "memory_bytes": lambda card: pynvml.nvmlDeviceGetMemoryInfo(card).total,
    "memory_used_bytes": lambda card: pynvml.nvmlDeviceGetMemoryInfo(card).used,
    "processes": lambda card: len(pynvml.nvmlDeviceGetComputeRunningProcesses(card)),
    "celsius": lambda card: pynvml.nvmlDeviceGetTemperature(card, pynvml.NVML_TEMPERATURE_GPU),
    "watts": lambda card: pynvml.nvmlDeviceGetPowerUsage(card) / 1e3,
    "limit_watts": lambda card: pynvml.nvmlDeviceGetEnforcedPowerLimit(card) / 1e3,
    "clock_hz": lambda card: pynvml.nvmlDeviceGetClockInfo(card, pynvml.NVML_CLOCK_SM) * 1e6,
    "most_clock_hz": lambda card: pynvml.nvmlDeviceGetMaxClockInfo(card, pynvml.NVML_CLOCK_SM) * 1e6,
    "persistence": lambda card: bool(pynvml.nvmlDeviceGetPersistenceMode(card)),
    "mig": lambda card: bool(pynvml.nvmlDeviceGetMigMode(card)[0]),
    "ecc": lambda card: bool(pynvml.nvmlDeviceGetEccMode(card)[0]),
}


def state() -> list[dict[str, Any]]:
    """Every card's facts and how it is now; null where the driver does not tell. Nothing without a driver."""
    with driver() as problem:
        if problem:
            return []
        version = _told(pynvml.nvmlSystemGetDriverVersion)
        count = _told(pynvml.nvmlDeviceGetCount) or 0
        handles = [_told(pynvml.nvmlDeviceGetHandleByIndex, index) for index in range(count)]
        return [
            {"driver": version, **{name: _told(fact, found) for name, fact in FACTS.items()}}
            for found in handles
            if found is not None
        ]


def _told(query: Callable[..., Any], *arguments: Any) -> Any:
    """The driver's answer; None where it has none."""
    try:
        return query(*arguments)
    except pynvml.NVMLError:
        return None


def missing() -> str | None:
    """Why nothing can compute on a card here; None if something can."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides every card"
    with driver() as problem:
        if problem:
            return problem
        try:
            return None if pynvml.nvmlDeviceGetCount() else "the driver sees no card"
        except pynvml.NVMLError as trouble:
            return f"NVIDIA's driver cannot be asked: {trouble}"
