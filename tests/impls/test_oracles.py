"""The tables against networks and layers that other people wrote."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import forward
from oracle.children import Children
from oracle.numpy_layers import bin_edges, pyramid_max

from impls.architectures import load_architecture
from impls.arrays import make_batch, make_statistics, make_weights
from impls.frameworks import load_framework
from impls.layers import SpatialPyramid

SIZE, CLASSES = (32, 64), 10


def _needs(framework: str) -> None:
    if reason := load_framework(framework).missing():
        pytest.skip(reason)


@pytest.fixture(scope="module")
def keras_vgg16(children: Children) -> tuple[int, list[tuple[int, ...]], np.ndarray]:
    """(parameters, shapes, scores) of keras.applications.VGG16 with vgg-d's weights."""
    _needs("keras")
    _needs("tensorflow")
    child = children.child("keras.applications", {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"})
    return child.submit("oracle.jobs:keras_vgg16", SIZE, CLASSES).result()


def test_vgg_d_is_keras_applications_vgg16(keras_vgg16: tuple[int, list[tuple[int, ...]], np.ndarray]) -> None:
    """At full width, in float32 there and float64 here."""
    parameters, shapes, scores = keras_vgg16
    network = load_architecture("vgg-d").at(size=SIZE, classes=CLASSES).without_dropout()
    assert parameters == network.parameters
    assert [math.prod(shape) for shape in shapes] == [math.prod(shape) for shape in network.arrays.values()]
    images = make_batch(network, len(scores)).images
    right = forward.scores(network, make_weights(network), make_statistics(network), images)
    assert np.abs(scores - right).max() <= 1e-5 * np.abs(right).max()


SIDES = range(1, 25)
BINS = (1, 2, 3, 4, 6, 8)
SQUARE = [(side, side, n) for side in SIDES for n in BINS]
OBLONG = [(13, 10, 6), (10, 13, 4), (7, 24, 3), (5, 3, 4), (1, 9, 2), (31, 32, 6)]


@pytest.fixture(scope="module")
def torch_pooled(children: Children) -> dict[tuple[int, int, int], tuple[np.ndarray, np.ndarray]]:
    """(maps, torch's adaptive maximum of them) for each (height, width, n)."""
    _needs("pytorch")
    rng = np.random.default_rng(0)
    images = {case: rng.standard_normal((2, 3, *case[:2])) for case in SQUARE + OBLONG}
    pooled = children.child("pytorch-float32").submit("oracle.jobs:torch_adaptive_max", list(images), images).result()
    return {case: (images[case], result) for case, result in zip(images, pooled)}


@pytest.mark.parametrize("n", BINS)
def test_adaptive_bins_are_pytorchs(
    n: int, torch_pooled: dict[tuple[int, int, int], tuple[np.ndarray, np.ndarray]]
) -> None:
    pyramid = SpatialPyramid("spp", (n,))
    for (height, width, bins), (maps, pooled) in torch_pooled.items():
        if bins == n:
            vector = pyramid_max(maps, [(pyramid.bins(height, n), pyramid.bins(width, n))])
            assert np.array_equal(vector, pooled.reshape(2, -1))


def test_a_pyramid_is_pytorchs_levels_flattened_one_after_another(
    torch_pooled: dict[tuple[int, int, int], tuple[np.ndarray, np.ndarray]],
) -> None:
    """Level by level, then channel, row, column, as `torch.cat([pool(x).flatten(1) ...], 1)` has it."""
    for side in (10, 13):
        maps = torch_pooled[side, side, 1][0]
        edges = [(bin_edges(side, n),) * 2 for n in (3, 2, 1)]
        levels = [
            np.concatenate([maps[:, :, t:b, left:r].max((2, 3))[..., None] for t, b in e for left, r in e], 2)
            for e, _ in edges
        ]
        expected = np.concatenate([level.reshape(2, -1) for level in levels], 1)
        assert np.array_equal(pyramid_max(maps, edges), expected)


@given(st.integers(1, 64), st.integers(1, 8))
def test_the_layers_bins_are_the_oracles(side: int, n: int) -> None:
    assert list(SpatialPyramid("spp", (n,)).bins(side, n)) == bin_edges(side, n)
