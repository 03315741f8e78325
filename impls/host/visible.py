"""Which cards CUDA_VISIBLE_DEVICES chooses, as handles of the driver's library, which is initialised by the caller.

A card is named by its index in PCI bus order, or by its UUID or the beginning of one, as CUDA takes it. A card in MIG
mode is divided into MIG devices, and a process can compute on one of these only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from impls.host.nvml import library, query

VARIABLE = "CUDA_VISIBLE_DEVICES"


class NoCard(Exception):
    """Why a choice of cards is none, in one line."""


def asked() -> list[str] | None:
    """The words of CUDA_VISIBLE_DEVICES; None if it is not set, empty if it hides every card."""
    chosen = os.environ.get(VARIABLE)
    if chosen is None:
        return None
    words = [word.strip() for word in chosen.split(",")]
    return [] if words[0] in ("", "-1") else words


def visible(count: int = 1) -> list[Any]:
    """Handles of the first `count` cards that are chosen, of the machine's without a choice.

    Raises NoCard, and what the driver's library raises.
    """
    words = asked()
    if words is not None and not words:
        raise NoCard(f"{VARIABLE} hides every card")
    there = int(library().nvmlDeviceGetCount())
    if not there:
        raise NoCard("the driver sees no card")
    named = list(map(str, range(there))) if words is None else words
    if len(named) < count:
        told = "the driver sees" if words is None else f"{VARIABLE} names"
        raise NoCard(f"{count} cards are needed, {told} {len(named)}")
    if len(set(named[:count])) < count:
        raise NoCard(f"{VARIABLE}={','.join(named)} names a card twice, which CUDA refuses")
    return [_named(word, there) for word in named[:count]]


def card_of(handle: Any) -> Any:
    """The card of a MIG device; a card itself."""
    try:
        return library().nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle)
    except Exception:  # it is none of a MIG device
        return handle


def _named(word: str, there: int) -> Any:
    nvml = library()
    if word.startswith(("GPU-", "MIG-")):
        return _undivided(_of_uuid(word), word)
    if not re.fullmatch("[0-9]{1,9}", word):
        raise NoCard(f"{VARIABLE}={word} names no card; give an index or a UUID of nvidia-smi -L")
    if int(word) >= there:
        raise NoCard(f"{VARIABLE}={word} names no card; the driver sees {there}, with indices from 0")
    return _undivided(nvml.nvmlDeviceGetHandleByIndex(int(word)), word)


def _of_uuid(word: str) -> Any:
    """The card or MIG device whose UUID is, or begins with, a word. The driver itself finds whole UUIDs only."""
    nvml = library()
    try:
        return nvml.nvmlDeviceGetHandleByUUID(word)
    except Exception:
        known = dict(_uuids())
    fitting = [handle for uuid, handle in known.items() if uuid.startswith(word)]
    if len(fitting) == 1:
        return fitting[0]
    several = f"{len(fitting)} cards" if fitting else "no card"
    raise NoCard(f"{VARIABLE}={word} names {several}; the driver sees {', '.join(known) or 'no UUID'}")


def _uuids() -> Iterator[tuple[str, Any]]:
    """Every card and MIG device of which the driver tells the UUID, with its handle."""
    nvml = library()
    for index in range(int(nvml.nvmlDeviceGetCount())):
        card = nvml.nvmlDeviceGetHandleByIndex(index)
        for handle in (card, *_slices(card)):
            if uuid := query(partial(nvml.nvmlDeviceGetUUID, handle)):
                yield str(uuid), handle


def _undivided(handle: Any, word: str) -> Any:
    """What CUDA computes on: the card, or if it is in MIG mode its only MIG device."""
    nvml = library()
    if not query(lambda: nvml.nvmlDeviceGetMigMode(handle)[0]):  # a MIG device has no mode
        return handle
    slices = _slices(handle)
    if len(slices) == 1:
        return slices[0]
    if not slices:
        raise NoCard(f"card {word} is in MIG mode and has no MIG device; create one, or nvidia-smi -mig 0")
    uuids = ", ".join(str(query(partial(nvml.nvmlDeviceGetUUID, one))) for one in slices)
    raise NoCard(f"card {word} is divided into {len(slices)} MIG devices; set {VARIABLE} to one of {uuids}")


def _slices(card: Any) -> list[Any]:
    nvml = library()
    most = query(lambda: nvml.nvmlDeviceGetMaxMigDeviceCount(card)) or 0
    found = []
    for number in range(most):
        try:
            found.append(nvml.nvmlDeviceGetMigDeviceHandleByIndex(card, number))
        except Exception:  # numbers of removed devices stay free
            continue
    return found
