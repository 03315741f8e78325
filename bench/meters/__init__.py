"""What a launch takes beside time. A meter is a file here, with a `Meter` at its top level.

Meters watch a launch from outside while it does nothing but steps (bench.runner.usage), never while it is timed. What a
meter cannot read here it says so, and why: a quantity is a number or a reason, never 0 for unknown. A meter that
raises, or answers what is neither, costs its own quantities and nothing else.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import cache
from numbers import Real
from typing import TypeVar

from impls import registry
from impls.errors import one_line

T = TypeVar("T")

Readings = Mapping[str, float | str]
"""By the names of results.schema.columns.USAGE: a value, or the reason why there is none."""


@dataclass(frozen=True)
class SustainedStats:
    """Steps without a pause, as their launch saw them. `own_cpu` are processors' seconds of all its threads."""

    seconds: float
    steps: int
    own_cpu: float
    images_a_step: int

    @property
    def images(self) -> int:
        return self.steps * self.images_a_step


class Watcher(ABC):
    """One use of a meter on the launch of that process id: begun, sampled some times a second, and ended.

    `company` are the process ids of the other launches that are alive, and idle.
    """

    @abstractmethod
    def __init__(self, pid: int, device: str, company: Set[int]): ...

    @abstractmethod
    def sample(self) -> None:
        """Read what is only known at a moment."""

    @abstractmethod
    def end(self, sustained: SustainedStats) -> Readings:
        """Every quantity of the meter."""


@dataclass(frozen=True)
class Meter:
    """What it reads, by the names of results.schema.columns.USAGE, and how."""

    name: str
    quantities: tuple[str, ...]
    watcher: type[Watcher]


def meters() -> Mapping[str, Meter]:
    """Every meter that can be loaded, by name."""
    return _loaded()[0]


def absent() -> Mapping[str, str]:
    """Why meters cannot be loaded, by the name of their module or entry point."""
    return _loaded()[1]


@cache
def _loaded() -> tuple[Mapping[str, Meter], Mapping[str, str]]:
    return registry.find_working(__name__, "deadheat.meters", Meter)


class Guarded:
    """A watcher that never raises. What goes wrong is the reason of all its meter's quantities.

    A quantity that it gives no finite number and no reason for is missing, too.
    """

    def __init__(self, meter: Meter, pid: int, device: str, company: Set[int]):
        self._meter, self._problem = meter, ""
        self._watcher = self._try(lambda: meter.watcher(pid, device, company))

    def sample(self) -> None:
        """Let it read, unless it has failed before."""
        if self._watcher and not self._problem:
            self._try(self._watcher.sample)

    def end(self, sustained: SustainedStats) -> Readings:
        """Every quantity of the meter: a finite number, or a reason."""
        watcher = self._watcher
        read = self._try(lambda: dict(watcher.end(sustained))) if watcher and not self._problem else None
        return {name: self._reading((read or {}).get(name)) for name in self._meter.quantities}

    def _reading(self, value: object) -> float | str:
        if self._problem:
            return self._problem
        if isinstance(value, str) and value:
            return value
        if isinstance(value, Real) and math.isfinite(value):
            return float(value)
        what = "nothing" if value is None else f"a {type(value).__name__} that is no finite number"
        return f"meter {self._meter.name} gave {what}"

    def _try(self, do: Callable[[], T]) -> T | None:
        try:
            return do()
        except Exception as problem:  # of a library of any age, or of a package from outside
            self._problem = f"meter {self._meter.name} failed: {one_line(problem)}"
            return None
