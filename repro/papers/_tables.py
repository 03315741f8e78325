"""What checks read from a network's table or from measured ratios, and how they word it."""

from __future__ import annotations

from collections.abc import Iterable

from impls.layers import Dense, Shape
from impls.network import Network, Row
from results.schema.findings import Verdict
from results.stats.estimates import Estimate


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


def faster(speed_ups: Iterable[Estimate]) -> Verdict:
    """Whether all speed-ups have an interval above 1, or all below it."""
    found = list(speed_ups)
    if all(one.low > 1 for one in found):
        return Verdict.SUPPORTED
    return Verdict.CONTRADICTED if all(one.high < 1 for one in found) else Verdict.INCONCLUSIVE
