"""A layer of a network alone: it has there what it has in the network, and a gradient of its input, everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import forward
from oracle.jobs import BATCH, varied_network

from bench.networks import windows
from deadheat.contract.fixtures import missing
from deadheat.contract.processes import Children, answer
from impls.architectures import architectures, load_architecture
from impls.arrays import make_batch, make_statistics, make_weights
from impls.errors import InvalidInput, UnknownName
from impls.layers import SpatialPyramid
from impls.network import INPUT, can_be_alone
from tests.support.slow import slow_but

CONTESTANTS = {
    "pytorch:eager": "float64",
    "pytorch:eager-nhwc": "float64",
    "tensorflow:graph": "float64",
    "jax:jit": "float64",
    "keras:tensorflow": "float64",
    "keras:torch": "float32",
    "keras:jax": "float32",
}
"""With the finest arithmetic that each has."""
ERRORS = {"float64": (1e-9, 1e-5), "float32": (1e-5, 1e-3)}
"""Of the loss, and of a slope."""
STEP = 1e-4


@pytest.mark.parametrize("name", architectures())
def test_a_layer_alone_has_what_it_has_in_its_network(name: str) -> None:
    whole = load_architecture(name).at()
    for place, row in enumerate(whole.rows):
        if not can_be_alone(row.layer):
            continue
        alone = whole.alone(row.layer.name)
        (own,) = (one for one in alone.rows if one.layer == row.layer)
        assert (own.input, own.facts) == (row.input, row.facts)
        assert alone.rows[-1].facts.output == (alone.classes,)
        extra = alone.arrays.keys() - row.array_names().keys()
        assert bool(extra) == isinstance(row.layer, SpatialPyramid)
        trained = any(below.facts.arrays for below in whole.rows[:place])
        assert alone.differentiates_input == trained, "nor is it requested of the first layer of a network"


def test_its_weights_are_those_of_the_network() -> None:
    architecture = load_architecture("lenet5")
    whole = make_weights(architecture.at())
    for layer in ("c3", "s4", "f6"):
        alone = make_weights(load_architecture(f"lenet5/{layer}").at())
        assert alone
        assert all(np.array_equal(array, whole[name]) for name, array in alone.items())


def test_the_last_layer_has_the_networks_loss() -> None:
    assert (
        load_architecture("lenet5/output").at().rejection_score
        == load_architecture("lenet5").at().rejection_score
        == 0.1
    )
    assert load_architecture("lenet5/f6").at().rejection_score is None


def test_it_follows_the_networks_size() -> None:
    architecture = load_architecture("alexnet/conv2")
    assert architecture.at(size=131).input_shape == (96, 15, 15)
    assert architecture.full_network(size=131).input_shape == (3, 131, 131)
    with pytest.raises(InvalidInput, match="alexnet/conv2 cannot take 20x20: .* the smallest possible size is"):
        architecture.at(size=20)


@pytest.mark.parametrize(
    ("name", "problem"),
    [("lenet5/c2", "unknown layer of lenet5 'c2': did you mean"), ("lenet5/", "unknown layer of lenet5 ''")],
)
def test_a_layer_that_is_not_there(name: str, problem: str) -> None:
    with pytest.raises(UnknownName, match=problem):
        load_architecture(name)


def test_what_cannot_be_alone_says_why() -> None:
    with pytest.raises(InvalidInput, match="each framework in its own order: nothing to time"):
        load_architecture("lenet5/flatten").at()
    with pytest.raises(InvalidInput, match="fc6 takes the vectors of several windows"):
        windows.VIEWS10.at().alone("fc6")


@pytest.mark.parametrize("contestant", slow_but(["pytorch:eager"], CONTESTANTS))
def test_gradients_alone_are_right_in_every_framework(contestant: str, children: Children) -> None:
    precision = CONTESTANTS[contestant]
    if reason := missing(contestant, precision):
        pytest.skip(reason)
    child = children.of(contestant, precision)
    found = answer(child.submit("oracle.jobs:alone", contestant, precision))
    of_loss, of_slope = ERRORS[precision]
    for layer, (loss, gradients) in found.items():
        network = varied_network().alone(layer)
        weights, statistics, batch = make_weights(network), make_statistics(network), make_batch(network, BATCH)
        assert list(gradients) == [*network.arrays, *([INPUT] if network.differentiates_input else [])]
        given = {INPUT: batch.images.astype(np.float64)} | {name: w.astype(np.float64) for name, w in weights.items()}
        right = forward.loss(network, weights, statistics, batch.images, batch.labels)
        assert loss == pytest.approx(right, rel=of_loss)
        for array, gradient in gradients.items():  # along itself, the slope is its length
            length = np.linalg.norm(gradient)
            there = STEP * gradient / length
            after, before = (
                forward.loss(network, moved, statistics, moved[INPUT], batch.labels)
                for moved in ({**given, array: given[array] + there}, {**given, array: given[array] - there})
            )
            slope = (after - before) / (2 * STEP)
            assert slope == pytest.approx(length, rel=of_slope), (layer, array)
