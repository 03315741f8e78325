"""The spatial pyramid in every framework: any map, any pyramid, each rule, its values and its gradients.

Right is what the bins' definition gives in NumPy, which is proven in test_oracles against the definitions' authors.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle.jobs import Pooled, pyramid_batch, pyramid_network
from oracle.numpy_layers import EDGES, are_bins, pyramid_edges, pyramid_gradient, pyramid_max, pyramid_places

from deadheat.contract.fixtures import differentiates, missing
from deadheat.contract.processes import Child, ChildFailed, Children
from impls.architectures import architectures
from impls.errors import InvalidInput
from impls.frameworks import frameworks, load_framework
from impls.layers import Pair, SpatialPyramid, WindowPyramid
from tests.support.slow import slow_but

SIDES, LEVELS, RULES = range(1, 65), range(1, 9), tuple(EDGES)


class Effort(NamedTuple):
    """How many pyramids are drawn, the sizes of maps for each, and the rules that the contestant has."""

    pyramids: int
    sizes: int = 1
    rules: tuple[str, ...] = RULES


INTERPRETED, TRACED, COMPILED = Effort(50, 8), Effort(12), Effort(4)
"""Where a map of another size takes milliseconds, tenths of a second, a second."""
EFFORTS = {
    "onnx:onnxruntime": INTERPRETED,
    "onnx:openvino": Effort(20, 8),
    "pytorch:eager": INTERPRETED,
    "pytorch:eager-nhwc": INTERPRETED,
    "tensorflow:eager": INTERPRETED,
    "tensorflow:graph-any-size": Effort(8, 25, ("adaptive",)),
    "tensorflow:xla": COMPILED,
    "jax:jit": COMPILED,
    "jax:idiomatic": COMPILED,
    "keras:torch": Effort(20, 2),
    "keras:torch-idiomatic": Effort(20, 2),
    "keras:jax": COMPILED,
    "keras:jax-idiomatic": COMPILED,
    "keras:tensorflow-idiomatic": COMPILED,
    "tensorflow:idiomatic": COMPILED,
    "pytorch:idiomatic": Effort(4, 8),
}
MINUTES = tuple(f"pytorch:{name}" for name in ("compile", "compile-dynamic", "compile-graphs", "compile-frozen", "aot"))
"""Compiled they take that long; what they compile is held against PyTorch's own pooling in test_oracles."""
QUICK = ("pytorch:eager", "tensorflow:graph", "jax:jit", "onnx:onnxruntime")
"""One of each way to write a pyramid that is ours."""
CONTESTANTS = [
    contestant
    for framework in frameworks().values()
    for execution in framework.executions
    if (contestant := f"{framework.name}:{execution.name}") not in MINUTES
]
OTHERS = tuple(
    f"{framework}-spp:{execution.name}"
    for framework in ("pytorch", "tensorflow", "jax")
    for execution in load_framework(f"{framework}-spp").executions
)
"""What suite spp-layer compares ours with."""
TOLERANCES = {"float64": 1e-12, "float32": 1e-6}
"""Of gradients, which are below 1; values are equal."""

Case = tuple[SpatialPyramid, list[Pair]]
"""A pyramid, and the sizes of maps that it pools."""


def pyramid(rule: str, *levels: int) -> SpatialPyramid:
    return SpatialPyramid("spp", levels, rule)  # type: ignore[arg-type]


KNOWN: list[Case] = [
    (pyramid("sliding", 3, 2, 1), [(13, 13)]),  # He 2015, figure 4
    (pyramid("adaptive", 6, 3, 2, 1), [(13, 13), (10, 10)]),  # at 10 the paper's own rule gives nine bins for six
    (pyramid("adaptive", 4, 2, 1), [(1, 1)]),
    (pyramid("adaptive", 8, 1), [(64, 1)]),
    (pyramid("rounded", 4, 2, 1), [(13, 10)]),
]


@cache
def possible_sides(rule: str, n: int) -> frozenset[int]:
    """Those that the rule has n bins for."""
    return frozenset(side for side in SIDES if are_bins(EDGES[rule](side, n), side, n))


@st.composite
def drawn(draw: st.DrawFn, effort: Effort) -> Case:
    """Any pyramid, with maps of any height and width that its rule has bins for."""
    rule = draw(st.sampled_from(effort.rules))
    levels = draw(st.lists(st.sampled_from(LEVELS), min_size=1, max_size=4))
    possible = frozenset.intersection(*(possible_sides(rule, n) for n in levels))
    assume(possible)
    side = st.sampled_from(sorted(possible))
    return pyramid(rule, *levels), draw(st.lists(st.tuples(side, side), min_size=effort.sizes, max_size=effort.sizes))


