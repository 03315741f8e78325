"""What models do in child processes, and the networks that they do it on."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.worker import arithmetic as probe
from deadheat.contract.device import TESTED
from impls.arrays import make_batch, make_statistics, make_weights
from impls.errors import Unsupported
from impls.frameworks import PHASES, Model, Phase, Plan, Sgd, load_framework
from impls.layers import Activation, Dense, Dropout, Flatten
from impls.network import Network

Arrays = dict[str, np.ndarray]
BATCH = 2
STEPS = 3
ALIGNMENT = 64
"""In bytes. Frameworks use an array's memory as it is if they find it aligned so."""
OVERWRITTEN = 7.0
DEEP = Network(
    "deep",
    (2, 3, 4),
    5,
    (Flatten("flatten"), Dense("hidden", 7), Activation("hidden-relu", "relu"), Dense("output", 5)),
)
SHALLOW = Network("shallow", (2, 3, 4), 5, (Flatten("flatten"), Dense("output", 5)))
NETWORKS = {network.architecture: network for network in (DEEP, SHALLOW)}
"""A framework is asked for the first of these that it has the layers of."""
INFERRED = {
    network.architecture: replace(network, layers=(*network.layers[:-1], Dropout("dropout", 0.2), network.layers[-1]))
    for network in NETWORKS.values()
}
"""The same for what runs inference only. Dropout that is not turned off changes every score: what is kept is scaled."""
DROPPING = Network(
    "dropping",
    (1, 4, 4),
    3,
    (Flatten("flatten"), Dense("hidden", 500), Dropout("dropout", 0.2), Dense("output", 3)),
)
"""One image through it shows what was dropped: the gradient of output's weight is that of its bias times its input."""
CONTRACT_SGD = Sgd(learning_rate=0.05, momentum=0.8, weight_decay=0.1)
"""Every term of the update large enough to be missed."""


def build(contestant: str, network: Network, precision: str, sgd: Sgd | None = None, open_sizes: bool = False) -> Model:
    """A model of framework:execution. Raises what `Framework.build` raises."""
    _forget_earlier_networks()
    framework, _, execution = contestant.partition(":")
    plan = Plan(network, execution, TESTED, precision, sgd or Sgd(), open_sizes=open_sizes)
    return load_framework(framework).build(plan)


def _forget_earlier_networks() -> None:
    """In a measurement every network has a process of its own; here compilers would run full of them."""
    if dynamo := sys.modules.get("torch._dynamo"):
        dynamo.reset()


@dataclass(frozen=True)
class Behaviour:
    """What a model of NETWORKS[network] did, step by step."""

    network: str
    loaded: Arrays
    scores: np.ndarray
    forward_loss: float
    gradient_loss: float
    gradients: Arrays
    gradients_again: Arrays
    after_reading: Arrays
    train_losses: list[float]
    train_weights: list[Arrays]
    train_gradients: list[Arrays]
    trained_scores: np.ndarray
    trained_loss: float
    after_second_load: Arrays
    statistics: Arrays
    devices: frozenset[str]


def behave(contestant: str, precision: str) -> Behaviour:
    """Loads, asks for every phase, trains, loads again and trains once more."""
    network, model = _first_that_it_has(contestant, precision)
    weights, statistics, arrays = make_weights(network), make_statistics(network), make_batch(network, BATCH)
    _load_and_overwrite(model, weights, statistics)
    batch = model.put(arrays.images, arrays.labels)
    loaded = model.weights()
    scores = model.to_numpy(model.infer(batch))
    forward_loss = float(model.to_numpy(model.forward(batch)))
    first, second = model.gradient(batch), model.gradient(batch)
    model.synchronize(second)
    gradients, again = model.gradients(first), model.gradients(second)
    after_reading = model.weights()
    trained = [_train_once(model, batch) for _ in range(STEPS)]
    trained_scores = model.to_numpy(model.infer(batch))
    trained_loss = float(model.to_numpy(model.forward(batch)))
    model.load(weights, statistics)
    model.train(batch)
    return Behaviour(
        network.architecture,
        loaded,
        scores,
        forward_loss,
        float(model.to_numpy(first[0])),
        gradients,
        again,
        after_reading,
        [loss for loss, _, _ in trained],
        [after for _, _, after in trained],
        [gradient for _, gradient, _ in trained],
        trained_scores,
        trained_loss,
        model.weights(),
        model.statistics(),
        model.devices(model.gradient(batch)) | model.devices(model.infer(batch)),
    )


