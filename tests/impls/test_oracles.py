"""The tables against networks and layers that other people wrote."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from oracle import forward
from oracle.numpy_layers import bin_edges, pyramid_max, tutorial_pyramid

from deadheat.contract.fixtures import missing
from deadheat.contract.processes import Children
from impls.architectures import load_architecture
from impls.arrays import make_batch, make_statistics, make_weights
from impls.errors import InvalidInput
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
    child = children.of("keras:tensorflow", "float32")
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


SIDES, LEVELS = range(1, 65), range(1, 9)
TORCH = ("pytorch:eager", "pytorch:compile-dynamic")
"""The two ways in which PyTorch's pyramid is written; nothing is compiled here."""


@pytest.fixture(scope="module")
def unlike_torch(children: Children) -> dict[str, set[tuple[int, int]]]:
    """Maps on which a pyramid differs from PyTorch's: 64 heights, 64 widths, 8 levels; values and gradients."""
    _needs("pytorch")
    contestants = [contestant for contestant in TORCH if not missing(contestant)]
    child = children.of("pytorch:eager", "float64")
    return child.submit("oracle.jobs:unlike_torch", contestants, SIDES, tuple(LEVELS), 1e-6).result()


@pytest.mark.slow
@pytest.mark.parametrize("contestant", [*TORCH, "oracle"])
def test_adaptive_pyramids_of_every_map_are_pytorchs_own(
    contestant: str, unlike_torch: dict[str, set[tuple[int, int]]]
) -> None:
    if contestant in TORCH and (reason := missing(contestant)):
        pytest.skip(reason)
    assert unlike_torch[contestant] == set()


def test_adaptive_bins_of_every_side_are_pytorchs_own(children: Children) -> None:
    _needs("pytorch")
    pairs = list(product(SIDES, LEVELS))
    found = children.of("pytorch:eager", "float64").submit("oracle.jobs:torch_bins", pairs).result()
    for (side, n), bins in zip(pairs, found, strict=True):
        assert list(SpatialPyramid("spp", (n,)).bins(side, n)) == bin_edges(side, n) == bins


@pytest.mark.parametrize("n", LEVELS)
def test_rounded_pyramids_of_every_side_are_the_tutorials(n: int) -> None:
    """On maps of each height, and of each width, that it can take; where ours refuses, its slices are empty."""
    layer = SpatialPyramid("spp", (n,), "rounded")
    for height in SIDES:
        size = height, SIDES[height * 29 % len(SIDES)]  # every width once
        maps = np.random.default_rng(height).standard_normal((2, 3, *size))
        if min(size) < n:
            with pytest.raises(InvalidInput, match="rounded rule leaves bins empty"):
                layer.at(maps.shape[1:])
            with pytest.raises(ValueError, match="zero-size array"):
                tutorial_pyramid(maps, (n,))
            continue
        ours = pyramid_max(maps, [tuple(layer.bins(side, n) for side in size)])
        channels_last = ours.reshape(2, 3, n * n).transpose(0, 2, 1)
        assert np.array_equal(channels_last.reshape(2, -1), tutorial_pyramid(maps, (n,)))
