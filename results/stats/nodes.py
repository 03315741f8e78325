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
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from results.stats.estimates import CONFIDENCE, Comparison, Estimate, compared, geometric
from results.stats.launches import Launches
from results.stats.moderation import Half, quantile
from results.stats.pairing import Pass

Floats = np.ndarray[Any, np.dtype[np.float64]]

FEWEST_NODES = 3
"""With fewer, the spread over nodes is hardly known: an interval is then of these machines, not of their type."""


def time_over_nodes(launches: Launches) -> Estimate:
    """Seconds per step of one case, from its counted launches, of which there must be one."""
    return over_nodes([geometric(own["seconds"].tolist()) for own in launches.counted.by_node().values()])


def geometric_over_nodes(values: Mapping[Pass, float]) -> Estimate:
    """The geometric mean of positive values by pass, of which there must be one."""
    nodes: dict[str, list[float]] = {}
    for (node, _), value in values.items():
        nodes.setdefault(node, []).append(value)
    return over_nodes([geometric(own) for own in nodes.values()])


def over_nodes(nodes: Sequence[Estimate], logarithmic: bool = True) -> Estimate:
    """The mean of the nodes' estimates; of one node, its own. `logarithmic`: the geometric mean of positive values."""
    if len(nodes) == 1:
        return nodes[0]
    values, halves, freedom = _arrays(nodes, logarithmic)
    half, launches = half_over_nodes(values, halves, freedom), sum(node.launches for node in nodes)
    middle, width = float(np.mean(values)), float(half.width)
    low, high = middle - width, middle + width
    if logarithmic:
        middle, low, high = math.exp(middle), math.exp(low), math.exp(high)
    if np.ptp(values) == 0:  # exactly that, not its logarithm's exponential
        middle = nodes[0].value
        low, high = (middle, middle) if width == 0 else (low, high)
    # More launches on the same nodes do not narrow an interval over nodes: they count as launches on further nodes.
    is_between = len(nodes) >= FEWEST_NODES and float(half.freedom) == len(nodes) - 1
    per_launch = len(nodes) / launches if is_between else 1.0
    return Estimate(middle, low, high, launches, float(half.freedom), freedom_per_launch=per_launch)


def compared_over_nodes(nodes: Sequence[Comparison]) -> Comparison:
    """The comparison of two campaigns over nodes that both have, from that on each node; of one node, its own."""
    if len(nodes) == 1:
        return nodes[0]
    known = [one.ratio if math.isnan(one.freedom) else replace(one.ratio, freedom=one.freedom) for one in nodes]
    ratio = over_nodes(known)
    error = math.log(ratio.high / ratio.low) / 2 / ratio.quantile()
    return compared(ratio, math.log(ratio.value), error, ratio.own_freedom)


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


def _arrays(nodes: Sequence[Estimate], logarithmic: bool = True) -> tuple[Floats, Floats, Floats]:
    """Values, halves of their intervals (both as logarithms), and degrees of freedom."""
    values, low, high = (np.array([getattr(node, name) for node in nodes]) for name in ("value", "low", "high"))
    if logarithmic:
        values, low, high = np.log(values), np.log(low), np.log(high)
    return values, (high - low) / 2, np.array([float(node.own_freedom) for node in nodes])


def spread(nodes: Sequence[Estimate]) -> float:
    """The standard deviation of nodes, on logarithms, that the launches within them do not explain.

    NaN with fewer than two nodes that have an interval; 0 where launches explain all.
    """
    known = [node for node in nodes if not math.isnan(node.low)]
    if len(known) < 2:
        return math.nan
    logs, halves, freedom = _arrays(known)
    return math.sqrt(max(float(np.var(logs, ddof=1) - np.mean(_variance(halves, freedom))), 0.0))
