"""Which cells differ between the nodes of a campaign (results.stats.nodes), with multiplicity controlled.

A node's mean log ratio in a cell is compared with the mean of the other nodes. p values are adjusted by Holm for all
cells and nodes: without any difference, one is found in about 5 % of campaigns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from scipy.special import stdtr

from results.stats.cells import Cell
from results.stats.estimates import CONFIDENCE, holm
from results.stats.moderation import FREEDOM_LOST, WITHIN_SHARE

K = TypeVar("K")
Floats = np.ndarray[Any, np.dtype[np.float64]]

ATTRIBUTABLE = 3
"""Nodes of a cell: with two that differ, neither is known to be the one."""
NOISY_DEVIATIONS = 3.0
"""A node counts as noisier or quieter than others from so many standard deviations on (of chi-squared)."""
SAME = 1e-9
"""Log ratios that are no further apart are equal but for rounding."""


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
        found = (np.isfinite(left).sum(-1) >= ATTRIBUTABLE) & (adjusted[row, first] < 1 - CONFIDENCE)
        if not found.any():
            return apart, adjusted
        is_off[row[found], first[found]] = True
        again = replace(measured, launches=np.where(is_off, 0.0, measured.launches)).compared()
        apart, p = (np.where(is_off, before, after) for before, after in zip((apart, p), again))


def _of_cells(found: Sequence[Sequence[Cell | None]], what: Callable[[Cell], float]) -> Floats:
    return np.array([[math.nan if cell is None else what(cell) for cell in row] for row in found])
