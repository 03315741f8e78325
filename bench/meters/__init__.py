"""Meters: utilisation and energy of a launch. A meter is a file of this folder with a `Meter` at its top level.

Meters observe a launch from outside during its sustained run (bench.runner.usage), never while it is timed. A quantity
is a number, or the reason why there is none; never 0 for unknown. If a meter raises, or returns neither, only its own
quantities are missing.
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
"""Value, or the reason why there is none, by the names of results.schema.columns.USAGE."""


@dataclass(frozen=True)
class SustainedStats:
    """A sustained run as the launch reports it. `own_cpu`: CPU seconds, summed over threads."""

    seconds: float
    steps: int
    own_cpu: float
    images_a_step: int

    @property
    def images(self) -> int:
        return self.steps * self.images_a_step


class Watcher(ABC):
    """One use of a meter, on the launch with process id `pid`: constructed, sampled several times a second, ended.

    `other_pids`: process ids of the other, idle launches of the block.
    """

    @abstractmethod
    def __init__(self, pid: int, device: str, other_pids: Set[int]): ...

    @abstractmethod
    def sample(self) -> None:
        """Read instantaneous values."""

    @abstractmethod
    def end(self, sustained: SustainedStats) -> Readings:
        """The value, or the reason for its absence, of every quantity of the meter."""


@dataclass(frozen=True)
class Meter:
    """A named meter: its quantities, by the names of results.schema.columns.USAGE, and its Watcher."""

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
    """A watcher that never raises. An exception becomes the reason for all quantities of its meter.

    A quantity with neither a finite number nor a reason is missing, too.
    """

    def __init__(self, meter: Meter, pid: int, device: str, other_pids: Set[int]):
        self._meter, self._problem = meter, ""
        self._watcher = self._try(lambda: meter.watcher(pid, device, other_pids))

    def sample(self) -> None:
        """Sample, unless the watcher has failed before."""
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
        except Exception as problem:  # a library of any version, or a meter of another package
            self._problem = f"meter {self._meter.name} failed: {one_line(problem)}"
            return None
