"""What a launch takes beside time. A meter is a file here, with a `Meter` at its top level.

Meters watch a launch from outside while it does nothing but steps (bench.usage), never while it is timed. What a
meter cannot read here it says so, and why: a quantity is a number or a reason, never 0 for unknown.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cache

from impls import registry

Readings = Mapping[str, float | str]
"""By the names of results.columns.USAGE: a value, or the reason why there is none."""


@dataclass(frozen=True)
class Soak:
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
    def end(self, soak: Soak) -> Readings:
        """Every quantity of the meter."""


@dataclass(frozen=True)
class Meter:
    """What it reads, by the names of results.columns.USAGE, and how."""

    name: str
    quantities: tuple[str, ...]
    watcher: type[Watcher]


@cache
def meters() -> Mapping[str, Meter]:
    """Every meter by name."""
    return registry.find(__name__, "deadheat.meters", Meter)
