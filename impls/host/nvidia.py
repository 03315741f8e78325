"""The NVIDIA GPUs of `--device cuda`, through their driver's library (impls.host.nvml); CUDA is not started.

`cards` is the number of cards that a launch computes on, the first of those that CUDA_VISIBLE_DEVICES chooses
(impls.host.visible).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, partial
from typing import Any, TypeVar

from impls.host import cuda
from impls.host.nvml import (
    UnknownMemory,
    begin,
    driver,
    end,
    library,
    memory_by_process,
    memory_of,
    query,
    reason,
    slowed_by,
    unanswered,
)
from impls.host.usable import allowed_cores
from impls.host.visible import VARIABLE, NoCard, asked, card_of, visible

__all__ = ["begin", "driver", "end", "library", "reason"]

T = TypeVar("T")
EXCLUSIVE, PROHIBITED = "exclusive process", "prohibited"
COMPUTE_MODES = {0: "default", 2: PROHIBITED, 3: EXCLUSIVE}
"""Which processes may compute on a card: any number, none, one at a time."""
IDLE_UTILISATION = 0.05
"""The largest share of the time in which a kernel ran, of a card that counts as idle."""


def environment(device: str, cards: int = 1) -> Mapping[str, str]:
    """Environment variables of a launch on a device: it sees the cards that it computes on, and no others.

    Frameworks initialise every GPU that they see, which takes memory and time. On the CPU they see none. Cards are
    named by UUID where the driver tells it, else in the user's words or by index, in PCI bus order as the driver's are.
    """
    if device != "cuda":
        return {VARIABLE: ""}
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", VARIABLE: ",".join(_names(cards))}


def _names(cards: int) -> list[str]:
    with driver() as problem:
        if problem is None:
            try:
                nvml = library()
                uuids = [query(partial(nvml.nvmlDeviceGetUUID, handle)) for handle in visible(cards)]
            except Exception:  # `missing` says why
                uuids = [None]
            if all(uuids):
                return [str(uuid) for uuid in uuids]
    return (asked() or list(map(str, range(cards))))[:cards]


def handle() -> tuple[Any, str]:
    """(handle of the card, "") or (None, reason). With a handle the library stays initialised: call `end`."""
    if problem := begin():
        return None, problem
    try:
        return visible()[0], ""
    except Exception as trouble:
        end()
        return None, _why(trouble)


def _why(trouble: Exception) -> str:
    return str(trouble) if isinstance(trouble, NoCard) else unanswered(trouble)


def _mig_profile(name: str) -> str | None:
    """ "1g.10gb", of the name of a MIG device."""
    _, divided, profile = name.rpartition(" MIG ")
    return profile if divided else None


FACTS: Mapping[str, Callable[[Any, Any], Any]] = {
    "name": lambda nvml, card: nvml.nvmlDeviceGetName(card),
    "uuid": lambda nvml, card: nvml.nvmlDeviceGetUUID(card),
    "memory_bytes": lambda nvml, card: memory_of(nvml, card).total,
    "memory_used_bytes": lambda nvml, card: memory_of(nvml, card).used,
    "processes": lambda nvml, card: len(memory_by_process(nvml.nvmlDeviceGetComputeRunningProcesses(card))),
    "celsius": lambda nvml, card: nvml.nvmlDeviceGetTemperature(card, nvml.NVML_TEMPERATURE_GPU),
    "watts": lambda nvml, card: nvml.nvmlDeviceGetPowerUsage(card) / 1e3,
    "limit_watts": lambda nvml, card: nvml.nvmlDeviceGetEnforcedPowerLimit(card) / 1e3,
    "clock_hz": lambda nvml, card: nvml.nvmlDeviceGetClockInfo(card, nvml.NVML_CLOCK_SM) * 1e6,
    "most_clock_hz": lambda nvml, card: nvml.nvmlDeviceGetMaxClockInfo(card, nvml.NVML_CLOCK_SM) * 1e6,
    "persistence": lambda nvml, card: bool(nvml.nvmlDeviceGetPersistenceMode(card)),
    "mig": lambda nvml, card: bool(nvml.nvmlDeviceGetMigMode(card)[0]),
    "ecc": lambda nvml, card: bool(nvml.nvmlDeviceGetEccMode(card)[0]),
    "pci": lambda nvml, card: nvml.nvmlDeviceGetPciInfo(card_of(card)).busId,
    "mig_profile": lambda nvml, card: _mig_profile(query(partial(nvml.nvmlDeviceGetName, card)) or ""),
    "capability": lambda nvml, card: "{}.{}".format(*nvml.nvmlDeviceGetCudaComputeCapability(card)),
    "compute_mode": lambda nvml, card: COMPUTE_MODES.get(nvml.nvmlDeviceGetComputeMode(card_of(card))),
    "graphics_processes": lambda nvml, card: len(
        memory_by_process(nvml.nvmlDeviceGetGraphicsRunningProcesses(card_of(card)))
    ),
    "utilisation": lambda nvml, card: nvml.nvmlDeviceGetUtilizationRates(card).gpu / 100,
    "slowed_by": lambda nvml, card: slowed_by(nvml, card),
}
"""Queries by name: functions of the driver's library (pynvml) and the handle of a card or MIG device."""


