"""A folder is its own registry: what is in it is found because its file is there.

Packages from outside add their own through entry points. A package of this project that has some for its own use only
adds modules with `add_unlisted`. A module that is named in full (with a dot) is taken as it is, so that a benchmark can
bring a framework of its own without installing anything.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cache, partial
from importlib.metadata import entry_points
from typing import Any, Protocol, TypeVar

from impls.errors import DeadheatError, one_line


class Named(Protocol):
    """What a registry holds."""

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


def modules_in(package: str) -> Iterator[Any]:
    """Every module of the package's folder whose name does not start with an underscore, imported."""
    for name in module_names(package):
        yield importlib.import_module(f"{package}.{name}")


def module_names(package: str) -> list[str]:
    """The modules of the package's folder whose names do not start with an underscore, in the order of their names."""
    found = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return sorted(module.name for module in found if not module.name.startswith("_"))


def instances_in(module: Any, kind: type[T]) -> Iterator[T]:
    """The instances of `kind` that a module defines at its top level."""
    return (thing for thing in vars(module).values() if isinstance(thing, kind))


def find(package: str, group: str, kind: type[T]) -> dict[str, T]:
    """Every `kind` in the package's folder and behind the entry points of `group`, by its `name`."""
    found: dict[str, T] = {}
    for _, load in sources(package, group):
        add(found, group, kind, load())
    return found


def find_working(package: str, group: str, kind: type[T]) -> tuple[dict[str, T], dict[str, str]]:
    """As `find`, and by the name of the module or entry point why it is left out, where one cannot be loaded."""
    found: dict[str, T] = {}
    broken: dict[str, str] = {}
    for name, load in sources(package, group):
        try:
            add(found, group, kind, load())
        except Exception as problem:
            broken[name] = str(problem) if isinstance(problem, DeadheatError) else one_line(problem)
    return found, broken


def sources(package: str, group: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The name of each module of the package's folder and of each entry point of `group`, and what loads it."""
    for name in module_names(package):
        yield name, partial(importlib.import_module, f"{package}.{name}")
    for entry in entry_points(group=group):
        yield entry.name, partial(_load, entry)


def add(found: dict[str, T], group: str, kind: type[T], source: Any) -> None:
    """Add what a module holds, or the one thing that an entry point names; DeadheatError if a name is taken."""
    things: Iterable[T] = [source] if isinstance(source, kind) else instances_in(source, kind)
    for thing in things:
        known = found.setdefault(thing.name, thing)
        if known is not thing:
            raise DeadheatError(f"two {group} are called {thing.name!r}; rename one")


_unlisted: dict[str, tuple[str, ...]] = {}
"""Names of modules by group."""


def add_unlisted(group: str, modules: Sequence[str]) -> None:
    """Let names of `group` be found in `modules`, too, without being listed.

    "package.*" is every module in the package's folder. They are imported when a name is asked for that is not listed.
    """
    _unlisted[group] = tuple(dict.fromkeys((*_unlisted.get(group, ()), *modules)))


def find_unlisted(group: str, kind: type[T], listed: Collection[str]) -> dict[str, T]:
    """Every `kind` in the modules that `add_unlisted` named, by its `name`; DeadheatError if one is `listed`, too."""
    found: dict[str, T] = _in_modules(group, kind, _unlisted.get(group, ()))
    if twice := sorted(found.keys() & set(listed)):
        raise DeadheatError(f"two {group} are called {twice[0]!r}; rename one")
    return found


@cache
def _in_modules(group: str, kind: type[Any], names: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        package = name.removesuffix(".*")
        for module in modules_in(package) if package != name else [importlib.import_module(name)]:
            add(found, group, kind, module)
    return found


def _load(entry: Any) -> Any:
    try:
        return entry.load()
    except Exception as problem:  # a broken package from outside must be named, not traced
        raise DeadheatError(
            f"entry point {entry.group}:{entry.name} ({entry.value}) cannot be loaded: {one_line(problem)}"
        ) from problem
