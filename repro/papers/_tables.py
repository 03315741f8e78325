"""What checks read from a network's table."""

from __future__ import annotations

from collections.abc import Iterable

from impls.layers import Dense, Shape
from impls.network import Network, Row


def by_name(network: Network) -> dict[str, Row]:
    """Its rows by the name of their layer."""
    return {row.layer.name: row for row in network.rows}


def classifier_input(network: Network) -> Shape:
    """The shape that the first full connection reads."""
    return next(row.input for row in network.rows if isinstance(row.layer, Dense))


def millions(count: int) -> int:
    """`count` in whole millions, rounded."""
    return round(count / 1e6)


def listed(parts: Iterable[str]) -> str:
    """Parts of a line of evidence, one after the other."""
    return ", ".join(parts)
