"""What holds for every framework that is listed, and for every model that it builds."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping

import numpy as np
import pytest

from bench.worker.arithmetic import accepted
from deadheat.contract import perceptron
from deadheat.contract.device import TESTED
from deadheat.contract.fixtures import Ask, differentiates, missing
from deadheat.contract.jobs import (
    BATCH,
    CONTRACT_SGD,
    DEEP,
    DEVICES,
    DROPPING,
    FACTOR,
    INFERRED,
    NETWORKS,
    SHALLOW,
    STEPS,
    Behaviour,
    Divided,
    Dropped,
    Inferred,
)
from deadheat.contract.processes import Children, answer, python_path
from impls.arrays import Batch, make_batch, make_weights
from impls.errors import UnknownName, Unsupported
from impls.frameworks import PRECISIONS, Framework, Plan, frameworks, is_card, load_framework
from impls.layers import Dropout
from impls.network import Network
from impls.precision import POLICIES

CONTESTANTS = [
    f"{framework.name}:{execution.name}" for framework in frameworks().values() for execution in framework.executions
]
DIFFERENTIATING = [contestant for contestant in CONTESTANTS if differentiates(contestant)]
PARALLEL = [
    one for one in CONTESTANTS if load_framework(one.partition(":")[0]).execution(one.partition(":")[2]).parallel
]
INFERRING = [contestant for contestant in CONTESTANTS if not differentiates(contestant)]

# --- Frameworks, described ------------------------------------------------------------------------------------------


@pytest.fixture(params=frameworks())
def framework(request: pytest.FixtureRequest) -> Framework:
    return load_framework(request.param)


def test_describing_it_imports_nothing_that_it_needs(framework: Framework) -> None:
    script = (
        f"import sys, impls; found = impls.load_framework({framework.name!r});"
        "[(found.missing(one), found.versions()) for one in found.executions];"
        "print([name for name in found.requires if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": python_path()}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_a_framework_says_what_it_is(framework: Framework) -> None:
    assert framework.title
    assert framework.executions
    assert framework.requires
    names = [execution.name for execution in framework.executions]
    assert len(set(names)) == len(names)
    for execution in framework.executions:
        assert execution.note
        assert "float32" in execution.precisions
        assert ":" not in execution.name
        assert framework.execution(execution.name) is execution
        assert all(isinstance(value, str) for value in execution.environment.values())


def test_where_a_model_is_can_be_found(framework: Framework) -> None:
    module, _, name = framework.model.partition(":")
    assert name
    assert importlib.util.find_spec(module) is not None


def test_what_is_missing_is_named_with_what_brings_it(framework: Framework, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    reason = framework.missing()
    assert reason is not None
    assert all(name in reason for name in framework.requires)
    assert "pip install" in reason
    assert "\n" not in reason


def test_an_unknown_execution_is_refused(framework: Framework) -> None:
    with pytest.raises(UnknownName, match=f"unknown execution of {framework.name} 'no-such-thing'.*known: ") as failure:
        framework.build(Plan(DEEP, "no-such-thing"))
    assert framework.executions[0].name in str(failure.value)


def test_a_precision_that_it_lacks_is_refused(framework: Framework) -> None:
    with pytest.raises(Unsupported, match=f"{framework.name}:.* does not support bfloat17; it supports .*float32"):
        framework.build(Plan(DEEP, framework.executions[0].name, precision="bfloat17"))


# --- Frameworks, built ----------------------------------------------------------------------------------------------


@pytest.fixture(params=DIFFERENTIATING)
def behaviour(request: pytest.FixtureRequest, ask: Ask) -> Behaviour:
    found: Behaviour = ask("behave", request.param)
    return found


def inputs_of(found: Behaviour | Inferred) -> tuple[Network, Mapping[str, np.ndarray], Batch]:
    """The network, the weights and the batch behind it."""
    network = (NETWORKS if isinstance(found, Behaviour) else INFERRED)[found.network].without_dropout()
    return network, make_weights(network), make_batch(network, BATCH)


def test_weights_come_back_as_they_were_loaded(behaviour: Behaviour) -> None:
    """Whatever is written into the caller's arrays after they were loaded."""
    network, weights, _ = inputs_of(behaviour)
    assert list(behaviour.loaded) == list(network.arrays)
    for name, array in weights.items():
        assert behaviour.loaded[name].dtype == array.dtype
        assert np.array_equal(behaviour.loaded[name], array)
    assert behaviour.statistics == {}


def test_scores_are_a_row_an_image(behaviour: Behaviour) -> None:
    network, weights, batch = inputs_of(behaviour)
    assert behaviour.scores.shape == (BATCH, network.classes)
    assert behaviour.scores.dtype == np.float32
    assert behaviour.scores == pytest.approx(perceptron.scores(network, weights, batch.images), rel=1e-5, abs=1e-5)


