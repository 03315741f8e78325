"""Which contestants can be alive together: parts that fit into memory, and subsets that share the reference."""

from __future__ import annotations

from collections.abc import Sequence

from impls.usable import available_memory
from results.schema.record import Contestant

ZYGOTE_BYTES = 500 * 2**20


def memory_limit(limit: int) -> int:
    """Bytes that contestants alive together may need: the suite's limit, or what may be taken here if less."""
    return min(limit, available_memory())


def parts(contestants: Sequence[Contestant], each: int, limit: int, zygotes: int) -> list[tuple[Contestant, ...]]:
    """The contestants in parts that fit, everyone once."""
    together = max_concurrent(each, limit, zygotes)
    return [tuple(contestants[start : start + together]) for start in range(0, len(contestants), together)]


def max_concurrent(each: int, limit: int, zygotes: int) -> int:
    """How many can be alive together beside the zygotes they are forked from; at least one."""
    return max((limit - ZYGOTE_BYTES * zygotes) // each, 1)


def subsets(contestants: Sequence[Contestant], each: int, limit: int, zygotes: int) -> list[tuple[Contestant, ...]]:
    """The contestants in parts that fit, every part with the first contestant in it.

    Where not even two fit, everyone is measured alone.
    """
    together = max_concurrent(each, limit, zygotes)
    if len(contestants) <= together:
        return [tuple(contestants)]
    if together == 1:
        return [(contestant,) for contestant in contestants]
    reference, others = contestants[0], contestants[1:]
    return [(reference, *others[start : start + together - 1]) for start in range(0, len(others), together - 1)]
