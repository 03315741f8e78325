"""Simulated campaigns: log ratios of known mean, as machines of several kinds deal them.

A campaign has WORKLOADS workloads, each with the reference, the reference again (a control, true log ratio 0) and three
other contestants. The ratios of a workload share the reference's launches, and workloads share the block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]

WORKLOADS, CONTESTANTS = 20, 5
NETWORKS = 5
"""A network has WORKLOADS / NETWORKS phases, which are measured in the same launches."""
CELLS = WORKLOADS * (CONTESTANTS - 1)
MOST_LAUNCHES = 8
TURNS = 11
BETWEEN, WITHIN = 0.032, 0.015
"""Standard deviations of a log ratio: between launches, and what the turns of a launch explain."""
UNLIKE = 0.5
"""Standard deviation of the logarithm of the standard deviations of contestants and workloads."""
RATIOS = 0.3
"""Standard deviation of true log ratios, other than controls."""
SLOWER_SHARE = 1 / 3
"""Of launches of the second kind, on machines that have two."""


@dataclass(frozen=True)
class Simulated:
    """Log ratios (campaign, cell, launch), true ones and variances that turns explain (campaign, cell)."""

    logs: Floats
    truth: Floats
    within: Floats

    def quieter(self, noise: float) -> Simulated:
        """The same with all deviations multiplied by `noise`."""
        truth = self.truth[..., None]
        return Simulated(truth + noise * (self.logs - truth), self.truth, noise**2 * self.within)

    def seen(self, launches: Floats, rng: np.random.Generator) -> Floats:
        """The within variance as the turns of so many launches show it."""
        freedom = launches * (TURNS - 1)
        return np.asarray(self.within * rng.chisquare(freedom) / freedom)


WORKLOAD_OF = np.repeat(np.arange(WORKLOADS), CONTESTANTS - 1)
CONTESTANT_OF = np.tile(np.arange(CONTESTANTS - 1), WORKLOADS)
CONTROLS = CONTESTANT_OF == 0
NETWORK_OF = WORKLOAD_OF * NETWORKS // WORKLOADS

Shape = tuple[int, int, int, int]
Launches = Callable[[np.random.Generator, Shape, Floats], Floats]
"""(generator, (campaigns, workloads, contestants, launches), scale) -> deviations of launches' log times."""


def normal(rng: np.random.Generator, shape: Shape, scale: Floats) -> Floats:
    return np.asarray(scale * rng.normal(size=shape))


def heavy_tails(rng: np.random.Generator, shape: Shape, scale: Floats) -> Floats:
    """Student's t with three degrees of freedom, of the same variance."""
    return np.asarray(scale * rng.standard_t(3, size=shape) / np.sqrt(3))


def _common(rng: np.random.Generator, shape: Shape, machine: Floats) -> Floats:
    """What happens to a machine (campaign, launch) happens to its contestants, to each within 5 %."""
    return np.asarray(machine[:, None, None, :] * rng.normal(1, 0.05, (*shape[:3], 1)))


def drift(rng: np.random.Generator, shape: Shape, scale: Floats) -> Floats:
    """The machine becomes slower by a fifth from the first launch to the last."""
    machine = np.broadcast_to(np.linspace(-0.1, 0.1, shape[-1]), (shape[0], shape[-1]))
    return normal(rng, shape, scale) + _common(rng, shape, machine)


def walk(rng: np.random.Generator, shape: Shape, scale: Floats) -> Floats:
    """The machine's speed changes by 5 % from launch to launch, and stays there."""
    machine = np.cumsum(rng.normal(0, 0.05, (shape[0], shape[-1])), -1)
    return normal(rng, shape, scale) + _common(rng, shape, machine)


def two_kinds(slower: float) -> Launches:
    """A third of the launches of one contestant in five is slower, on the logarithm, than its others."""

    def launches(rng: np.random.Generator, shape: Shape, scale: Floats) -> Floats:
        kind = (rng.random(shape) < SLOWER_SHARE) - SLOWER_SHARE
        kind[:, :, :-1] = 0
        return np.asarray(normal(rng, shape, scale) + slower * kind)

    return launches


@dataclass(frozen=True)
class Machine:
    """A kind of machine; `unlike`: how much the spreads of contestants and workloads differ."""

    launches: Launches
    unlike: float = UNLIKE

    def campaigns(self, rng: np.random.Generator, count: int, launches: int = MOST_LAUNCHES) -> Simulated:
        shape = (count, WORKLOADS, CONTESTANTS, launches)
        every = (*shape[:3], 1)
        scale = BETWEEN / np.sqrt(2) * np.exp(rng.normal(0, self.unlike, every))
        turns = WITHIN / np.sqrt(2) * np.exp(rng.normal(0, self.unlike, every))
        times = self.launches(rng, shape, scale) + turns * rng.normal(size=shape)
        truth = rng.normal(0, RATIOS, (count, WORKLOADS, CONTESTANTS - 1))
        truth[:, :, 0] = 0
        logs = times[:, :, 1:] - times[:, :, :1] + truth[..., None]
        within = (turns**2)[:, :, 1:, 0] + (turns**2)[:, :, :1, 0]
        return Simulated(
            logs.reshape(count, CELLS, launches), truth.reshape(count, CELLS), within.reshape(count, CELLS)
        )


@dataclass(frozen=True)
class Resampled:
    """Campaigns made of the residuals of measured ratios: (log ratios about their mean, variance that rounds explain).

    The launches of a simulated cell are drawn with replacement from those of one measured cell, and each gets what its
    rounds would add: so two launches are never the same.
    """

    residuals: Sequence[tuple[Floats, float]]

    def campaigns(self, rng: np.random.Generator, count: int, launches: int = MOST_LAUNCHES) -> Simulated:
        chosen = rng.integers(len(self.residuals), size=(count, CELLS))
        logs = np.empty((count, CELLS, launches))
        for number, (values, _) in enumerate(self.residuals):
            here = chosen == number
            logs[here] = values[rng.integers(len(values), size=(int(here.sum()), launches))]
        within = np.array([variance for _, variance in self.residuals])[chosen]
        logs += np.sqrt(within)[..., None] * rng.normal(size=logs.shape)
        truth = rng.normal(0, RATIOS, (count, CELLS)) * ~CONTROLS
        return Simulated(logs + truth[..., None], truth, within)


MACHINES = {
    "normal": Machine(normal),
    "normal, all alike": Machine(normal, unlike=0.0),
    "heavy tails (t, 3 degrees of freedom)": Machine(heavy_tails),
    "drift": Machine(drift),
    "random walk": Machine(walk),
    "two kinds of launches, 10 % apart": Machine(two_kinds(0.1)),
    "two kinds of launches, 30 % apart": Machine(two_kinds(0.3)),
}
