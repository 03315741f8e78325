"""Intervals of campaigns of several nodes, by simulation: how the interval over nodes was chosen.

The rule, written down before the first simulation: of the candidates below, take the one with the narrowest intervals
(by the median, without deviations of nodes) among those that hold the true value in 93 % of campaigns or more in every
setting: with 3, 4 and 8 nodes of 2 to 5 launches, deviations of nodes of 0, 1 and 5 %, of each cell for itself, the same
in all workloads of a contestant, and the same in all cells. For two nodes, likewise, with the true value of these two
nodes. No candidate may be narrower than what the launches within nodes say.

One more kind of deviation is not part of the rule, since no interval over three nodes can hold there: one node in five
is off by so much, and the others not at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from bench.validation.coverage.machines import CELLS, CONTESTANT_OF, CONTESTANTS, CONTROLS, MACHINES, Floats
from results.stats.estimates import CONFIDENCE
from results.stats.moderation import inflation_of, moderated, quantile
from results.stats.nodes import FEWEST_NODES, apart_from_others, half_over_nodes, half_within

NODES = 2, 3, 4, 8
LAUNCHES = (2,), (3,), (5,), (2, 3, 4, 5)
"""Of the nodes, in turn."""
EFFECTS = 0.0, 0.01, 0.05
"""Standard deviations of nodes, on the logarithm."""
ODD_SHARE = 0.2
"""Of nodes, where some are off and the others are not."""
PLANTED = 0.05
"""By how much the contestants of one node are off, where a difference is to be found."""
ALL_NODES = "own cells", "contestants", "all cells"
ODD_NODES = "one node in five"

Deviations = Callable[[np.random.Generator, int, int, float], Floats]
"""(generator, campaigns, nodes, effect) -> deviations of nodes (campaign, cell or 1, node); of mean 0."""


def _normal(*shape: int) -> Deviations:
    def deviations(rng: np.random.Generator, campaigns: int, nodes: int, effect: float) -> Floats:
        return effect * rng.normal(size=(campaigns, *shape, nodes))

    return deviations


def _by_contestant(rng: np.random.Generator, campaigns: int, nodes: int, effect: float) -> Floats:
    found = _normal(CONTESTANTS - 1)(rng, campaigns, nodes, effect)
    return np.asarray(found[:, CONTESTANT_OF])


def _odd(rng: np.random.Generator, campaigns: int, nodes: int, effect: float) -> Floats:
    odd = rng.random((campaigns, 1, nodes)) < ODD_SHARE
    return np.asarray(effect * (odd - ODD_SHARE))


DEVIATIONS: Mapping[str, Deviations] = {
    **dict(zip(ALL_NODES, (_normal(CELLS), _by_contestant, _normal(1)))),
    ODD_NODES: _odd,
}


@dataclass(frozen=True)
class Measured:
    """What nodes measured (campaign, cell, node): means of log ratios, halves of their intervals, freedom; the truth
    of the type (campaign, cell), and deviations of nodes from it (campaign, cell, node)."""

    means: Floats
    halves: Floats
    freedom: Floats
    truth: Floats
    deviations: Floats


def measure(
    rng: np.random.Generator, machine: str, campaigns: int, nodes: int, launches: Sequence[int], deviations: Floats
) -> Measured:
    """Campaigns of nodes with these deviations, each judged as a campaign of its own; controls have no deviation."""
    most = max(launches)
    simulated = MACHINES[machine].campaigns(rng, campaigns, nodes * most)
    own = np.broadcast_to(deviations, (campaigns, CELLS, nodes)) * ~CONTROLS[:, None]
    logs = simulated.logs.reshape(campaigns, CELLS, nodes, most) + own[..., None]
    judged = []
    for node in range(nodes):
        number = np.full((campaigns, CELLS), float(launches[node % len(launches)]))
        seen = logs[:, :, node, : int(number[0, 0])]
        mean = seen.mean(-1)
        fitted = moderated(seen.var(-1, ddof=1), number, simulated.seen(number, rng))
        half, inflation = fitted.half_width(CONFIDENCE), inflation_of(fitted.p_value(mean)[:, CONTROLS])
        judged.append((mean, half.width * inflation[:, None], half.freedom))
    means, halves, freedom = (np.stack(one, -1) for one in zip(*judged))
    return Measured(means, halves, freedom, simulated.truth, own)


def t_over_nodes(found: Measured) -> Floats:
    """Student's t over nodes."""
    nodes = found.means.shape[-1]
    return np.asarray(quantile(np.float64(nodes - 1), CONFIDENCE) * found.means.std(-1, ddof=1) / math.sqrt(nodes))


