"""The papers' networks, one file per paper. Every `Architecture` at the top level of a file here is found by name.

Other packages add architectures through the entry-point group `deadheat.architectures`, whose value is a module or one
`Architecture`. Networks that only benchmarks need are found by name but not listed (`registry.add_unlisted`).
"""

from __future__ import annotations

import importlib
from functools import cache

from impls import registry
from impls.errors import InvalidInput, UnknownName
from impls.network import ALONE, Architecture

GROUP = "deadheat.architectures"


@cache
def architectures() -> dict[str, Architecture]:
    """Every architecture that is listed, by name, sorted."""
    return dict(sorted(registry.find(__name__, GROUP, Architecture).items()))


def load_architecture(name: str) -> Architecture:
    """The architecture of that name, for example "alexnet"; `.at(size=...)` makes a network of it.

    An unregistered one has a dotted name, `my_module.TINY`. With a layer's name appended, `alexnet/conv2`, only that
    layer is run. UnknownName or InvalidInput for others.
    """
    name, alone, layer = name.partition(ALONE)
    if alone:
        return load_architecture(name).alone(layer)
    module, _, place = name.rpartition(".")
    if module:
        return _named_in_full(module, place)
    known = architectures()
    if name in known:
        return known[name]
    if architecture := registry.find_unlisted(GROUP, Architecture, known).get(name):
        return architecture
    raise UnknownName("architecture", name, known)


def _named_in_full(module: str, place: str) -> Architecture:
    try:
        architecture = getattr(importlib.import_module(module), place, None)
    except (ImportError, TypeError, ValueError) as problem:  # "./x" would be a relative import
        raise InvalidInput(f"module {module!r} cannot be imported: {problem}") from None
    if not isinstance(architecture, Architecture):
        raise InvalidInput(f"module {module!r} has no Architecture called {place!r}")
    return architecture
