"""The variance of log ratios within launches and between them, and how many turns a launch should have.

The log ratio of a launch is the middle of its turns. Turns vary about it (within a launch), and launches vary for
reasons that more turns do not average out (between launches: memory layout, placement of threads). The turns of a
launch show the former, so that the latter is what the variance over launches has beyond it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri

from results.stats.cells import Cell

USUAL_BETWEEN = 0.03**2
"""Variance between launches before two launches are known: that of the reference campaign."""
USUAL_TURN = 0.05**2
"""Variance of a turn of two rounds before one is known."""
USUAL_FREEDOM = 4.0
"""Degrees of freedom that USUAL_BETWEEN is worth beside measured launches."""
LEAST_BETWEEN = 0.003**2
"""Launches that seem to repeat better do so by chance; a bound keeps the number of turns finite."""


@dataclass(frozen=True)
class Components:
    """Variances of a log ratio: `between` launches, and of one turn `within` a launch; from how many cells."""

    between: float = USUAL_BETWEEN
    within: float = USUAL_TURN
    cells: int = 0

    def turns(self, launch_cost: float, turn_cost: float) -> float:
        """The turns per launch that give the narrowest interval for the time (Kalibera and Jones 2013).

        The costs, of a launch without its turns and of one turn, are in the same unit; the result is not rounded.
        """
        return math.sqrt(launch_cost / turn_cost * self.within / self.between)


def components(cells: Iterable[Cell], shared: int = 1) -> Components:
    """The variances that the cells of a network, or of a campaign, have in common.

    They are medians over cells, so that a few unsteady ones count little. Before any cell has two launches, the
    variance between them is the usual one; with few, it is shrunk towards that. `shared`: how many cells are from the
    same launches, and so tell no more about launches than one.
    """
    found = list(cells)
    turns = [cell.turn_variance for cell in found if not math.isnan(cell.turn_variance)]
    within = float(np.median(turns)) if turns else USUAL_TURN
    replicated = [cell for cell in found if len(cell.ratios) > 1]
    if not replicated:
        return Components(within=within)
    freedom = np.array([len(cell.ratios) - 1 for cell in replicated])
    totals = np.array([cell.variance for cell in replicated])
    totals = totals * freedom / chdtri(freedom, 0.5)  # the median of an estimated variance is below the variance
    explained = np.nan_to_num([cell.within for cell in replicated])
    between = max(float(np.median(totals - explained)), 0.0)
    weight = float(freedom.sum()) / shared
    pooled = (USUAL_FREEDOM * USUAL_BETWEEN + weight * between) / (USUAL_FREEDOM + weight)
    return Components(max(pooled, LEAST_BETWEEN), within, len(replicated))
