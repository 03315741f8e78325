"""Canonical to channels-last and back, and that what comes out computes the same."""

from __future__ import annotations

import numpy as np
import pytest
from oracle.networks import small
from oracle.numpy_layers import bin_edges, convolution, dense

from impls.architectures import architectures, load_architecture
from impls.arrays import make_weights
from impls.layers import Activation, Conv, Dense, Flatten, SpatialPyramid
from impls.layouts import ChannelsLast
from impls.network import Network


@pytest.mark.parametrize("name", architectures())
def test_there_and_back_is_the_identity(name: str) -> None:
    network = small(name)
    layout, weights = ChannelsLast(network), make_weights(network)
    back = layout.all_to_canonical(layout.all_to_native(weights))
    assert list(back) == list(weights)
    for key, array in weights.items():
        assert back[key].dtype == array.dtype
        assert np.array_equal(back[key], array)


@pytest.mark.parametrize("name", architectures())
def test_native_kernels_have_outputs_last(name: str) -> None:
    network = small(name)
    for key, array in ChannelsLast(network).all_to_native(make_weights(network)).items():
        shape = network.arrays[key]
        expected = (*shape[2:], *shape[1::-1]) if len(shape) > 1 else shape
        assert array.shape == expected
        assert array.flags.c_contiguous


MAPS = np.random.default_rng(0).standard_normal((2, 5, 3, 4))  # as many of nothing twice
CHANNELS_LAST = MAPS.transpose(0, 2, 3, 1)


def test_a_full_connection_over_flattened_maps_computes_the_same() -> None:
    network = Network("flat", (5, 3, 4), 7, (Flatten("flatten"), Dense("fc", 7)))
    weight = make_weights(network)["fc.weight"].astype(float)
    canonical = dense(MAPS.reshape(2, -1), weight, np.zeros(7))
    native = CHANNELS_LAST.reshape(2, -1) @ ChannelsLast(network).to_native("fc.weight", weight)
    assert native == pytest.approx(canonical, rel=1e-12, abs=1e-12)


def test_only_the_first_full_connection_is_reordered() -> None:
    layers = (
        Flatten("flatten"),
        Activation("relu", "relu"),
        Dense("fc6", 6),
        Activation("relu6", "relu"),
        Dense("fc7", 4),
    )
    network = Network("flat", (5, 3, 4), 4, layers)
    layout, weights = ChannelsLast(network), make_weights(network)
    assert np.array_equal(layout.to_native("fc7.weight", weights["fc7.weight"]), weights["fc7.weight"].T)
    assert not np.array_equal(layout.to_native("fc6.weight", weights["fc6.weight"]), weights["fc6.weight"].T)


def test_a_full_connection_over_a_pyramid_computes_the_same() -> None:
    network = Network("pyramid", (5, 3, 4), 7, (SpatialPyramid("spp", (3, 1, 2)), Dense("fc", 7)))
    weight = make_weights(network)["fc.weight"].astype(float)
    levels = [_level(n) for n in (3, 1, 2)]  # each (batch, channels, n, n)
    canonical = np.concatenate([level.reshape(2, -1) for level in levels], 1)
    native = np.concatenate([level.transpose(0, 2, 3, 1).reshape(2, -1) for level in levels], 1)
    result = native @ ChannelsLast(network).to_native("fc.weight", weight)
    assert result == pytest.approx(canonical @ weight.T, rel=1e-12, abs=1e-12)


def _level(n: int) -> np.ndarray:
    rows, columns = bin_edges(3, n), bin_edges(4, n)
    level = [[MAPS[:, :, top:bottom, left:right].max((2, 3)) for left, right in columns] for top, bottom in rows]
    return np.array(level).transpose(2, 3, 0, 1)


def test_a_convolution_computes_the_same() -> None:
    network = Network("conv", (5, 3, 4), 6, (Conv("conv", 6, kernel=(2, 3)),))
    weight = make_weights(network)["conv.weight"].astype(float)
    native = ChannelsLast(network).to_native("conv.weight", weight)
    windows = [[CHANNELS_LAST[:, r : r + 2, c : c + 3] for c in range(2)] for r in range(2)]
    result = np.einsum("rcbhwi,hwio->borc", np.array(windows), native)
    assert result == pytest.approx(convolution(MAPS, weight, np.zeros(6)), rel=1e-12, abs=1e-12)


def test_biases_and_the_like_are_untouched() -> None:
    network = load_architecture("lenet5").at()
    layout, weights = ChannelsLast(network), make_weights(network)
    for name in ("c1.bias", "s2.coefficient", "s2.bias", "f6.bias"):
        assert layout.to_native(name, weights[name]) is weights[name]
