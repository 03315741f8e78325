"""The spatial pyramid in every framework: any map, any pyramid, each rule, its values and its gradients.

Maps come out of a 1x1 convolution, so the gradient of its weight is the pyramid's gradient seen along random
directions. Right is what the bins' definition gives in NumPy.
"""

from __future__ import annotations

import math
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle.children import Children, answer
from oracle.jobs import Pooled, PyramidCase, pyramid_network
from oracle.requests import missing

from impls.arrays import make_batch, make_weights
from impls.errors import InvalidInput
from impls.frameworks import load_framework
from impls.layers import SpatialPyramid

CONTESTANTS = ("pytorch:eager", "tensorflow:graph", "jax:jit", "keras:tensorflow")
OTHERS = tuple(
    f"bench.pyramids.{framework}:{execution.name}"
    for framework in ("pytorch", "tensorflow", "jax")
    for execution in load_framework(f"bench.pyramids.{framework}").executions
)
"""What suite spp-layer compares ours with."""
PRECISION = "float64"
LARGEST, MOST = 64, 8
TOLERANCE = 1e-11
"""Relative, in float64."""


def some_cases(count: int, seed: int = 0) -> list[PyramidCase]:
    """Maps of all sizes, not only square, under every rule that takes them."""
    dice = np.random.default_rng(seed)
    found: list[PyramidCase] = []
    while len(found) < count:
        rule = ("adaptive", "sliding", "rounded")[len(found) % 3]
        height, width = (int(side) for side in np.exp(dice.uniform(0, math.log(LARGEST), 2)).round())
        levels = tuple(int(n) for n in dice.permutation(np.arange(1, MOST + 1))[: dice.integers(1, 4)])
        case = PyramidCase(height, width, levels, rule)
        try:
            SpatialPyramid("spp", levels, rule).at((2, height, width))
        except InvalidInput:
            continue
        found.append(case)
    return found


CASES = [
    PyramidCase(13, 13, (3, 2, 1), "sliding"),  # He 2015, figure 4
    PyramidCase(13, 13, (6, 3, 2, 1), "adaptive"),
    PyramidCase(10, 10, (6, 3, 2, 1), "adaptive"),  # where the paper's own rule gives nine bins for six
    PyramidCase(1, 1, (4, 2, 1), "adaptive"),
    PyramidCase(64, 1, (8, 1), "adaptive"),
    PyramidCase(13, 10, (4, 2, 1), "rounded"),
    *some_cases(9),
]


@pytest.fixture(scope="module")
def pooled(children: Children) -> dict[str, Future[Any]]:
    """What each contestant makes of all cases, asked at once."""
    asked = {}
    for contestant in CONTESTANTS:
        framework, _, execution = contestant.partition(":")
        if not missing(contestant):
            child = children.child(
                f"{framework}-{PRECISION}", load_framework(framework).execution(execution).environment
            )
            asked[contestant] = child.submit("oracle.jobs:pyramids", contestant, PRECISION, CASES)
    return asked


@pytest.mark.parametrize("contestant", CONTESTANTS)
@pytest.mark.parametrize("number", range(len(CASES)), ids=map(str, CASES))
def test_values_and_gradients_are_the_definitions(contestant: str, number: int, pooled: dict[str, Future[Any]]) -> None:
    if reason := missing(contestant):
        pytest.skip(reason)
    given, right = answer(pooled[contestant])[number], by_definition(CASES[number])
    assert np.abs(given.scores - right.scores).max() <= TOLERANCE * np.abs(right.scores).max()
    assert np.abs(given.gradient - right.gradient).max() <= TOLERANCE * max(np.abs(right.gradient).max(), 1e-3)


@pytest.mark.parametrize("contestant", OTHERS)
def test_other_ways_to_write_it_are_the_same_pyramid(contestant: str, children: Children) -> None:
    if reason := missing(contestant):
        pytest.skip(reason)
    name, _, execution = contestant.partition(":")
    framework = load_framework(name)
    child = children.child(f"{framework.extra}-float32", framework.execution(execution).environment)
    cases = [case for case in CASES if case.rule == "adaptive"]
    found = answer(child.submit("oracle.jobs:pyramids", contestant, "float32", cases))
    for case, pooled in zip(cases, found, strict=True):
        right = by_definition(case)
        assert np.abs(pooled.scores - right.scores).max() <= 1e-5 * np.abs(right.scores).max(), case
        assert np.abs(pooled.gradient - right.gradient).max() <= 1e-3 * np.abs(right.gradient).max(), case