def test_forward_and_gradient_give_the_same_loss(behaviour: Behaviour) -> None:
    network, weights, batch = inputs_of(behaviour)
    right = perceptron.loss(network, weights, batch.images, batch.labels)
    assert behaviour.forward_loss == pytest.approx(right, rel=1e-5)
    assert behaviour.gradient_loss == pytest.approx(right, rel=1e-5)
    assert behaviour.train_losses[0] == pytest.approx(right, rel=1e-5)


def test_gradients_are_those_of_the_loss_by_the_networks_names(behaviour: Behaviour) -> None:
    network, weights, batch = inputs_of(behaviour)
    assert {name: array.shape for name, array in behaviour.gradients.items()} == dict(network.arrays)
    for name, right in perceptron.gradients(network, weights, batch.images, batch.labels).items():
        assert right.any()
        assert behaviour.gradients[name] == pytest.approx(right, rel=1e-4, abs=1e-6)


def test_nothing_adds_up_between_gradients(behaviour: Behaviour) -> None:
    for name, array in behaviour.gradients.items():
        assert behaviour.gradients_again[name] == pytest.approx(array, rel=1e-5, abs=1e-7)


def test_only_train_changes_weights(behaviour: Behaviour) -> None:
    for name, array in inputs_of(behaviour)[1].items():
        assert np.array_equal(behaviour.after_reading[name], array)
        assert not np.array_equal(behaviour.train_weights[0][name], array)


def test_train_follows_the_one_update_rule(behaviour: Behaviour) -> None:
    """v <- momentum v + (gradient + weight_decay w); w <- w - learning_rate v, for biases, too."""
    sgd = CONTRACT_SGD
    for name, start in inputs_of(behaviour)[1].items():
        weight, velocity = start.astype(float), np.zeros(start.shape)
        for step in range(STEPS):
            velocity = sgd.momentum * velocity + behaviour.train_gradients[step][name] + sgd.weight_decay * weight
            weight = weight - sgd.learning_rate * velocity
            assert behaviour.train_weights[step][name] == pytest.approx(weight, rel=1e-5, abs=1e-6)


def test_phases_after_train_see_its_weights(behaviour: Behaviour) -> None:
    """A launch runs all phases of one model in turns."""
    network, _, batch = inputs_of(behaviour)
    weights = behaviour.train_weights[-1]
    scores = perceptron.scores(network, weights, batch.images)
    assert behaviour.trained_scores == pytest.approx(scores, rel=1e-4, abs=1e-5)
    loss = perceptron.loss(network, weights, batch.images, batch.labels)
    assert behaviour.trained_loss == pytest.approx(loss, rel=1e-4)
    assert behaviour.trained_scores != pytest.approx(behaviour.scores, rel=1e-3, abs=1e-4)


def test_loading_forgets_the_momentum(behaviour: Behaviour) -> None:
    for name, array in behaviour.train_weights[0].items():
        assert behaviour.after_second_load[name] == pytest.approx(array, rel=1e-6, abs=1e-7)


@pytest.fixture(params=DIFFERENTIATING)
def dropped(request: pytest.FixtureRequest, ask: Ask) -> Dropped:
    found: Dropped = ask("drop", request.param)
    return found


def test_dropout_drops_its_share_and_scales_the_rest(dropped: Dropped) -> None:
    """Each input of the output layer is gone, or divided by the share that is kept."""
    hidden = Network("hidden", DROPPING.input_shape, 500, DROPPING.layers[:2])
    (whole,) = perceptron.scores(hidden, make_weights(DROPPING), make_batch(DROPPING, 1).images)
    for gradients in (dropped.first, dropped.second):
        kept = _inputs_of_the_output(gradients) / whole
        assert np.all(np.isclose(kept, 0, atol=1e-6) | np.isclose(kept, 1 / (1 - 0.2), rtol=1e-3))
        assert 0.1 < np.mean(kept == 0) < 0.3  # five standard deviations and more


def test_dropout_drops_others_the_next_time(dropped: Dropped) -> None:
    first, second = (_inputs_of_the_output(gradients) == 0 for gradients in (dropped.first, dropped.second))
    assert np.any(first != second)


def test_nothing_is_dropped_in_evaluation(dropped: Dropped) -> None:
    weights, images = make_weights(DROPPING), make_batch(DROPPING, 1).images
    right = perceptron.scores(DROPPING.without_dropout(), weights, images)
    assert dropped.scores == pytest.approx(right, rel=1e-5, abs=1e-5)