def state() -> list[dict[str, Any]]:
    """Facts and current state of every card; None where the driver reports nothing. Empty without a driver."""
    with driver() as problem:
        if problem:
            return []
        nvml = library()
        count = query(lambda: int(nvml.nvmlDeviceGetCount())) or 0
        return [_facts(found) for index in range(count) if (found := _by_index(index)) is not None]


def chosen(device: str = "cuda", cards: int = 1) -> list[dict[str, Any]]:
    """The facts of the cards that launches compute on, a MIG device's own where it is one; empty without a driver.

    Of so many `cards`, or as many as are visible. `idle_watts`: the power of a card that computed nothing for anyone;
    None with the reason in `idle_watts_missing`.
    """
    if device != "cuda":
        return []
    with driver() as problem:
        if problem:
            return []
        found = [_facts(handle) for handle in _at_most(cards)]
    return [{**facts, **_idle_watts(facts)} for facts in found]


def _at_most(cards: int) -> list[Any]:
    """Handles of as many visible cards; none if none can be told, of which `missing` says why."""
    for count in range(cards, 0, -1):
        with suppress(Exception):
            return visible(count)
    return []


def _idle_watts(facts: Mapping[str, Any]) -> dict[str, Any]:
    watts, utilisation = facts["watts"], facts["utilisation"]
    if watts is None or utilisation is None:
        reason = f"the driver does not report the card's {'power' if watts is None else 'utilisation'}"
    elif utilisation > IDLE_UTILISATION:
        reason = f"the card was in use for {utilisation:.0%} of the time"
    else:
        return {"idle_watts": watts}
    return {"idle_watts": None, "idle_watts_missing": reason}


def models() -> list[list[Any]]:
    """Driver's version, name and memory in bytes of the card that launches compute on: what results may depend on."""
    return [[card[fact] for fact in ("driver", "name", "memory_bytes")] for card in chosen()]


def capability(cards: int = 1) -> tuple[int, int] | None:
    """The lowest compute capability of the cards that launches compute on; None if the driver does not tell."""
    with driver() as problem:
        if problem:
            return None
        try:
            found = [library().nvmlDeviceGetCudaComputeCapability(handle) for handle in visible(cards)]
            return min((int(major), int(minor)) for major, minor in found)
        except Exception:
            return None


def is_exclusive(device: str = "cuda", cards: int = 1) -> bool:
    """Whether only one process at a time can compute on a card."""
    return any(card["compute_mode"] == EXCLUSIVE for card in chosen(device, cards))


def _by_index(index: int) -> Any:
    try:
        return library().nvmlDeviceGetHandleByIndex(index)
    except Exception:
        return None


def _facts(card: Any) -> dict[str, Any]:
    nvml = library()
    version = query(lambda: nvml.nvmlSystemGetDriverVersion())
    return {"driver": version, **{name: query(partial(fact, nvml, card)) for name, fact in FACTS.items()}}


def undescribed() -> str | None:
    """Why the cards of this machine cannot be described; None if they can."""
    with driver() as problem:
        return problem


def missing(device: str = "cuda", cards: int = 1) -> str | None:
    """Why the device "cpu" or "cuda" cannot be used here, on so many cards; None if it can.

    Where the driver cannot be asked, CUDA is; quantities of the driver are then missing.
    """
    if device == "cpu":
        return None
    if asked() == []:
        return f"{VARIABLE} hides every card"
    with driver() as problem:
        if problem:
            return (trouble := cuda.missing(cards)) and f"{problem}; {trouble}"
        try:
            modes = [query(partial(FACTS["compute_mode"], library(), handle)) for handle in visible(cards)]
        except Exception as trouble:
            return _why(trouble)
        if PROHIBITED in modes:
            return "the card's compute mode is prohibited: no process may compute on it; nvidia-smi -c DEFAULT"
    return None


@cache
def cores() -> tuple[int, ...]:
    """The machine's cores that are nearest to the card, by their numbers; empty if the driver does not tell."""
    masks = _ask_card(lambda nvml, card: list(nvml.nvmlDeviceGetCpuAffinity(card, max(allowed_cores()) // 64 + 1)))
    return tuple(64 * place + bit for place, mask in enumerate(masks or ()) for bit in range(64) if mask >> bit & 1)


def free_memory() -> int | None:
    """Bytes that are free on the card; None where the driver does not tell, as of a card that shares the host's."""
    return _ask_card(lambda nvml, card: int(memory_of(nvml, card).free))


def unknown_memory() -> str | None:
    """Why nothing is known of the card's memory; None if the driver tells how much there is, or that there is none.

    Of a card that shares the host's memory (GB10, Jetson) it answers that the question is not supported.
    """
    card, problem = handle()
    if problem:
        return problem
    nvml = library()
    try:
        memory_of(nvml, card)
    except nvml.NVMLError_NotSupported:
        return None
    except Exception as trouble:
        return str(trouble) if isinstance(trouble, UnknownMemory) else unanswered(trouble)
    finally:
        end()
    return None


def process_ids() -> frozenset[int] | None:
    """Ids of the processes that compute on the card; None where the driver does not tell.

    In a container they are those of the host, or the driver lists none.
    """
    return _ask_card(lambda nvml, card: frozenset(memory_by_process(nvml.nvmlDeviceGetComputeRunningProcesses(card))))


def _ask_card(ask: Callable[[Any, Any], T]) -> T | None:
    """The driver's answer about the card; None if there is none."""
    card, problem = handle()
    if problem:
        return None
    try:
        return ask(library(), card)
    except Exception:
        return None
    finally:
        end()
