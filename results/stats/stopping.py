"""Stopping rule: whether a group's intervals are narrow enough."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from results.schema.record import Record
from results.stats.estimates import Estimate, Rounds, geometric, launch_times, ratio
from results.stats.nodes import over_nodes
from results.stats.pairing import counted, group_by_block

Blocks = Mapping[object, Rounds]
IN_A_ROW = 2
"""Number of consecutive launches after which intervals must be narrow: a single one may be narrow by chance."""


def is_precise(records: Sequence[Record], reference: str, target: float) -> bool:
    """Whether the widest interval was within `target` (a share) after each of the last launches."""
    last = max((record.launch for record in records), default=-1)
    return all(
        widest([record for record in records if record.launch <= last - less], reference) <= target
        for less in range(IN_A_ROW)
    )


def widest(records: Sequence[Record], reference: str) -> float:
    """The largest relative half-width among the times, and the ratios to the reference, of one workload's records.

    Infinite if one of them has no interval. Without the reference, ratios are to the first contestant.
    """
    launches: dict[str, dict[str, list[Record]]] = {}
    for record in counted(records):
        launches.setdefault(record.case.contestant.id, {}).setdefault(record.node, []).append(record)
    if not launches:
        return math.inf
    nodes = {
        contestant: {node: group_by_block(of_node) for node, of_node in own.items()}
        for contestant, own in launches.items()
    }
    middle = nodes.get(reference, next(iter(nodes.values())))
    estimates = [over_nodes([geometric(launch_times(blocks)) for blocks in own.values()]) for own in nodes.values()]
    ratios = (_ratios(own, middle) for own in nodes.values() if own is not middle)
    estimates += [over_nodes(found) for found in ratios if found]
    return max(_half_widths(estimates))


def _ratios(nodes: Mapping[str, Blocks], reference: Mapping[str, Blocks]) -> list[Estimate]:
    """On each node that has one."""
    found = (ratio(blocks, reference.get(node, {})) for node, blocks in nodes.items())
    return [one for one in found if one is not None]


def _half_widths(estimates: Iterable[Estimate]) -> Iterable[float]:
    for estimate in estimates:
        half = estimate.relative_half_width
        yield math.inf if math.isnan(half) else half
