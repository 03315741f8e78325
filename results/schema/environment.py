"""Variables of the shell that a campaign's launches had, as its system.json says; older ones say nothing of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def kept(system: Mapping[str, Any]) -> Mapping[str, Any]:
    """What its suite sets for all launches: those that --keep-env took from the shell, and the suite file's own."""
    return _at(system, "suite", "environment")


def inherited(system: Mapping[str, Any]) -> Mapping[str, Any]:
    """What launches as shipped had that is known to change times."""
    return _at(system, "environment", "inherited")


def choosing(system: Mapping[str, Any]) -> Mapping[str, Any]:
    """What chose libraries, card or compiler."""
    return _at(system, "environment", "choosing")


def _at(system: object, *path: str) -> Mapping[str, Any]:
    for key in path:
        system = system.get(key) if isinstance(system, Mapping) else None
    return system if isinstance(system, Mapping) else {}
