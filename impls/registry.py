"""Registries: instances are found in the modules of a folder, without a list.

Other packages add instances through entry points. A package of this project adds instances that are not listed with
`add_unlisted`. A dotted module name is imported as it is, so that a benchmark can define a framework without
installing it.
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
    """An entry of a registry."""

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


def modules_in(package: str) -> Iterator[Any]:
    """Every module of the package's folder whose name does not start with an underscore, imported."""
    for name in module_names(package):
        yield importlib.import_module(f"{package}.{name}")


def module_names(package: str) -> list[str]:
    """The modules of the package's folder whose names do not start with an underscore, in the order of their names."""
    modules = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return sorted(module.name for module in modules if not module.name.startswith("_"))


def instances_in(module: Any, kind: type[T]) -> Iterator[T]:
    """The instances of `kind` that a module defines at its top level."""
    return (value for value in vars(module).values() if isinstance(value, kind))


def find(package: str, group: str, kind: type[T]) -> dict[str, T]:
    """Every `kind` in the package's folder and the entry points of `group`, by `name`; DeadheatError for duplicates."""
    instances: dict[str, T] = {}
    for _, load in sources(package, group):
        add(instances, group, kind, load())
    return instances


def find_working(package: str, group: str, kind: type[T]) -> tuple[dict[str, T], dict[str, str]]:
    """As `find`; and the reasons for modules or entry points that cannot be loaded, by their names."""
    instances: dict[str, T] = {}
    broken: dict[str, str] = {}
    for name, load in sources(package, group):
        try:
            add(instances, group, kind, load())
        except Exception as problem:
            broken[name] = str(problem) if isinstance(problem, DeadheatError) else one_line(problem)
    return instances, broken


def sources(package: str, group: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Name and loader of each module of the package's folder and of each entry point of `group`."""
    for name in module_names(package):
        yield name, partial(importlib.import_module, f"{package}.{name}")
    for entry in entry_points(group=group):
        yield entry.name, partial(_load, entry)


def add(found: dict[str, T], group: str, kind: type[T], source: Any) -> None:
    """Add the instances of a module, or the single one of an entry point; DeadheatError if a name is taken."""
    instances: Iterable[T] = [source] if isinstance(source, kind) else instances_in(source, kind)
    for instance in instances:
        known = found.setdefault(instance.name, instance)
        if known is not instance:
            raise DeadheatError(f"two {group} are called {instance.name!r}; rename one")


_unlisted: dict[str, tuple[str, ...]] = {}
"""Names of modules by group."""


def add_unlisted(group: str, modules: Sequence[str]) -> None:
    """Register `modules` whose instances of `group` are found by name but not listed.

    "package.*": every module in the package's folder. They are imported when an unlisted name is loaded.
    """
    _unlisted[group] = tuple(dict.fromkeys((*_unlisted.get(group, ()), *modules)))


def find_unlisted(group: str, kind: type[T], listed: Collection[str]) -> dict[str, T]:
    """Every `kind` in the modules of `add_unlisted`, by its `name`; DeadheatError if one is also `listed`."""
    instances: dict[str, T] = _in_modules(group, kind, _unlisted.get(group, ()))
    if twice := sorted(instances.keys() & set(listed)):
        raise DeadheatError(f"two {group} are called {twice[0]!r}; rename one")
    return instances


@cache
def _in_modules(group: str, kind: type[Any], names: tuple[str, ...]) -> dict[str, Any]:
    instances: dict[str, Any] = {}
    for name in names:
        package = name.removesuffix(".*")
        for module in modules_in(package) if package != name else [importlib.import_module(name)]:
            add(instances, group, kind, module)
    return instances


def _load(entry: Any) -> Any:
    try:
        return entry.load()
    except Exception as problem:  # name a broken package instead of showing its traceback
        raise DeadheatError(
            f"entry point {entry.group}:{entry.name} ({entry.value}) cannot be loaded: {one_line(problem)}"
        ) from problem
