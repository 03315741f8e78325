"""Weights, images and labels: the same from the same names and seed, whatever else is in the network."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from oracle.networks import small

from impls.architectures import load_architecture
from impls.arrays import link_mask, make_batch, make_statistics, make_weights, sign_vector
from impls.layers import Conv
from impls.network import Network


@pytest.fixture(scope="module", params=["lenet5", "alexnet", "nin-tutorial", "zf5-spp"])
def network(request: pytest.FixtureRequest) -> Network:
    return small(request.param)


def test_shapes_and_names_are_the_networks(network: Network) -> None:
    made = {**make_weights(network), **make_statistics(network)}
    assert {name: array.shape for name, array in made.items()} == {**network.arrays, **network.statistics}
    assert {array.dtype for array in made.values()} == {np.dtype(np.float32)}
    assert list(make_weights(network)) == list(network.arrays)


def test_the_same_seed_gives_the_same_arrays(network: Network) -> None:
    for make in (make_weights, make_statistics):
        first, second = make(network, seed=3), make(network, seed=3)
        assert all(np.array_equal(first[name], second[name]) for name in first)


def test_another_seed_gives_other_arrays(network: Network) -> None:
    for make in (make_weights, make_statistics):
        first, second = make(network, seed=3), make(network, seed=4)
        assert not any(np.array_equal(first[name], second[name]) for name in first)


def test_no_two_arrays_are_alike(network: Network) -> None:
    made = {**make_weights(network), **make_statistics(network)}
    beginnings = {array.ravel()[:6].tobytes() for array in made.values()}
    assert len(beginnings) == len(made)


def test_an_array_does_not_depend_on_other_layers(network: Network) -> None:
    """So that a layer added, removed or resized leaves the others' weights, and a bisection possible."""
    whole = make_weights(network)
    shorter = replace(network, layers=network.layers[: len(network.layers) // 2])
    assert 0 < len(shorter.arrays) < len(whole)
    for name, array in make_weights(shorter).items():
        assert np.array_equal(array, whole[name])


def test_an_array_does_not_depend_on_the_image_size() -> None:
    found = load_architecture("zf5-spp30")
    first, second = (make_weights(found.at(size=size, classes=10))["conv3.weight"] for size in (64, 96))
    assert np.array_equal(first, second)


def test_two_architectures_do_not_share_weights() -> None:
    first, second = (make_weights(small(name)) for name in ("vgg-b", "vgg-c"))
    assert not np.array_equal(first["conv1_1.weight"], second["conv1_1.weight"])


def test_another_process_makes_the_same() -> None:
    """Python's own hashes change from process to process; these must not."""
    script = (
        "import json, impls; n = impls.load_architecture('lenet5').at();"
        "w, b = impls.make_weights(n, 7), impls.make_batch(n, 3, 7);"
        "print(json.dumps([w['c3.weight'].tolist(), b.images.tolist(), b.labels.tolist()]))"
    )
    theirs = json.loads(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)
    network = load_architecture("lenet5").at()
    batch = make_batch(network, 3, 7)
    assert theirs == [make_weights(network, 7)["c3.weight"].tolist(), batch.images.tolist(), batch.labels.tolist()]


def test_scores_stay_of_order_one() -> None:
    """Variance 2 / fan-in: at any depth, so that float32 is judged where it works."""
    weights = make_weights(small("vgg-e"))
    for name, array in weights.items():
        if name.endswith(".weight"):
            assert array.std() == pytest.approx((2 / np.prod(array.shape[1:])) ** 0.5, rel=0.1)
        else:
            assert 0 < np.abs(array).max() < 1


def test_statistics_are_those_of_a_trained_network() -> None:
    made = make_statistics(small("nin-tutorial"))
    assert all((array > 0).all() for name, array in made.items() if name.endswith(".variance"))
    assert all(array.any() for array in made.values())


@pytest.mark.parametrize("size", [1, 5])
def test_a_batch_fits_its_network(network: Network, size: int) -> None:
    batch = make_batch(network, size, seed=2)
    assert batch.images.shape == (size, *network.input_shape)
    assert (batch.images.dtype, batch.labels.dtype) == (np.float32, np.int32)
    assert batch.labels.shape == (size,)
    assert set(batch.labels) <= set(range(network.classes))
    assert np.array_equal(batch.images, make_batch(network, size, seed=2).images)
    assert not np.array_equal(batch.images, make_batch(network, size, seed=3).images)


def test_labels_reach_every_class() -> None:
    labels = make_batch(load_architecture("lenet5").at(), 500).labels
    assert set(labels) == set(range(10))


def test_missing_links_have_no_weights() -> None:
    network = load_architecture("lenet5").at()
    c3 = next(layer for layer in network.layers if layer.name == "c3")
    assert isinstance(c3, Conv)
    mask = link_mask(c3, 6)
    assert mask.shape == (16, 6, 1, 1)
    assert mask.sum() == 60
    assert [tuple(np.flatnonzero(row)) for row in mask[:, :, 0, 0]] == list(c3.connection_table or ())
    present = make_weights(network)["c3.weight"] != 0
    assert np.array_equal(present, np.broadcast_to(mask != 0, present.shape))


def test_a_layer_without_links_is_full() -> None:
    assert link_mask(Conv("conv", 3, kernel=1), 4).all()


@pytest.mark.parametrize("shape", [(7,), (3, 5), (4, 3, 2, 2)])
def test_sign_vectors_are_seeded_and_balanced(shape: tuple[int, ...]) -> None:
    vector = sign_vector("conv1.weight", 0, shape)
    assert vector.shape == shape
    assert set(vector.ravel()) <= {1, -1}
    assert np.array_equal(vector, sign_vector("conv1.weight", 0, shape))
    assert not np.array_equal(sign_vector("conv1.weight", 1, (64,)), sign_vector("conv1.weight", 0, (64,)))
    assert abs(sign_vector("conv1.weight", 0, (10_000,)).mean(dtype=float)) < 0.05
