"""The tables against networks written by hand: an error in a table shows here, in no other ring.

`oracle.papers` and `oracle.forward` share the definitions of layers, so those are checked against plain loops.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from oracle import forward, papers
from oracle import numpy_layers as definition

from impls.architectures import load_architecture
from impls.architectures.lenet import C3_LINKS, digit_codes
from impls.arrays import make_batch, make_statistics, make_weights
from impls.layers import Conv, LocalResponseNorm, Pool, SpatialPyramid

SIZES = {"lenet5": (32, 36), "alexnet": (64, 99), "nin-cifar10": (12, 15), "vgg-a": (32, 64), "zf5-spp": (75, 102)}


@pytest.mark.parametrize("name", papers.PAPERS)
def test_a_table_computes_what_its_paper_says(name: str) -> None:
    network = load_architecture(name).at(size=SIZES[name], classes=10).without_dropout()
    weights, images = make_weights(network), make_batch(network, 2).images
    by_hand = papers.PAPERS[name](weights, images.astype(np.float64))
    by_table = forward.scores(network, weights, make_statistics(network), images)
    assert by_hand.shape == (2, 10)
    assert np.abs(by_hand - by_table).max() <= 1e-12 * np.abs(by_hand).max()


ORDERS = {
    # Krizhevsky 2012, section 3.5; Caffe's reference network has pools before LRN
    "alexnet": "conv norm pool conv norm pool conv conv conv pool",
    "caffenet": "conv pool norm conv pool norm conv conv conv pool",
    # He et al. 2015, Table 1, each cell from left to right; the last pool belongs to the networks without a pyramid
    "zf5": "conv norm pool conv norm pool conv conv conv pool",
    "convnet5": "conv norm conv norm pool conv pool conv conv pool",
    "overfeat5": "conv pool norm conv pool conv conv conv pool",
    "overfeat7": "conv pool norm conv pool conv conv conv conv conv pool",
}
KINDS = {Conv: "conv", Pool: "pool", LocalResponseNorm: "norm", SpatialPyramid: "pyramid"}


@pytest.mark.parametrize("name", ORDERS)
def test_norms_and_pools_stand_where_the_paper_has_them(name: str) -> None:
    """Counts of parameters do not see them."""
    assert _order(name) == ORDERS[name]


@pytest.mark.parametrize("name", ["zf5", "convnet5", "overfeat5", "overfeat7"])
def test_a_pyramid_takes_the_place_of_the_last_pool(name: str) -> None:
    assert _order(f"{name}-spp") == ORDERS[name].removesuffix("pool") + "pyramid"


def _order(name: str) -> str:
    return " ".join(KINDS[type(layer)] for layer in load_architecture(name).at().layers if type(layer) in KINDS)


@pytest.mark.parametrize("size", [180, 195, 226, 256])
def test_pools_of_alexnet_round_up(size: int) -> None:
    """cuda-convnet: 1 + ceil((size - k) / s), in the convolution of stride 4 and in the pools."""
    rows = load_architecture("alexnet").at(size=size).rows
    found = {row.layer.name: row.facts.output[-1] for row in rows}
    conv1 = 1 + math.ceil((size - 11) / 4)
    pool1 = 1 + math.ceil((conv1 - 3) / 2)
    pool2 = 1 + math.ceil((pool1 - 3) / 2)
    expected = {"conv1": conv1, "pool1": pool1, "pool2": pool2, "pool5": 1 + math.ceil((pool2 - 3) / 2)}
    assert {name: found[name] for name in expected} == expected


def test_c3_links_are_the_papers_table() -> None:
    drawn = papers.c3_links()
    assert [tuple(np.flatnonzero(drawn[:, output])) for output in range(16)] == list(C3_LINKS)


def test_output_codes_are_the_papers_bitmaps() -> None:
    assert np.array_equal(papers.digit_codes(), digit_codes(10))


MAPS = np.random.default_rng(0).standard_normal((2, 6, 9, 8))
WEIGHT = np.random.default_rng(1).standard_normal((4, 3, 3, 2))
BIAS = np.arange(4.0)
PADS = ((1, 2), (0, 1))


def _padded(border: float) -> np.ndarray:
    return np.pad(MAPS, ((0, 0), (0, 0), *PADS), constant_values=border)


def test_convolution_is_the_sum_over_window_and_inputs() -> None:
    result = definition.convolution(MAPS, WEIGHT, BIAS, (2, 1), PADS, groups=2)
    padded = _padded(0)
    assert result.shape == (2, 4, 5, 8)
    for b, o, r, c in itertools.product(*map(range, result.shape)):
        group = o // 2
        total = BIAS[o]
        for i, kr, kc in itertools.product(range(3), range(3), range(2)):
            total += WEIGHT[o, i, kr, kc] * padded[b, 3 * group + i, 2 * r + kr, c + kc]
        assert result[b, o, r, c] == pytest.approx(total, rel=1e-12, abs=1e-12)


def test_pools_ignore_what_is_beyond_the_border() -> None:
    most, mean = (pool(-np.abs(MAPS), (3, 2), (2, 1), PADS) for pool in (definition.max_pool, definition.average_pool))
    present = -np.abs(_padded(np.nan))
    for b, o, r, c in itertools.product(*map(range, most.shape)):
        window = present[b, o, 2 * r : 2 * r + 3, c : c + 2]
        cells = window[~np.isnan(window)]
        assert most[b, o, r, c] == cells.max()
        assert mean[b, o, r, c] == pytest.approx(cells.mean(), rel=1e-12)


def test_local_response_norm_is_the_papers_formula() -> None:
    result = definition.local_response_norm(MAPS, 5, 0.3, 0.75, 2)
    for b, i, r, c in itertools.product(*map(range, MAPS.shape)):
        total = sum(MAPS[b, j, r, c] ** 2 for j in range(max(0, i - 2), min(5, i + 2) + 1))
        assert result[b, i, r, c] == pytest.approx(MAPS[b, i, r, c] / (2 + 0.3 * total) ** 0.75, rel=1e-12)


def test_batch_norm_gives_mean_shift_and_deviation_scale() -> None:
    scale, shift = np.full(6, 3.0), np.full(6, -1.0)
    result = definition.batch_norm(MAPS, *definition.batch_moments(MAPS), scale, shift, 0.0)
    assert result.mean((0, 2, 3)) == pytest.approx(shift, abs=1e-12)
    assert result.std((0, 2, 3)) == pytest.approx(scale, rel=1e-12)


def test_subsampling_adds_then_scales() -> None:
    result = definition.subsample(np.ones((1, 1, 5, 4)), np.array([0.5]), np.array([0.25]))
    assert np.array_equal(result, np.full((1, 1, 2, 2), 4 * 0.5 + 0.25))


def test_linked_convolution_never_reads_a_missing_link() -> None:
    weight = np.random.default_rng(2).standard_normal((2, 6, 3, 3))
    connection_table = ((0, 2), (1, 3, 5))
    spoiled = weight.copy()
    spoiled[0, [1, 3, 4, 5]] = spoiled[1, [0, 2, 4]] = np.nan
    masked = np.nan_to_num(spoiled)
    result = definition.linked_convolution(MAPS, spoiled, BIAS[:2], connection_table)
    assert result == pytest.approx(definition.convolution(MAPS, masked, BIAS[:2]), rel=1e-12, abs=1e-12)


def test_cross_entropy_is_the_papers_equation_9() -> None:
    distances, labels, j = np.array([[1.0, 2.0, 0.5], [4.0, 0.1, 3.0]]), np.array([2, 0]), 0.1
    terms = [d[label] + np.log(np.exp(-j) + np.exp(-d).sum()) for d, label in zip(distances, labels, strict=True)]
    assert definition.cross_entropy(-distances, labels, j) == pytest.approx(np.mean(terms), rel=1e-14)


def test_cross_entropy_survives_large_scores() -> None:
    scores = np.array([[1e4, 0.0], [-1e4, 0.0]])
    assert definition.cross_entropy(scores, np.array([0, 0])) == pytest.approx(5e3)
