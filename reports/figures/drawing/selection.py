"""Which of many figures are drawn: nobody looks at hundreds, and each takes a twentieth of a second and 10 kB."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

MOST = 16

T = TypeVar("T")


def round_robin(things: Sequence[T], kind: Callable[[T], Hashable], most: int = MOST) -> list[T]:
    """At most so many, the first of each kind before the second of any; in the order in which they came."""
    seen: Counter[Hashable] = Counter()
    turns = []
    for place, thing in enumerate(things):
        turns.append((seen[kind(thing)], place))
        seen[kind(thing)] += 1
    return [things[place] for place in sorted(place for _, place in sorted(turns)[:most])]
