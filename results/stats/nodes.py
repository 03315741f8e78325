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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from scipy.special import stdtr

from results.schema.record import Record
from results.stats.cells import Cell
from results.stats.estimates import CONFIDENCE, Estimate, geometric, holm, launch_time
from results.stats.moderation import FREEDOM_LOST, WITHIN_SHARE, Half, quantile
from results.stats.pairing import Pass, counted

K = TypeVar("K")
Floats = np.ndarray[Any, np.dtype[np.float64]]

FEWEST_NODES = 3
"""With fewer, the spread over nodes is hardly known: an interval is then of these machines, not of their type."""
NOISY_DEVIATIONS = 3.0
"""A node counts as noisier or quieter than others from so many standard deviations on (of chi-squared)."""
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


@dataclass(frozen=True)
class Measured:
    """What nodes measured; the last axes are cells and nodes, others are campaigns.

    `means` of log ratios, their `variance` over launches, what rounds explain of it (`within`); `launches` is 0, and
    the others may be NaN, where a node does not have a cell. `inflation` is by node.
    """

    means: Floats
    variance: Floats
    launches: Floats
    within: Floats
    inflation: Floats | float = 1.0

    def compared(self) -> tuple[Floats, Floats]:
        """(each node's mean less that of the others, p value of no difference: not adjusted; NaN without a test).

        Student's t: a cell's variance is pooled over its nodes, after that of each node is divided by how noisy the
        node is in all cells.
        """
        freedom = np.maximum(self.launches - 1, 0)
        squares = np.where(freedom > 0, self.variance, 0.0) * freedom
        total = freedom.sum(-1, keepdims=True)
        has = self.launches > 0
        others = has.sum(-1, keepdims=True) - 1
        with np.errstate(invalid="ignore", divide="ignore"):
            noise = _noise(squares, freedom)
            pooled = (squares / noise).sum(-1, keepdims=True) / total
            pooled = np.fmax(pooled, WITHIN_SHARE * _mean(np.where(has, self.within / noise, math.nan)))
            error = np.where(has, pooled * noise * self.inflation**2 / self.launches, 0.0)
            means = np.where(has, self.means, 0.0)
            apart = means - (means.sum(-1, keepdims=True) - means) / others
            deviation = np.sqrt(error + (error.sum(-1, keepdims=True) - error) / others**2)
            p = 2 * stdtr(np.maximum(total - FREEDOM_LOST, 1), -np.abs(apart) / deviation)
        p = np.where(deviation > 0, p, (np.abs(apart) < SAME).astype(float))
        return apart, np.where(has & (total > 0) & (others > 0), p, math.nan)


def _noise(squares: Floats, freedom: Floats) -> Floats:
    """A node's variance over that of all nodes, in the mean of all cells; 1 where that may be by chance."""
    pooled = squares.sum(-1, keepdims=True) / freedom.sum(-1, keepdims=True)
    relative = np.where(pooled > 0, squares / pooled, freedom).sum(-2, keepdims=True)
    expected = freedom.sum(-2, keepdims=True)
    is_other = np.abs(relative - expected) > NOISY_DEVIATIONS * np.sqrt(2 * expected)
    return np.where(is_other, relative / expected, 1.0)


def _mean(values: Floats) -> Floats:
    """Over the nodes that have one; NaN without any."""
    known = ~np.isnan(values)
    return np.asarray(np.where(known, values, 0.0).sum(-1, keepdims=True) / known.sum(-1, keepdims=True))


@dataclass(frozen=True)
class Difference:
    """A node's ratio over the mean of the others, and Holm's adjusted p value of no difference."""

    ratio: float
    p: float

    @property
    def is_significant(self) -> bool:
        """Without any difference between nodes, one is found in about 5 % of campaigns."""
        return self.p < 1 - CONFIDENCE


def differences(
    nodes: Mapping[str, Mapping[K, Cell]], inflation: Mapping[str, float]
) -> dict[tuple[K, str], Difference]:
    """How each node differs from the others, in every cell that two nodes have, one of them with two launches.

    p values are adjusted for all cells and nodes. In a cell of three nodes or more, the node that differs most is found
    first, and the others are then compared without it: one node that is off does not make them differ. `inflation` is
    what each node's controls widen its intervals by.
    """
    cells = list(dict.fromkeys(key for own in nodes.values() for key in own))
    if not cells:
        return {}
    table = [[own.get(key) for own in nodes.values()] for key in cells]
    measured = Measured(
        _of_cells(table, lambda cell: float(np.mean(cell.logs))),
        _of_cells(table, lambda cell: cell.variance),
        np.nan_to_num(_of_cells(table, lambda cell: float(len(cell.ratios)))),
        _of_cells(table, lambda cell: cell.within),
        np.array([inflation[node] for node in nodes]),
    )
    apart, adjusted = _one_by_one(measured)
    return {
        (key, node): Difference(math.exp(apart[row, place]), float(adjusted[row, place]))
        for row, key in enumerate(cells)
        for place, node in enumerate(nodes)
        if not math.isnan(adjusted[row, place])
    }


def _one_by_one(measured: Measured) -> tuple[Floats, Floats]:
    """(differences, adjusted p values), each from the nodes that are left when those that differ more are found."""
    apart, p = measured.compared()
    is_off = np.zeros(p.shape, dtype=bool)
    while True:
        adjusted = np.reshape(list(holm(dict(enumerate(p.flat))).values()), p.shape)
        left = np.where(is_off, math.inf, np.nan_to_num(p, nan=math.inf))
        most = left == left.min(-1, keepdims=True)  # several where they are 0
        first = np.where(most, -np.abs(apart), math.inf).argmin(-1)
        row = np.arange(len(p))
        found = (np.isfinite(left).sum(-1) >= FEWEST_NODES) & (adjusted[row, first] < 1 - CONFIDENCE)
        if not found.any():
            return apart, adjusted
        is_off[row[found], first[found]] = True
        again = replace(measured, launches=np.where(is_off, 0.0, measured.launches)).compared()
        apart, p = (np.where(is_off, before, after) for before, after in zip((apart, p), again))


def _of_cells(found: Sequence[Sequence[Cell | None]], what: Callable[[Cell], float]) -> Floats:
    return np.array([[math.nan if cell is None else what(cell) for cell in row] for row in found])
