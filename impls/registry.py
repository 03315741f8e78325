"""A folder is its own registry: what is in it is found because its file is there.

Packages from outside add their own through entry points; a module that is named in full (with a dot) is taken
as it is, so that a benchmark can bring a framework of its own without installing anything.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from typing import Any, Protocol, TypeVar

from impls.errors import DeadheatError


class Named(Protocol):
    """What a registry holds."""

    @property
    def name(self) -> str: ...


Thing = TypeVar("Thing", bound=Named)


def modules_in(package: str) -> Iterator[Any]:
    """Every module of the package's folder whose name does not start with an underscore, imported."""
    for module in sorted(pkgutil.iter_modules(importlib.import_module(package).__path__), key=lambda found: found.name):
        if not module.name.startswith("_"):
            yield importlib.import_module(f"{package}.{module.name}")


def things_in(module: Any, kind: type[Thing]) -> Iterator[Thing]:
    """The instances of `kind` that a module defines at its top level."""
    return (thing for thing in vars(module).values() if isinstance(thing, kind))


def find(package: str, group: str, kind: type[Thing]) -> dict[str, Thing]:
    """Every `kind` in the package's folder and behind the entry points of `group`, by its `name`."""
    sources = [*modules_in(package), *(_load(entry) for entry in entry_points(group=group))]
    found: dict[str, Thing] = {}
    for source in sources:
        things: Iterable[Thing] = [source] if isinstance(source, kind) else things_in(source, kind)
        for thing in things:
            known = found.setdefault(thing.name, thing)
            if known is not thing:
                raise DeadheatError(f"two {group} are called {thing.name!r}; rename one")
    return found


def _load(entry: Any) -> Any:
    try:
        return entry.load()
    except Exception as problem:  # a broken package from outside must be named, not traced
        raise DeadheatError(
            f"entry point {entry.group}:{entry.name} ({entry.value}) cannot be loaded: {problem}"
        ) from problem
