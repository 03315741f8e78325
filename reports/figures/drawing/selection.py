"""Selection of the figures to draw, as each takes 0.05 s and 10 kB, and hundreds are of no use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

MOST = 16

T = TypeVar("T")


def round_robin(things: Sequence[T], kind: Callable[[T], Hashable], most: int = MOST) -> list[T]:
    """At most so many items, the first of each kind before the second of any; in their original order."""
    seen: Counter[Hashable] = Counter()
    turns = []
    for place, thing in enumerate(things):
        turns.append((seen[kind(thing)], place))
        seen[kind(thing)] += 1
    return [things[place] for place in sorted(place for _, place in sorted(turns)[:most])]
