"""The software that an execution's results depend on in this Python: versions, and the source of what computes them.

Nothing is imported but the framework's description.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from impls.frameworks import Framework, load_framework
from impls.installed import owners

OWN = ("impls", "bench.worker", "bench.launch", "bench.cost", "bench.networks")
"""Packages of Deadheat that all evidence depends on: tables, layers, arrays, translators, and what computes it."""
NEEDED = ("numpy",)
"""Packages that all evidence depends on, by import name."""


def describe(framework: str, execution: str) -> dict[str, Any]:
    """Everything that the results of an execution depend on in this Python, as JSON values."""
    found = load_framework(framework)
    names = (*NEEDED, *found.requires, *found.execution(execution).requires)
    return {
        "python": [sys.version, platform.machine(), *platform.libc_ver()],
        "distributions": distributions(names),
        "sources": {package: digest(package) for package in _packages(framework, found)},
    }


def _packages(name: str, framework: Framework) -> list[str]:
    """OWN, and the whole packages that have the framework's description and its model."""
    modules = [framework.model.partition(":")[0], *([name] if "." in name else [])]
    return sorted({*OWN, *(module.partition(".")[0] for module in modules)})


@cache
def distributions(imports: tuple[str, ...]) -> Mapping[str, str]:
    """Versions of the distributions with these import names and of all that they require, by name, where installed.

    Of the first ones also the optional requirements, such as a framework's libraries for a GPU.
    """
    known = owners()
    first = [owner for name in imports for owner in known.get(name.partition(".")[0], ())]
    found: dict[str, str] = {}
    waiting = [*first, *(other for one in first for other in _required(one, optional=True))]
    while waiting:
        name = _normal(waiting.pop())
        if name not in found and (version := _version(name)):
            found[name] = version
            waiting += _required(name)
    return dict(sorted(found.items()))


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _required(distribution: str, optional: bool = False) -> Iterator[str]:
    try:
        lines = importlib.metadata.requires(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return
    for line in lines:
        requirement, _, marker = line.partition(";")
        if (optional or "extra" not in marker) and (name := re.match(r"[A-Za-z0-9._-]+", requirement.strip())):
            yield name[0]


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


@cache
def digest(package: str) -> str:
    """A hash of all Python files of a package, a part of one, or a module, by their names and contents."""
    found = hashlib.sha256()
    for name, text in sources(package):
        found.update(f"{name}\0{len(text)}\0".encode())
        found.update(text)
    return found.hexdigest()


def sources(package: str) -> list[tuple[str, bytes]]:
    """The Python files of a package, a part of one, or a module: their names below it and contents, sorted."""
    top, *parts = package.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None:
        return []
    if spec.submodule_search_locations is None:
        return [(top, Path(spec.origin).read_bytes())] if spec.origin else []
    folders = [Path(folder, *parts) for folder in spec.submodule_search_locations]
    files = ((folder, file) for folder in folders for file in folder.rglob("*.py"))
    return sorted((file.relative_to(folder).as_posix(), file.read_bytes()) for folder, file in files)