def by_definition(case: PyramidCase) -> Pooled:
    """In float64: the maximum of each bin, and its gradient to the cell that is the maximum."""
    network = pyramid_network(case)
    weights, batch = make_weights(network), make_batch(network, 2)
    images = batch.images.astype(np.float64)
    mix, bias = (weights[f"mix.{name}"].astype(np.float64) for name in ("weight", "bias"))
    maps = np.einsum("oi,bihw->bohw", mix[:, :, 0, 0], images) + bias[:, None, None]
    layer = SpatialPyramid("spp", case.levels, case.rule)
    values, cells = [], []
    for level in layer.levels:
        rows, columns = layer.bins(case.height, level), layer.bins(case.width, level)
        for channel in range(maps.shape[1]):
            for top, bottom in rows:
                for left, right in columns:
                    window = maps[:, channel, top:bottom, left:right].reshape(len(maps), -1)
                    place = window.argmax(1)
                    values.append(window.max(1))
                    cells.append((channel, top + place // (right - left), left + place % (right - left)))
    weight, shift = (weights[f"output.{name}"].astype(np.float64) for name in ("weight", "bias"))
    scores = np.stack(values, 1) @ weight.T + shift
    shares = np.exp(scores - scores.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    shares[np.arange(len(shares)), batch.labels] -= 1
    back = shares @ weight / len(maps)
    signal = np.zeros_like(maps)
    for place, (channel, y, x) in enumerate(cells):
        np.add.at(signal, (np.arange(len(maps)), channel, y, x), back[:, place])
    return Pooled(scores, np.einsum("bohw,bihw->oi", signal, images)[:, :, None, None])


@given(st.integers(1, 64), st.integers(1, 8))
def test_rounded_bins_are_the_tutorials_edges(side: int, n: int) -> None:
    """Section 5.3 of the fact sheet: edges round(i a / n), half to even; refused where a bin would be empty."""
    layer = SpatialPyramid("spp", (n,), "rounded")
    if side < n:
        with pytest.raises(InvalidInput, match="leaves bins empty"):
            layer.bins(side, n)
        return
    edges = np.round(np.arange(n + 1, dtype=np.float32) * np.float32(side) / np.float32(n)).astype(int)
    assert [start for start, _ in layer.bins(side, n)] == edges[:-1].tolist()
    assert [end for _, end in layer.bins(side, n)] == edges[1:].tolist()


@given(st.integers(1, 64), st.integers(1, 8))
def test_sliding_bins_are_the_papers_windows_or_refused(side: int, n: int) -> None:
    """Section 2.3: window ceil(a / n), stride floor(a / n); refused where that is not n bins over the whole side."""
    layer = SpatialPyramid("spp", (n,), "sliding")
    window, stride = -(-side // n), side // n
    starts = list(range(0, side - window + 1, stride)) if stride else []
    if len(starts) == n and starts[-1] + window == side:
        assert list(layer.bins(side, n)) == [(start, start + window) for start in starts]
    else:
        with pytest.raises(InvalidInput, match="the sliding rule"):
            layer.bins(side, n)


WORKED = {
    ("sliding", 13, 3): [(0, 5), (4, 9), (8, 13)],
    ("sliding", 13, 6): [(0, 3), (2, 5), (4, 7), (6, 9), (8, 11), (10, 13)],
    ("adaptive", 10, 6): [(0, 2), (1, 4), (3, 5), (5, 7), (6, 9), (8, 10)],
    ("adaptive", 10, 4): [(0, 3), (2, 5), (5, 8), (7, 10)],
    ("rounded", 13, 3): [(0, 4), (4, 9), (9, 13)],
    ("rounded", 13, 6): [(0, 2), (2, 4), (4, 6), (6, 9), (9, 11), (11, 13)],
    ("rounded", 10, 4): [(0, 2), (2, 5), (5, 8), (8, 10)],
    ("rounded", 10, 6): [(0, 2), (2, 3), (3, 5), (5, 7), (7, 8), (8, 10)],
}
"""Worked bins of section 5.3 of the fact sheet."""


@pytest.mark.parametrize(("rule", "side", "n"), WORKED)
def test_the_worked_bins(rule: str, side: int, n: int) -> None:
    assert list(SpatialPyramid("spp", (n,), rule).bins(side, n)) == WORKED[rule, side, n]


@pytest.mark.parametrize(("side", "n"), [(10, 6), (10, 4), (5, 3), (8, 3), (6, 4), (15, 6)])
def test_the_papers_rule_is_refused_where_it_gives_other_bins(side: int, n: int) -> None:
    with pytest.raises(InvalidInput, match="use rule 'adaptive'"):
        SpatialPyramid("spp", (n,), "sliding").bins(side, n)
