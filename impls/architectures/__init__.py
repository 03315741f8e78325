"""The papers' networks, one file a paper. Every `Architecture` at the top level of a file here is found by name.

A package from outside adds its own through the entry-point group `deadheat.architectures`, whose value is a module
or one `Architecture`.
"""

from __future__ import annotations

from functools import cache

from impls import registry
from impls.errors import UnknownName
from impls.network import Architecture


@cache
def architectures() -> dict[str, Architecture]:
    """Every architecture by name, sorted."""
    return dict(sorted(registry.find(__name__, "deadheat.architectures", Architecture).items()))


def load_architecture(name: str) -> Architecture:
    """The architecture of that name, for example "alexnet"; `.at(size=...)` makes a network of it."""
    known = architectures()
    if name not in known:
        raise UnknownName("architecture", name, known)
    return known[name]