@pytest.mark.parametrize("contestant", slow_but(QUICK, CONTESTANTS))
def test_values_and_gradients_are_the_definitions(contestant: str, children: Children) -> None:
    child, precision = asked(contestant, children)
    effort = EFFORTS.get(contestant, TRACED)

    @settings(max_examples=effort.pyramids)
    @given(drawn(effort))
    def whatever_is_drawn(case: Case) -> None:
        _assert_defined(contestant, precision, case, child)

    for case in KNOWN:
        if case[0].rule in effort.rules:
            _assert_defined(contestant, precision, case, child)
    whatever_is_drawn()


@pytest.mark.slow
@pytest.mark.parametrize("contestant", OTHERS)
def test_other_ways_to_write_it_are_the_same_pyramid(contestant: str, children: Children) -> None:
    child, precision = asked(contestant, children)
    for case in KNOWN:
        if case[0].rule == "adaptive":
            _assert_defined(contestant, precision, case, child)


def asked(contestant: str, children: Children) -> tuple[Child, str]:
    """The child that runs the contestant, and the finest arithmetic that it has."""
    if reason := missing(contestant):
        pytest.skip(reason)
    name, _, way = contestant.partition(":")
    execution = load_framework(name).execution(way)
    precision = next(precision for precision in TOLERANCES if precision in execution.precisions)
    return children.of(contestant, precision), precision


def _assert_defined(contestant: str, precision: str, case: Case, child: Child) -> None:
    layer, sizes = case
    found = child.submit("oracle.jobs:pyramids", contestant, precision, layer, sizes).result()  # refused is wrong, too
    for size, pooled in zip(sizes, found, strict=True):
        right = by_definition(layer, size)
        assert np.array_equal(pooled.vectors, right.vectors), size
        if differentiates(contestant):
            assert np.abs(pooled.gradient - right.gradient).max() <= TOLERANCES[precision], size


def by_definition(layer: SpatialPyramid, size: Pair) -> Pooled:
    """In float64: the maximum of each bin, and the loss's gradient, which is that of the cell that is the maximum."""
    batch = pyramid_batch(pyramid_network(layer, size))
    maps, edges = batch.images.astype(np.float64), pyramid_edges(layer.rule, size, layer.levels)
    vectors = pyramid_max(maps, edges)
    signal = np.exp(vectors)
    signal /= signal.sum(1, keepdims=True)
    signal[np.arange(len(maps)), batch.labels] -= 1
    return Pooled(vectors, pyramid_gradient(signal / len(maps), pyramid_places(maps, edges), maps.shape))


@pytest.mark.parametrize("rule", ["sliding", "rounded"])
def test_one_graph_for_all_sizes_says_that_it_has_only_adaptive_bins(rule: str, children: Children) -> None:
    contestant = "tensorflow:graph-any-size"
    child, precision = asked(contestant, children)
    with pytest.raises(ChildFailed, match=f"spp's rule {rule} needs a known size; use graph") as failure:
        child.submit("oracle.jobs:pyramids", contestant, precision, pyramid(rule, 2), [(8, 8)]).result()
    assert failure.value.kind == "Unsupported"


@pytest.mark.parametrize(("rule", "refusal"), [("sliding", "the sliding rule"), ("rounded", "leaves bins empty")])
def test_bins_are_the_definitions_or_refused_where_it_gives_none(rule: str, refusal: str) -> None:
    """Sections 2.3 and 5.3 of the fact sheet, for every side; test_layers has what the sheet works out."""
    for side, n in product(SIDES, LEVELS):
        edges = EDGES[rule](side, n)
        if are_bins(edges, side, n):
            assert list(pyramid(rule, n).bins(side, n)) == edges
        else:
            with pytest.raises(InvalidInput, match=refusal):
                pyramid(rule, n).bins(side, n)


@pytest.mark.parametrize("more", [{}, {"windows": ((0, 4, 0, 4),)}], ids=["whole", "windows"])
@pytest.mark.parametrize(
    ("levels", "rule", "problem"),
    [
        ((0,), "adaptive", r"spp: levels must be one or more whole numbers above 0, got \(0,\)"),
        ((2, -1), "adaptive", r"got \(2, -1\)"),
        ((1.5,), "adaptive", r"got \(1.5,\)"),
        ((), "adaptive", r"got \(\)"),
        ((2,), "round", "spp: rule must be one of adaptive, sliding, rounded, got 'round'"),
    ],
)
def test_what_is_no_pyramid_is_refused_when_it_is_made(
    levels: Any, rule: Any, problem: str, more: dict[str, Any]
) -> None:
    kind = WindowPyramid if more else SpatialPyramid
    with pytest.raises(InvalidInput, match=problem):
        kind("spp", levels, rule, **more)


def test_a_network_with_a_pyramid_says_of_which_it_is_a_variant():
    variants = {name: one.variant_of for name, one in architectures().items() if one.variant_of}
    assert variants == {
        "zf5-spp": "zf5",
        "zf5-spp30": "zf5",
        "convnet5-spp": "convnet5",
        "overfeat5-spp": "overfeat5",
        "overfeat7-spp": "overfeat7",
    }
