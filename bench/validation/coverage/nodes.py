"""Intervals of campaigns of several nodes, by simulation: how the interval over nodes was chosen.

The rule, written down before the first simulation: of the candidates below, take the one with the narrowest intervals
(by the median, without deviations of nodes) among those that hold the true value in 93 % of campaigns or more in every
setting: 3, 4 and 8 nodes of 2 to 5 launches; nodes that deviate by 0, 1 and 5 %, in each cell for itself, alike in all
workloads of a contestant, or alike in all cells. For two nodes, likewise, with the true value of these two nodes. No
candidate may be narrower than what the launches within nodes say.

One more kind of deviation is not part of the rule, since no interval over three nodes can hold there: one node in five
is off by so much, and the others not at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from bench.validation.coverage.checks import undecided
from bench.validation.coverage.machines import (
    CELLS,
    CONTESTANT_OF,
    CONTESTANTS,
    CONTROLS,
    MACHINES,
    MOST_LAUNCHES,
    NETWORK_OF,
    NETWORKS,
    Floats,
    Simulated,
)
from results.stats import node_differences
from results.stats.estimates import BAND, CONFIDENCE
from results.stats.moderation import inflation_of, moderated, quantile
from results.stats.nodes import FEWEST_NODES, half_over_nodes, half_within

NODES = 2, 3, 4, 8
LAUNCHES = (2,), (3,), (5,), (2, 3, 4, 5)
"""Of the nodes, in turn."""
EFFECTS = 0.0, 0.01, 0.05
"""Standard deviations of nodes, on the logarithm."""
ODD_SHARE = 0.2
"""Of nodes, where some are off and the others are not."""
STOPPED_PART = 4
"""One campaign in so many is simulated until it stops: each is judged after every launch."""
PLANTED = 0.1
"""By how much the contestants of one node are off, where a difference is to be found."""
NOISY = 2.0
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
    """What nodes measured, by campaign, cell and node: means of log ratios, with their intervals; variances over
    launches. `truth` is of the type (campaign, cell), `deviations` are those of nodes from it."""

    means: Floats
    halves: Floats
    freedom: Floats
    truth: Floats
    deviations: Floats
    variance: Floats
    launches: Floats
    within: Floats


def measure(
    rng: np.random.Generator,
    machine: str,
    campaigns: int,
    nodes: int,
    launches: Sequence[int],
    deviations: Floats,
    noise: float = 1.0,
) -> Measured:
    """Campaigns of nodes with these deviations, each judged as a campaign of its own; controls have no deviation.

    `noise`: by how much launches of the first node deviate more than those of the others.
    """
    return judged(simulate(rng, machine, campaigns, nodes, max(launches), deviations, noise), launches, rng)


@dataclass(frozen=True)
class Logs:
    """Log ratios of launches on nodes (campaign, cell, node, launch); the others are as in Measured and Simulated."""

    logs: Floats
    truth: Floats
    deviations: Floats
    simulated: Simulated


def simulate(
    rng: np.random.Generator,
    machine: str,
    campaigns: int,
    nodes: int,
    most: int,
    deviations: Floats,
    noise: float = 1.0,
) -> Logs:
    """So many launches of each node; `noise` as for `measure`."""
    simulated = MACHINES[machine].campaigns(rng, campaigns, nodes * most)
    own = np.broadcast_to(deviations, (campaigns, CELLS, nodes)) * ~CONTROLS[:, None]
    truth = simulated.truth[..., None, None]
    logs = simulated.logs.reshape(campaigns, CELLS, nodes, most) - truth
    logs[:, :, 0] *= noise
    logs += truth + own[..., None]
    return Logs(logs, simulated.truth, own, simulated)


def judged(found: Logs, launches: Sequence[int], rng: np.random.Generator) -> Measured:
    """What the first launches of each node say."""
    each = []
    for node in range(found.logs.shape[2]):
        number = np.full(found.truth.shape, float(launches[node % len(launches)]))
        seen = found.logs[:, :, node, : int(number[0, 0])]
        mean = seen.mean(-1)
        variance, within = seen.var(-1, ddof=1), found.simulated.seen(number, rng)
        fitted = moderated(variance, number, within)
        half, inflation = fitted.half_width(CONFIDENCE), inflation_of(fitted.p_value(mean)[:, CONTROLS])
        each.append((mean, half.width * inflation[:, None], half.freedom, variance, number, within))
    means, halves, freedom, *others = (np.stack(one, -1) for one in zip(*each))
    return Measured(means, halves, freedom, found.truth, found.deviations, *others)


def moderated_over_nodes(found: Measured) -> Floats:
    """The variances over nodes moderated by those of the other cells, as those over launches are."""
    number = np.full(found.truth.shape, float(found.means.shape[-1]))
    fitted = moderated(found.means.var(-1, ddof=1), number, np.full(number.shape, math.nan))
    return fitted.half_width(CONFIDENCE).width


def common_over_nodes(found: Measured) -> Floats:
    """Student's t with the mean variance of all cells, which has as few degrees of freedom as nodes."""
    nodes = found.means.shape[-1]
    variance = found.means.var(-1, ddof=1).mean(-1, keepdims=True)
    half = quantile(np.array(nodes - 1.0), CONFIDENCE) * np.sqrt(variance / nodes)
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
    """Those of results.stats.nodes: Student's t over nodes, or what launches within nodes say where that is wider."""
    return half_over_nodes(found.means, found.halves, found.freedom).width


