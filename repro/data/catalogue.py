"""Catalogue of data sets: this folder's, and those of other packages."""

from __future__ import annotations

from functools import cache

from impls import registry
from impls.errors import UnknownName
from repro.data.source import Source


@cache
def sources() -> dict[str, Source]:
    """Every data set by its name."""
    return registry.find("repro.data", "deadheat.datasets", Source)


def load_source(name: str) -> Source:
    """The data set called `name`; UnknownName if there is none."""
    known = sources()
    if name not in known:
        raise UnknownName("data set", name, known)
    return known[name]