def _load_and_overwrite(model: Model, weights: Arrays, statistics: Arrays) -> None:
    """Loads arrays and then writes other values into them. A model that shares their memory has these values then."""
    lent = {name: _at_multiple_of(ALIGNMENT, array) for name, array in weights.items()}
    model.load(lent, statistics)
    for array in lent.values():
        array.fill(OVERWRITTEN)


def _at_multiple_of(alignment: int, array: np.ndarray) -> np.ndarray:
    """A copy at an address that is a multiple of `alignment` bytes."""
    memory = np.empty(array.nbytes + alignment, np.uint8)
    start = -memory.ctypes.data % alignment
    copy = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


@dataclass(frozen=True)
class Inferred:
    """What a model that runs inference only did on INFERRED[network], and how it refused other phases.

    `reloaded`: the scores with weights times FACTOR, of images put on the device before.
    """

    network: str
    loaded: Arrays
    statistics: Arrays
    scores: np.ndarray
    reloaded: np.ndarray
    refused: dict[str, str]
    devices: frozenset[str]


FACTOR = 1.5


def infer(contestant: str, precision: str) -> Inferred:
    """Loads, infers, loads other weights, infers again, and asks for each of the other phases."""
    network, model = _first_that_it_has(contestant, precision, INFERRED)
    weights, arrays = make_weights(network), make_batch(network, BATCH)
    _load_and_overwrite(model, weights, make_statistics(network))
    batch = model.put(arrays.images, arrays.labels)
    loaded, statistics, scores = model.weights(), model.statistics(), model.to_numpy(model.infer(batch))
    model.load({name: array * np.float32(FACTOR) for name, array in weights.items()}, make_statistics(network))
    reloaded = model.to_numpy(model.infer(batch))
    refused: dict[str, str] = {phase: _refusal(model, phase, batch) for phase in PHASES if phase != "infer"}
    devices = model.devices(model.infer(batch))
    return Inferred(network.architecture, loaded, statistics, scores, reloaded, refused, devices)


def _refusal(model: Model, phase: Phase, batch: Any) -> str:
    try:
        model.phase(phase)(batch)
    except Unsupported as problem:
        return str(problem)
    return "not refused"


def _first_that_it_has(
    contestant: str, precision: str, networks: Mapping[str, Network] = NETWORKS
) -> tuple[Network, Model]:
    for network in networks.values():
        try:
            return network, build(contestant, network, precision, CONTRACT_SGD)
        except Unsupported as problem:
            refused = problem
    raise refused


def _train_once(model: Model, batch: Any) -> tuple[float, Arrays, Arrays]:
    """(loss, the gradient at the weights before the step, the weights after it)."""
    gradients = model.gradients(model.gradient(batch))
    loss = model.train(batch)
    model.synchronize(loss)
    return float(model.to_numpy(loss)), gradients, model.weights()


@dataclass(frozen=True)
class Dropped:
    """Two gradients of DROPPING, and its scores in evaluation mode."""

    first: Arrays
    second: Arrays
    scores: np.ndarray


def drop(contestant: str, precision: str) -> Dropped:
    """What a contestant's dropout does."""
    model = build(contestant, DROPPING, precision)
    model.load(make_weights(DROPPING), {})
    arrays = make_batch(DROPPING, 1)
    batch = model.put(arrays.images, arrays.labels)
    first, second = (model.gradients(model.gradient(batch)) for _ in range(2))
    return Dropped(first, second, model.to_numpy(model.infer(batch)))


@dataclass(frozen=True)
class Divided:
    """What a model of SHALLOW did whose steps are divided over DEVICES devices."""

    scores: np.ndarray
    loss: float
    gradients: Arrays
    trained: Arrays


DEVICES = 2


def divide(contestant: str) -> Divided:
    """Scores, gradients and weights after a step, in a process that has computed on no single device before."""
    framework, _, execution = contestant.partition(":")
    plan = Plan(SHALLOW, execution, sgd=CONTRACT_SGD, devices=DEVICES)
    model = load_framework(framework).build(plan)
    model.load(make_weights(SHALLOW), {})
    arrays = make_batch(SHALLOW, 2 * DEVICES)
    batch = model.put(arrays.images, arrays.labels)
    scores, outputs = model.to_numpy(model.infer(batch)), model.gradient(batch)
    gradients = model.gradients(outputs)
    model.synchronize(model.train(batch))
    return Divided(scores, float(model.to_numpy(outputs[0])), gradients, model.weights())


def arithmetic(contestant: str, precision: str) -> str:
    """What a contestant is seen to compute in."""
    for architecture in (probe.ROUNDING, probe.PRODUCT):
        network = architecture.at()
        try:
            return probe.arithmetic(probe.scores(build(contestant, network, precision), network))
        except Unsupported:
            continue
    return "unknown"