OF_THE_TYPE: Mapping[str, Callable[[Measured], Floats]] = {
    "within nodes only": within_welch,
    "t over nodes (used)": used,
    "moderated t over nodes": at_least_within(moderated_over_nodes),
    "t with the variance of all cells": at_least_within(common_over_nodes),
}
OF_THESE: Mapping[str, Callable[[Measured], Floats]] = {
    "root of the sum of squares": within_root,
    "Welch (used)": used,
}


@dataclass(frozen=True)
class Covered:
    """Of an interval, with nodes that deviate: the shares that hold the truth, and half of the intervals in the middle,
    both an entry for each of LAUNCHES."""

    interval: str
    nodes: int
    kind: str
    effect: float
    covered: list[float]
    half_width: list[float]


def coverage(campaigns: int, seed: int, machine: str = "normal") -> list[Covered]:
    """Every candidate in every setting; controls, which have no deviation, do not count."""
    found: dict[tuple[str, int, str, float], Covered] = {}
    for nodes, launches, (kind, effect) in product(NODES, LAUNCHES, _settings()):
        rng = np.random.default_rng([seed, nodes, *launches, list(DEVIATIONS).index(kind), round(1000 * effect)])
        own = measure(rng, machine, campaigns, nodes, launches, DEVIATIONS[kind](rng, campaigns, nodes, effect))
        is_of_type = nodes >= FEWEST_NODES
        truth = own.truth if is_of_type else own.truth + own.deviations.mean(-1)
        error = np.abs(own.means.mean(-1) - truth)[:, ~CONTROLS]
        for interval, method in (OF_THE_TYPE if is_of_type else OF_THESE).items():
            half = method(own)[:, ~CONTROLS]
            key = interval, nodes, kind if effect else "none", effect
            into = found.setdefault(key, Covered(*key, [], []))
            into.covered.append(float(np.mean(error <= half)))
            into.half_width.append(float(np.median(half)))
    return list(found.values())


def _settings() -> Iterator[tuple[str, float]]:
    """Kinds of deviations with their sizes; without any, the kind does not matter."""
    yield next(iter(DEVIATIONS)), 0.0
    yield from product(DEVIATIONS, EFFECTS[1:])


@dataclass(frozen=True)
class Stopped:
    """Of campaigns that launch a network again on all of its nodes until its ratios are decided, looking each time.

    `launches`: the mean on a node. `false`: the share of controls whose interval lies outside of the band.
    """

    nodes: int
    effect: float
    covered: float
    launches: float
    false: float


def stopped(campaigns: int, seed: int, machine: str = "normal") -> Iterator[Stopped]:
    """With nodes that deviate in each cell for itself; a network ends at MOST_LAUNCHES launches a node."""
    for nodes, effect in product(NODES, EFFECTS):
        rng = np.random.default_rng([seed, nodes, round(1000 * effect)])
        deviations = DEVIATIONS[ALL_NODES[0]](rng, campaigns, nodes, effect)
        found = simulate(rng, machine, campaigns, nodes, MOST_LAUNCHES, deviations)
        truth = found.truth if nodes >= FEWEST_NODES else found.truth + found.deviations.mean(-1)
        launches = np.zeros(truth.shape)
        mean, half = np.zeros(truth.shape), np.zeros(truth.shape)
        goes_on = np.ones(truth.shape, bool)
        for number in range(2, MOST_LAUNCHES + 1):
            now = judged(found, (number,), rng)
            launches = np.where(goes_on, number, launches)
            mean, half = np.where(goes_on, now.means.mean(-1), mean), np.where(goes_on, used(now), half)
            unclear = goes_on & undecided(mean, half)
            networks = [unclear[:, network == NETWORK_OF].any(-1) for network in range(NETWORKS)]
            goes_on = np.stack(networks, -1)[:, NETWORK_OF]
        held = np.abs(mean - truth)[:, ~CONTROLS] <= half[:, ~CONTROLS]
        outside = np.abs(mean[:, CONTROLS]) - half[:, CONTROLS] > np.log1p(BAND)
        yield Stopped(nodes, effect, float(held.mean()), float(launches.mean()), float(outside.mean()))


@dataclass(frozen=True)
class Found:
    """Of differences between nodes: the share of campaigns without any in which one is reported, the same with a first
    node that is noisier, and the share of the planted ones (all cells of a contestant on one node) that are found."""

    nodes: int
    launches: tuple[int, ...]
    false: float
    false_noisy: float
    found: float


def detection(campaigns: int, seed: int, machine: str = "normal") -> Iterator[Found]:
    own = CONTESTANT_OF == CONTESTANTS - 2
    for nodes, launches in product(NODES, LAUNCHES):
        rng = np.random.default_rng([seed, nodes, *launches])
        deviations = np.zeros((campaigns, CELLS, nodes))
        false = [_found(measure(rng, machine, campaigns, nodes, launches, deviations, noise)) for noise in (1.0, NOISY)]
        deviations[:, own, -1] = PLANTED
        planted = _found(measure(rng, machine, campaigns, nodes, launches, deviations))
        alike, noisy = (float(found.any((1, 2)).mean()) for found in false)
        yield Found(nodes, launches, alike, noisy, float(planted[:, own[~CONTROLS], -1].mean()))


def _found(found: Measured) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """The differences that Holm's first step finds: without a difference, there is one where it finds one."""
    tested = node_differences.Measured(found.means, found.variance, found.launches, found.within).compared()[1][
        :, ~CONTROLS
    ]
    return np.asarray(tested < (1 - CONFIDENCE) / tested[0].size)
