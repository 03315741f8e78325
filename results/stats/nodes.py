"""Estimates over the machines ("nodes") of one type. The levels of replication are node, launch and round.

The model, on logarithms: a launch gives the value of the machine type, plus the deviation of its node, plus its own
deviation. All launches of a node share that of the node, so that more of them do not replace another node (Kalibera and
Jones 2013). Each node is therefore judged as a campaign of its own. The estimate over nodes is the mean of theirs, each
with the same weight. Its interval is

- from FEWEST_NODES nodes on, of the machine type: Student's t over the nodes' estimates, or what the launches within
  nodes say where that is wider;
- with two nodes, of these two machines: what the launches within nodes say, from Welch's degrees of freedom.

Nodes lend each other no variance, and cells don't either: the deviations of a node may be the same in all cells, so
that a hundred cells say no more about nodes than one. The simulation that this was chosen by is
`python -m bench.validation.coverage --nodes`; docs/method.md has its results.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from scipy.special import stdtr

from results.schema.record import Record
from results.stats.estimates import CONFIDENCE, Estimate, geometric, holm, launch_time
from results.stats.moderation import Half, quantile
from results.stats.pairing import counted

K = TypeVar("K")
Floats = np.ndarray[Any, np.dtype[np.float64]]

FEWEST_NODES = 3
"""With fewer, the spread over nodes is hardly known: an interval is then of these machines, not of their type."""
SAME = 1e-9
"""Log ratios that are no further apart are equal but for rounding."""


def by_node(records: Iterable[Record]) -> dict[str, list[Record]]:
    """The records of each node, by its name; campaigns of one machine have one, ""."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.node, []).append(record)
    return dict(sorted(found.items()))


def time_over_nodes(records: Iterable[Record]) -> Estimate:
    """Seconds per step of one case, from its measured launches, of which there must be one."""
    own = by_node(counted(records))
    return over_nodes([geometric([launch_time(one.seconds) for one in launches]) for launches in own.values()])


def over_nodes(nodes: Sequence[Estimate]) -> Estimate:
    """The geometric mean of the nodes' estimates of a positive quantity; of one node, its own estimate."""
    if len(nodes) == 1:
        return nodes[0]
    logs, halves, freedom = _arrays(nodes)
    value = nodes[0].value if np.ptp(logs) == 0 else math.exp(float(np.mean(logs)))
    half, launches = half_over_nodes(logs, halves, freedom), sum(node.launches for node in nodes)
    width = float(half.width)
    # More launches on the same nodes do not narrow an interval over nodes: they count as launches on further nodes.
    is_between = len(nodes) >= FEWEST_NODES and float(half.freedom) == len(nodes) - 1
    per_launch = len(nodes) / launches if is_between else 1.0
    ends = value * math.exp(-width), value * math.exp(width)
    return Estimate(value, *ends, launches, float(half.freedom), freedom_per_launch=per_launch)


def half_over_nodes(means: Floats, halves: Floats, freedom: Floats) -> Half:
    """Half of the interval of the mean over nodes (last axis), from the nodes' means and halves of their intervals.

    `halves` is NaN for a node of one launch. From FEWEST_NODES on, such a node adds nothing to the variance within
    nodes, which is a lower bound there; with two nodes, the interval is unknown (NaN).
    """
    within = half_within(halves, freedom)
    nodes = means.shape[-1]
    if nodes < FEWEST_NODES:
        return within
    own = np.full(means.shape[:-1], nodes - 1.0)
    between = quantile(own, CONFIDENCE) * np.std(means, axis=-1, ddof=1) / math.sqrt(nodes)
    is_between = within.width <= between
    return Half(
        np.where(is_between, between, within.width), np.where(is_between, own, within.freedom), np.ones_like(own)
    )


def half_within(halves: Floats, freedom: Floats) -> Half:
    """The same from the launches within nodes alone: of these nodes."""
    nodes = halves.shape[-1]
    variance = _variance(halves, freedom)
    known = variance if nodes < FEWEST_NODES else np.nan_to_num(variance)
    total = known.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        welch = total**2 / (known**2 / np.maximum(freedom, 1.0)).sum(-1)
    own = np.where(total > 0, welch, np.maximum(freedom, 1.0).sum(-1))
    return Half(quantile(own, CONFIDENCE) * np.sqrt(total) / nodes, own, np.ones_like(own))


def _variance(halves: Floats, freedom: Floats) -> Floats:
    """Of a node's estimate: that of Student's t with the same interval; NaN where there is none."""
    with np.errstate(invalid="ignore"):
        return np.asarray((halves / quantile(freedom, CONFIDENCE)) ** 2)


def _arrays(nodes: Sequence[Estimate]) -> tuple[Floats, Floats, Floats]:
    """Logarithms, halves of their intervals, and degrees of freedom."""
    logs = np.log([node.value for node in nodes])
    halves = np.array([math.log(node.high / node.low) / 2 for node in nodes])
    return logs, halves, np.array([float(node.own_freedom) for node in nodes])


def spread(nodes: Sequence[Estimate]) -> float:
    """The standard deviation of nodes, on logarithms, that the launches within them do not explain.

    NaN with fewer than two nodes that have an interval; 0 where launches explain all.
    """
    known = [node for node in nodes if not math.isnan(node.low)]
    if len(known) < 2:
        return math.nan
    logs, halves, freedom = _arrays(known)
    return math.sqrt(max(float(np.var(logs, ddof=1) - np.mean(_variance(halves, freedom))), 0.0))


@dataclass(frozen=True)
class Difference:
    """A node's estimate over the mean of the others' (`ratio`); `p` is Holm's, adjusted for all cells and nodes."""

    ratio: float
    p: float

    @property
    def is_significant(self) -> bool:
        """Errs anywhere in a campaign in at most 5 % of campaigns."""
        return self.p < 1 - CONFIDENCE


def differences(cells: Mapping[K, Mapping[str, Estimate]]) -> dict[tuple[K, str], Difference]:
    """Of every cell and node with an interval, of which there must be two in the cell: how it differs from the others.

    Each is tested against the mean of the others by Welch's t.
    """
    found: dict[tuple[K, str], tuple[float, float]] = {}
    for cell, nodes in cells.items():
        known = {name: node for name, node in nodes.items() if not math.isnan(node.low)}
        if len(known) < 2:
            continue
        apart, p_values = apart_from_others(*_arrays(list(known.values())))
        found |= {(cell, name): (float(d), float(p)) for name, d, p in zip(known, apart, p_values)}
    adjusted = holm({key: p for key, (_, p) in found.items()})
    return {key: Difference(math.exp(apart), adjusted[key]) for key, (apart, _) in found.items()}


def apart_from_others(means: Floats, halves: Floats, freedom: Floats) -> tuple[Floats, Floats]:
    """(difference of each node's mean, in the last axis, from the mean of the others; its p value, not adjusted)."""
    others = means.shape[-1] - 1
    apart = means - (means.sum(-1, keepdims=True) - means) / others
    variance = _variance(halves, freedom)
    parts = (variance.sum(-1, keepdims=True) - variance) / others**2
    squares = variance**2 / freedom
    total = variance + parts
    with np.errstate(invalid="ignore", divide="ignore"):
        welch = total**2 / (squares + (squares.sum(-1, keepdims=True) - squares) / others**4)
        p_values = 2 * stdtr(welch, -np.abs(apart) / np.sqrt(total))
    exact = (np.abs(apart) < SAME).astype(float)
    return apart, np.where(total > 0, p_values, exact)
