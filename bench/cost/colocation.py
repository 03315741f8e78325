"""Which contestants can run concurrently: subsets that fit into memory and share the reference."""

from __future__ import annotations

from collections.abc import Sequence

from impls.frameworks import is_card
from impls.host import nvidia
from impls.host.usable import available_memory
from results.schema.record import Contestant

ZYGOTE_BYTES = 500 * 2**20


RESERVE = 2**30
"""Bytes of a card that are left free: autotuning and fragmentation take some that no estimate has."""


def memory_limit(limit: int, device: str = "cpu") -> int:
    """Bytes for concurrent contestants: the suite's limit, or the device's free memory if that is less.

    What lives on a card takes none of the host's memory, unless the card shares it: its driver then tells no own. Of a
    card without a driver to ask it is not known, so that the host's memory limits, too.
    """
    free = nvidia.free_memory() if is_card(device) else None
    return min(limit, available_memory() if free is None else max(free - RESERVE, 0))


def zygotes_on(device: str, zygotes: int) -> int:
    """How many of so many zygotes hold memory of a device: on a card none, as they start no framework."""
    return zygotes if device == "cpu" else 0


def max_concurrent(each: int, limit: int, zygotes: int) -> int:
    """Number of contestants that fit into `limit` bytes besides their zygotes; at least 1."""
    return max((limit - ZYGOTE_BYTES * zygotes) // each, 1)


def subsets(contestants: Sequence[Contestant], each: int, limit: int, zygotes: int) -> list[tuple[Contestant, ...]]:
    """The contestants in subsets that fit into `limit` bytes, each with the first contestant.

    A copy is in the subset of its original where both fit beside the first. If not even two contestants fit, every one
    is a subset of its own.
    """
    size = max_concurrent(each, limit, zygotes)
    if len(contestants) <= size:
        return [tuple(contestants)]
    if size == 1:
        return [(contestant,) for contestant in contestants]
    reference, others = contestants[0], contestants[1:]
    found: list[tuple[Contestant, ...]] = []
    for unit in _units(others, size - 1):
        if found and len(found[-1]) + len(unit) <= size:
            found[-1] += unit
        else:
            found.append((reference, *unit))
    return found


def _units(contestants: Sequence[Contestant], size: int) -> list[tuple[Contestant, ...]]:
    """Contestants with their copies, as far as these fit into `size`."""
    units: dict[Contestant, list[Contestant]] = {}
    for contestant in contestants:
        units.setdefault(contestant.original, []).append(contestant)
    return [tuple(unit[start : start + size]) for unit in units.values() for start in range(0, len(unit), size)]