def _inputs_of_the_output(gradients: Mapping[str, np.ndarray]) -> np.ndarray:
    """With one image, the weight's gradient is the bias's times the inputs."""
    signal = gradients["output.bias"]
    inputs: np.ndarray = signal @ gradients["output.weight"] / (signal @ signal)
    return inputs


@pytest.fixture(params=INFERRING)
def inferred(request: pytest.FixtureRequest, ask: Ask) -> Inferred:
    found: Inferred = ask("infer", request.param)
    return found


def test_inference_gives_the_loaded_weights_and_a_row_of_scores_an_image(inferred: Inferred) -> None:
    network, weights, batch = inputs_of(inferred)
    assert list(inferred.loaded) == list(network.arrays)
    assert all(np.array_equal(inferred.loaded[name], array) for name, array in weights.items())
    assert inferred.statistics == {}
    assert inferred.scores.shape == (BATCH, network.classes)
    assert inferred.scores.dtype == np.float32
    assert inferred.scores == pytest.approx(perceptron.scores(network, weights, batch.images), rel=1e-5, abs=1e-5)


def test_inference_follows_the_weights_that_were_loaded_last(inferred: Inferred) -> None:
    network, weights, batch = inputs_of(inferred)
    scaled = {name: array * np.float32(FACTOR) for name, array in weights.items()}
    assert inferred.reloaded == pytest.approx(perceptron.scores(network, scaled, batch.images), rel=1e-5, abs=1e-5)


def test_inference_drops_nothing(inferred: Inferred) -> None:
    """Neither an input of the output layer, nor the scale of those that training would keep."""
    network, weights, batch = inputs_of(inferred)
    assert any(isinstance(layer, Dropout) for layer in INFERRED[inferred.network].layers)
    assert inferred.scores == pytest.approx(perceptron.scores(network, weights, batch.images), rel=1e-5, abs=1e-5)


def test_what_runs_inference_only_refuses_other_phases(inferred: Inferred) -> None:
    assert set(inferred.refused) == {"forward", "gradient", "train"}
    assert all("inference only" in words for words in inferred.refused.values())


@pytest.mark.parametrize("contestant", CONTESTANTS)
def test_outputs_are_on_the_plans_device_or_it_does_not_tell(contestant: str, ask: Ask) -> None:
    """A model that does not tell can be measured on a card only if the driver lists its process there."""
    devices = ask("behave" if contestant in DIFFERENTIATING else "infer", contestant).devices
    own = load_framework(contestant.partition(":")[0]).model.startswith("impls.")
    assert devices == {TESTED} or (not devices and not own)


@pytest.fixture(params=PARALLEL)
def divided(request: pytest.FixtureRequest, children: Children) -> Divided:
    if reason := missing(request.param):
        pytest.skip(reason)
    name, _, execution = request.param.partition(":")
    framework = load_framework(name)
    own = framework.execution(execution)
    child = children.child(f"{request.param}-devices", own.environment, (*framework.preload, *own.preload))
    found: Divided = answer(child.submit("deadheat.contract.jobs:divide", request.param))
    return found


def test_a_step_divided_over_devices_is_a_step_of_the_whole_batch(divided: Divided) -> None:
    """Scores in order of the images, the gradient of the mean loss, and one update with it."""
    weights, batch, sgd = make_weights(SHALLOW), make_batch(SHALLOW, 2 * DEVICES), CONTRACT_SGD
    assert divided.scores == pytest.approx(perceptron.scores(SHALLOW, weights, batch.images), rel=1e-5, abs=1e-5)
    assert divided.loss == pytest.approx(perceptron.loss(SHALLOW, weights, batch.images, batch.labels), rel=1e-5)
    for name, right in perceptron.gradients(SHALLOW, weights, batch.images, batch.labels).items():
        assert divided.gradients[name] == pytest.approx(right, rel=1e-4, abs=1e-6)
        updated = weights[name] - sgd.learning_rate * (right + sgd.weight_decay * weights[name])
        assert divided.trained[name] == pytest.approx(updated, rel=1e-5, abs=1e-6)


OFFERED = [
    (contestant, precision)
    for contestant in CONTESTANTS
    for precision in PRECISIONS
    if precision in load_framework(contestant.partition(":")[0]).execution(contestant.partition(":")[2]).precisions
]


@pytest.mark.parametrize(("contestant", "precision"), OFFERED)
def test_what_was_asked_for_is_what_computes(contestant: str, precision: str, ask: Ask) -> None:
    computed = ask("arithmetic", contestant, precision)
    # A card computes small products in float32 where tf32 is only allowed.
    assert computed == POLICIES[precision].operands or (is_card(TESTED) and computed in accepted(precision))