def moderated_over_nodes(found: Measured) -> Floats:
    """The variances over nodes moderated by those of the other cells, as those over launches are."""
    number = np.full(found.truth.shape, float(found.means.shape[-1]))
    fitted = moderated(found.means.var(-1, ddof=1), number, np.full(number.shape, math.nan))
    return fitted.half_width(CONFIDENCE).width


def common_over_nodes(found: Measured) -> Floats:
    """Student's t with the mean variance of all cells, which has as few degrees of freedom as nodes."""
    nodes = found.means.shape[-1]
    variance = found.means.var(-1, ddof=1).mean(-1, keepdims=True)
    half = quantile(np.float64(nodes - 1), CONFIDENCE) * np.sqrt(variance / nodes)
    return np.asarray(np.broadcast_to(half, found.truth.shape))


def within_welch(found: Measured) -> Floats:
    """What launches within nodes say, with Welch's degrees of freedom."""
    return half_within(found.halves, found.freedom).width


def within_root(found: Measured) -> Floats:
    """The same, as the root of the sum of squares of the nodes' intervals."""
    return np.asarray(np.sqrt((found.halves**2).sum(-1)) / found.halves.shape[-1])


def at_least_within(over: Callable[[Measured], Floats]) -> Callable[[Measured], Floats]:
    return lambda found: np.maximum(over(found), within_welch(found))


def used(found: Measured) -> Floats:
    return half_over_nodes(found.means, found.halves, found.freedom).width


OF_THE_TYPE: Mapping[str, Callable[[Measured], Floats]] = {
    "within nodes only": within_welch,
    "t over nodes": at_least_within(t_over_nodes),
    "moderated t over nodes": at_least_within(moderated_over_nodes),
    "t with the variance of all cells": at_least_within(common_over_nodes),
    "used": used,
}
OF_THESE: Mapping[str, Callable[[Measured], Floats]] = {
    "root of squares": within_root,
    "Welch": within_welch,
    "used": used,
}


@dataclass(frozen=True)
class Covered:
    """Of an interval on nodes with deviations: the share that holds the truth, and half of the one in the middle."""

    interval: str
    nodes: int
    launches: tuple[int, ...]
    kind: str
    effect: float
    covered: float
    half_width: float


def coverage(campaigns: int, seed: int, machine: str = "normal") -> Iterator[Covered]:
    """Every candidate in every setting; controls, which have no deviation, do not count."""
    for nodes, launches, (kind, effect) in product(NODES, LAUNCHES, _settings()):
        rng = np.random.default_rng([seed, nodes, *launches, list(DEVIATIONS).index(kind), round(1000 * effect)])
        found = measure(rng, machine, campaigns, nodes, launches, DEVIATIONS[kind](rng, campaigns, nodes, effect))
        of_type = nodes >= FEWEST_NODES
        truth = found.truth if of_type else found.truth + found.deviations.mean(-1)
        error = np.abs(found.means.mean(-1) - truth)[:, ~CONTROLS]
        for interval, method in (OF_THE_TYPE if of_type else OF_THESE).items():
            half = method(found)[:, ~CONTROLS]
            covered = float(np.mean(error <= half))
            yield Covered(interval, nodes, launches, kind, effect, covered, float(np.median(half)))


def _settings() -> Iterator[tuple[str, float]]:
    """Kinds of deviations with their sizes; without any, the kind does not matter."""
    yield next(iter(DEVIATIONS)), 0.0
    yield from product(DEVIATIONS, EFFECTS[1:])


@dataclass(frozen=True)
class Found:
    """Of differences between nodes: the share of campaigns without any in which one is reported, and the share of the
    planted ones (all cells of a contestant on one node) that are found."""

    nodes: int
    launches: tuple[int, ...]
    false: float
    found: float


def detection(campaigns: int, seed: int, machine: str = "normal") -> Iterator[Found]:
    for nodes, launches in product(NODES, LAUNCHES):
        rng = np.random.default_rng([seed, nodes, *launches])
        none = np.zeros((campaigns, 1, nodes))
        p_values = _p_values(measure(rng, machine, campaigns, nodes, launches, none))
        planted = np.zeros((campaigns, CELLS, nodes))
        planted[:, CONTESTANT_OF == CONTESTANTS - 2, 0] = PLANTED
        off = _p_values(measure(rng, machine, campaigns, nodes, launches, planted))
        # Holm's first step, which all others need; the later steps find a little more.
        tests = (~CONTROLS).sum() * nodes
        limit = (1 - CONFIDENCE) / tests
        here = off[:, CONTESTANT_OF == CONTESTANTS - 2, 0] < limit
        false = (p_values[:, ~CONTROLS] < limit).any((1, 2))
        yield Found(nodes, launches, float(false.mean()), float(here.mean()))


def _p_values(found: Measured) -> Floats:
    return apart_from_others(found.means, found.halves, found.freedom)[1]
