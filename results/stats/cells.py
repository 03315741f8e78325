"""The ratios of a contestant to its reference, one per block, and what the turns of a launch say about them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from results.stats.estimates import Rounds, at_once, round_ratios, shifts, shifts_of

MEDIAN_DIFFERENCE = 0.9538725524
"""The median absolute difference of two values from a normal distribution with standard deviation 1."""
EFFICIENCY = 3 / math.pi
"""Of the median shift (Hodges and Lehmann) relative to the mean, for normal values."""


@dataclass(frozen=True)
class Timed:
    """A case's counted launches by block, and the rounds in a turn of its first one."""

    blocks: Mapping[object, Rounds]
    rounds_per_turn: int

    @cached_property
    def table(self) -> np.ndarray | None:
        """The rounds of its blocks in order: (launches, rounds); None where launches have different numbers of them."""
        rounds = list(self.blocks.values())
        return np.array(rounds, float) if len(set(map(len, rounds))) == 1 else None

    @cached_property
    def rows(self) -> Mapping[object, int]:
        """The row of each block in the table."""
        return {block: row for row, block in enumerate(self.blocks)}


def rounds_per_turn_of(rounds: int, turns: int) -> int:
    """Of a launch of so many rounds in so many turns (0: its record does not say)."""
    return max(rounds // max(turns, 1), 1)


@dataclass(frozen=True)
class Cell:
    """The ratios of a contestant to its reference, one per block, in the order of time.

    `turn_variance` is the variance of the log ratio of one turn about that of its launch (NaN: unknown), `turns` the
    number of turns in a launch. `control`: both are the same contestant, so that the true log ratio is 0.
    """

    ratios: tuple[float, ...]
    turn_variance: float = math.nan
    turns: float = math.nan
    control: bool = False

    @cached_property
    def logs(self) -> np.ndarray:
        """Logarithms of the ratios."""
        return np.log(self.ratios)

    @cached_property
    def varies(self) -> bool:
        """Whether the ratios are not all equal."""
        return min(self.ratios) < max(self.ratios)

    @property
    def middle(self) -> float:
        """The geometric mean of the ratios (results.stats.estimates.geometric)."""
        return math.exp(float(np.mean(self.logs))) if self.varies else self.ratios[0]

    @property
    def variance(self) -> float:
        """Of one of the log ratios, over launches; exactly 0 where they are equal, NaN where there is only one."""
        if len(self.ratios) < 2:
            return math.nan
        return float(np.var(self.logs, ddof=1)) if self.varies else 0.0

    @property
    def inverse(self) -> Cell:
        """That of the reference to the contestant."""
        return replace(self, ratios=tuple((1 / np.array(self.ratios)).tolist()))

    @property
    def within(self) -> float:
        """The variance of one of the log ratios that rounds within launches explain; NaN if unknown."""
        return self.turn_variance / self.turns


def cell_of(
    launches: Mapping[object, Rounds],
    reference: Mapping[object, Rounds],
    control: bool = False,
    rounds_per_turn: int = 1,
) -> Cell | None:
    """The cell of `launches` over `reference`, paired by key (the block that both ran in); None without a pair.

    Each launch is the seconds per step of its rounds, in the order of time.
    """
    return cell_between(Timed(launches, rounds_per_turn), Timed(reference, rounds_per_turn), control)


def cell_between(own: Timed, reference: Timed, control: bool = False) -> Cell | None:
    """The same from two cases."""
    shared = [block for block in own.blocks if block in reference.blocks]
    if not shared:
        return None
    if own.table is None or reference.table is None or own.table.shape[1] != reference.table.shape[1]:
        pairs = [(own.blocks[block], reference.blocks[block]) for block in shared]
        of_rounds = round_ratios(pairs)
        ratios = shifts_of(pairs, of_rounds)
    else:  # as arrays, which takes a tenth of the time
        table = own.table[_rows(own, shared)] / reference.table[_rows(reference, shared)]
        places = range(len(table))
        of_rounds = [(list(places[some]), table[some]) for some in at_once(*table.shape)]
        ratios = [shift for _, some in of_rounds for shift in shifts(some).tolist()]
    variance, turns = turn_variance([turn_ratios(some, own.rounds_per_turn) for _, some in of_rounds])
    return Cell(tuple(ratios), variance, turns, control)


def _rows(case: Timed, shared: Sequence[object]) -> slice | list[int]:
    if len(shared) == len(case.blocks) and list(case.blocks) == shared:
        return slice(None)
    return [case.rows[block] for block in shared]


def turn_ratios(ratios: np.ndarray, rounds_per_turn: int = 1) -> np.ndarray:
    """The log ratio of each turn: (launches, turns), from the ratios of rounds, (launches, rounds)."""
    starts = np.arange(0, ratios.shape[1], rounds_per_turn)
    sums = np.add.reduceat(np.log(ratios), starts, axis=1)
    return np.asarray(sums / np.diff(starts, append=ratios.shape[1]))


def turn_variance(launches: Sequence[np.ndarray]) -> tuple[float, float]:
    """(variance of a turn's log ratio about its launch's, turns per launch), from `turn_ratios`; NaN if unknown.

    From the median difference between turns of the same launch (Shamos), which a disturbed turn moves as little as it
    moves the launch's ratio. Divided by the turns it is the variance of the launch's log ratio that turns explain: the
    median shift is a little less efficient than the mean, which is included.
    """
    known = [ratios for ratios in launches if ratios.shape[1] > 1]
    if not known:
        return math.nan, math.nan
    differences = np.concatenate([_differences(ratios) for ratios in known])
    deviation = float(np.median(differences)) / MEDIAN_DIFFERENCE
    turns = sum(ratios.size for ratios in known) / sum(map(len, known))
    return deviation**2 / EFFICIENCY, turns


def _differences(ratios: np.ndarray) -> np.ndarray:
    """Of all pairs of turns of each launch, without sign; flat."""
    first, second = np.triu_indices(ratios.shape[1], 1)
    return np.asarray(np.abs(ratios[:, first] - ratios[:, second])).ravel()
