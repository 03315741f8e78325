"""Wall time of a block by part of its work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

BUILD, FIRST_CALL, WARM_UP, SETTLING, ROUNDS = "build", "first_call", "warm_up", "settling", "rounds"
METERS, OTHER = "meters", "other"
PARTS = (BUILD, FIRST_CALL, WARM_UP, SETTLING, ROUNDS, METERS, OTHER)
"""build: from starting processes until weights are loaded. meters: sustained runs. other: memory, the rest of turns."""


class PartTimes:
    """Seconds by part. `clock`: seconds."""

    def __init__(self, clock: Callable[[], float]):
        self._clock = clock
        self._seconds: Counter[str] = Counter()
        self._inside = 0.0  # seconds of the parts inside the present one

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Count the time inside `with` to a part, without parts inside it and less what is `moved` out meanwhile."""
        start, before = self._clock(), self._inside
        self._inside = 0.0
        try:
            yield
        finally:
            seconds = self._clock() - start
            self._seconds[part] += seconds - self._inside  # type: ignore[assignment]
            self._inside = before + seconds

    def move(self, seconds: float, part: str, to: str) -> None:
        """Count these seconds, which are inside a part, to another one."""
        self._seconds[part] -= seconds  # type: ignore[assignment]
        self._seconds[to] += seconds  # type: ignore[assignment]

    def seconds(self) -> dict[str, float]:
        """Seconds by part, to a millisecond; parts without any are left out."""
        return {part: round(self._seconds[part], 3) for part in PARTS if self._seconds[part] > 0}
