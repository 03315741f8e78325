"""Engines: what brings attempts to nodes. The modules of `fleet/engines` are the registry, by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fleet.node import Node
from fleet.part import Ended
from fleet.unit import Unit
from impls import registry
from impls.errors import UnknownName

ENGINES = "fleet.engines"


@dataclass(frozen=True)
class Attempt:
    """An attempt at a unit. node: where to, "" if the engine's scheduler chooses. folder: where its part is wanted.

    avoid: the nodes that the scheduler must not choose.
    """

    unit: Unit
    number: int
    folder: Path
    node: str = ""
    avoid: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, int]:
        return self.unit.id, self.number


@dataclass(frozen=True)
class Offer:
    """A node that is there now."""

    id: str
    type: str
    software: str
    slots: int = 1
    cards: int = 0


class Engine(Protocol):
    """Brings attempts to nodes.

    places: the driver chooses nodes among `nodes()` and submits no more than there is room for. Else the engine's own
    scheduler does: `nodes()` is empty, and everything is submitted at once, but for units that must be apart.
    """

    places: bool

    def nodes(self) -> Sequence[Offer]:
        """The nodes that are there now."""
        ...

    def adopt(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
        """Those of an earlier driver's attempts that go on without it; `wait` tells of their ends as well."""
        ...

    def submit(self, attempts: Sequence[Attempt]) -> None:
        """Begin the attempts. DeadheatError if the engine takes none."""
        ...

    def wait(self, seconds: float) -> Sequence[Ended]:
        """The attempts that have ended, each once, after at most that time.

        The part of one that is WHOLE is in its folder. An attempt that was given up may end all the same, later.
        """
        ...

    def cancel(self, attempt: Attempt) -> None:
        """Give an attempt up; it need not be waited for."""
        ...

    def close(self) -> None:
        """The driver ends. So does what still runs, unless the engine can `adopt` it later."""
        ...


@dataclass(frozen=True)
class Kind:
    """An engine as it is registered. start: makes it from the user's options, by name; DeadheatError if it can't.

    options: the names that it takes, with their meaning; others are ignored. join: makes this machine a node, from its
    description, the first node's address ("" on the first node itself), its port, and this machine's address;
    gives lines on what the further nodes need.
    """

    name: str
    start: Callable[[Mapping[str, str]], Engine]
    options: Mapping[str, str]
    join: Callable[[Node, str, int, str], Sequence[str]] | None = None


def engine_names() -> list[str]:
    return registry.module_names(ENGINES)


def load_engine(name: str) -> Kind:
    """The engine of that name; UnknownName if there is none."""
    if name not in engine_names():
        raise UnknownName("engine", name, engine_names())
    kind: Kind = importlib.import_module(f"{ENGINES}.{name}").ENGINE
    return kind
