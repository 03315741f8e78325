"""What holds for every architecture and every framework found, ours or from a package outside.

Frameworks are asked for a network of two full connections, which every one of them can have. Their answers are
gathered once for each contestant, in a child process, and looked at from all sides here.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest
from oracle import forward
from oracle.children import ChildFailed, Children, answer
from oracle.jobs import BATCH, CONTRACT_SGD, DROPPING, STEPS, TINY, Behaviour, Dropped
from oracle.numpy_layers import dense
from oracle.requests import COMPILERS, missing

from impls.architectures import architectures, load_architecture
from impls.arrays import make_batch, make_statistics, make_weights
from impls.errors import UnknownName, Unsupported
from impls.frameworks import PRECISIONS, Execution, Framework, Plan, frameworks, load_framework
from impls.layers import Layer
from impls.network import Architecture

HEAVY = ("torch", "tensorflow", "jax", "keras", "numpy")
CONTESTANTS = [
    f"{framework.name}:{execution.name}" for framework in frameworks().values() for execution in framework.executions
]

# --- Architectures --------------------------------------------------------------------------------------------------


@pytest.fixture(params=architectures())
def architecture(request: pytest.FixtureRequest) -> Architecture:
    return load_architecture(request.param)


def test_an_architecture_says_what_it_is(architecture: Architecture) -> None:
    assert architecture.name == architecture.name.lower()
    assert architecture.name.replace("-", "").isalnum()
    for text in (architecture.title, architecture.source):
        assert text.strip() == text != ""
        assert "\n" not in text


def test_an_architecture_cites_its_source(architecture: Architecture) -> None:
    """A year, or the one source that has none."""
    assert any(word.strip("()").isdigit() for word in architecture.source.replace(",", " ").split()) or any(
        known in architecture.source for known in ("tutorial notebook", "Caffe model zoo")
    )


def test_deviations_are_sentences(architecture: Architecture) -> None:
    for deviation in architecture.deviations:
        assert len(deviation.split()) >= 4
        assert deviation.strip() == deviation
        assert not deviation.endswith(".")


def test_titles_are_unique() -> None:
    titles = [found.title for found in architectures().values()]
    assert len(set(titles)) == len(titles)


def test_the_default_network_fits_together(architecture: Architecture) -> None:
    network = architecture.at()
    assert network.input_shape == architecture.input_shape
    assert network.rows[-1].facts.output == (network.classes,)
    assert 0 < network.parameters <= sum(np.prod(shape, dtype=int) for shape in network.arrays.values())
    assert all(row.input == before.facts.output for before, row in zip(network.rows, network.rows[1:]))


def test_layer_names_are_unique_and_name_arrays(architecture: Architecture) -> None:
    network = architecture.at()
    names = [layer.name for layer in network.layers]
    assert len(set(names)) == len(names)
    assert all(name and "." not in name and " " not in name for name in names)
    assert {name.partition(".")[0] for name in (*network.arrays, *network.statistics)} <= set(names)
    assert not set(network.arrays) & set(network.statistics)


def test_a_table_knows_no_framework(architecture: Architecture) -> None:
    modules = {type(layer).__module__ for layer in architecture.at().layers}
    assert modules == {Layer.__module__}


def test_a_network_is_a_value(architecture: Architecture) -> None:
    """Equal networks are equal and hash alike, so that they can be keys; nothing in them changes."""
    assert architecture.at() == architecture.at()
    assert hash(architecture.at()) == hash(architecture.at())


# --- Frameworks, described ------------------------------------------------------------------------------------------


@pytest.fixture(params=frameworks())
def framework(request: pytest.FixtureRequest) -> Framework:
    return load_framework(request.param)


def test_describing_imports_nothing_heavy() -> None:
    script = (
        "import sys, impls, impls.architectures, impls.frameworks as f;"
        "[(found.missing(one), found.versions()) for found in f.frameworks().values() for one in found.executions];"
        "[a.at().macs for a in impls.architectures().values()];"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


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


def test_an_executions_own_packages_count() -> None:
    execution = Execution("special", "needs what nobody has", requires=("no_such_package",))
    framework = Framework("made-up", "Made up", "nowhere:Model", (execution,), requires=("numpy",))
    assert framework.missing() is None
    assert framework.missing(execution) == "no_such_package not installed; pip install no_such_package"


def test_an_unknown_execution_is_refused(framework: Framework) -> None:
    with pytest.raises(UnknownName, match=f"unknown execution of {framework.name} 'no-such-thing'.*known: ") as failure:
        framework.build(Plan(TINY, "no-such-thing"))
    assert framework.executions[0].name in str(failure.value)


def test_a_precision_that_it_lacks_is_refused(framework: Framework) -> None:
    with pytest.raises(Unsupported, match=f"{framework.name}:.* has no bfloat17; it has .*float32"):
        framework.build(Plan(TINY, framework.executions[0].name, precision="bfloat17"))


def test_an_unknown_framework_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown framework 'pytorchh': did you mean 'pytorch'"):
        load_framework("pytorchh")


# --- Frameworks, built ----------------------------------------------------------------------------------------------

Ask = Callable[..., Any]


@pytest.fixture(scope="session")
def ask(children: Children) -> Ask:
    """The answer of a job for a contestant, asked once; skipped where it is not installed or has no such layer."""
    asked: dict[tuple[str, str, str], Future[Any]] = {}

    def ask(job: str, contestant: str, precision: str = "float32") -> Any:
        name, _, execution = contestant.partition(":")
        if reason := missing(contestant, precision):
            pytest.skip(reason)
        key = job, contestant, precision
        if key not in asked:
            child = children.child(f"{name}-{precision}", load_framework(name).execution(execution).environment)
            asked[key] = child.submit(f"oracle.jobs:{job}", contestant, precision)
        return answer(asked[key])

    return ask


@pytest.fixture(params=CONTESTANTS)
def behaviour(request: pytest.FixtureRequest, ask: Ask) -> Behaviour:
    return ask("behave", request.param)


WEIGHTS, IMAGES = make_weights(TINY), make_batch(TINY, BATCH)


def test_weights_come_back_as_they_were_loaded(behaviour: Behaviour) -> None:
    assert list(behaviour.loaded) == list(TINY.arrays)
    for name, array in WEIGHTS.items():
        assert behaviour.loaded[name].dtype == array.dtype
        assert np.array_equal(behaviour.loaded[name], array)
    assert behaviour.statistics == {}


def test_scores_are_a_row_an_image(behaviour: Behaviour) -> None:
    assert behaviour.scores.shape == (BATCH, TINY.classes)
    assert behaviour.scores.dtype == np.float32
    right = forward.scores(TINY, WEIGHTS, make_statistics(TINY), IMAGES.images)
    assert behaviour.scores == pytest.approx(right, rel=1e-5, abs=1e-5)


def test_forward_and_gradient_give_the_same_loss(behaviour: Behaviour) -> None:
    right = forward.loss(TINY, WEIGHTS, {}, IMAGES.images, IMAGES.labels)
    assert behaviour.forward_loss == pytest.approx(right, rel=1e-5)
    assert behaviour.gradient_loss == pytest.approx(right, rel=1e-5)
    assert behaviour.train_losses[0] == pytest.approx(right, rel=1e-5)


def test_gradients_go_by_the_networks_names_and_shapes(behaviour: Behaviour) -> None:
    assert {name: array.shape for name, array in behaviour.gradients.items()} == dict(TINY.arrays)
    assert all(array.any() for array in behaviour.gradients.values())


def test_nothing_adds_up_between_gradients(behaviour: Behaviour) -> None:
    for name, array in behaviour.gradients.items():
        assert behaviour.gradients_again[name] == pytest.approx(array, rel=1e-5, abs=1e-7)


def test_only_train_changes_weights(behaviour: Behaviour) -> None:
    assert all(np.array_equal(behaviour.after_reading[name], array) for name, array in WEIGHTS.items())
    for name, array in behaviour.train_weights[0].items():
        assert not np.array_equal(array, WEIGHTS[name])


def test_train_follows_the_one_update_rule(behaviour: Behaviour) -> None:
    """v <- momentum v + (gradient + weight_decay w); w <- w - learning_rate v, for biases, too."""
    sgd = CONTRACT_SGD
    for name, start in WEIGHTS.items():
        weight, velocity = start.astype(float), np.zeros(start.shape)
        for step in range(STEPS):
            velocity = sgd.momentum * velocity + behaviour.train_gradients[step][name] + sgd.weight_decay * weight
            weight = weight - sgd.learning_rate * velocity
            assert behaviour.train_weights[step][name] == pytest.approx(weight, rel=1e-5, abs=1e-6)


def test_loading_forgets_the_momentum(behaviour: Behaviour) -> None:
    for name, array in behaviour.train_weights[0].items():
        assert behaviour.after_second_load[name] == pytest.approx(array, rel=1e-6, abs=1e-7)


@pytest.fixture(params=CONTESTANTS)
def dropped(request: pytest.FixtureRequest, ask: Ask) -> Dropped:
    return ask("drop", request.param)


def test_dropout_drops_its_share_and_scales_the_rest(dropped: Dropped) -> None:
    """Each input of the output layer is gone, or divided by the share that is kept."""
    image = make_batch(DROPPING, 1).images.reshape(1, -1)
    weights = make_weights(DROPPING)
    whole = dense(image, weights["hidden.weight"], weights["hidden.bias"])[0]
    for gradients in (dropped.first, dropped.second):
        kept = _inputs_of_the_output(gradients) / whole
        assert np.all(np.isclose(kept, 0, atol=1e-6) | np.isclose(kept, 1 / (1 - 0.2), rtol=1e-3))
        assert 0.1 < np.mean(kept == 0) < 0.3  # five standard deviations and more


def test_dropout_drops_others_the_next_time(dropped: Dropped) -> None:
    first, second = (_inputs_of_the_output(gradients) == 0 for gradients in (dropped.first, dropped.second))
    assert np.any(first != second)


def test_nothing_is_dropped_in_evaluation(dropped: Dropped) -> None:
    weights, images = make_weights(DROPPING), make_batch(DROPPING, 1).images
    right = forward.scores(DROPPING.without_dropout(), weights, {}, images)
    assert dropped.scores == pytest.approx(right, rel=1e-5, abs=1e-5)


def _inputs_of_the_output(gradients: Mapping[str, np.ndarray]) -> np.ndarray:
    """With one image, the weight's gradient is the bias's times the inputs."""
    signal = gradients["output.bias"]
    return signal @ gradients["output.weight"] / (signal @ signal)


POLICIES = [
    (contestant, precision)
    for contestant in CONTESTANTS
    if contestant not in COMPILERS
    for precision in PRECISIONS
    if precision in load_framework(contestant.partition(":")[0]).execution(contestant.partition(":")[2]).precisions
]


@pytest.mark.parametrize(("contestant", "precision"), POLICIES)
def test_what_was_asked_for_is_what_computes(contestant: str, precision: str, ask: Ask) -> None:
    assert ask("arithmetic", contestant, precision) == precision


@pytest.mark.parametrize("name", frameworks())
def test_a_child_that_fails_says_why(name: str, children: Children) -> None:
    """The tests' own machinery: an error in a child is an error here, with its words, and the child lives on."""
    found = load_framework(name)
    if reason := found.missing():
        pytest.skip(reason)
    child = children.child(f"{name}-float32", found.executions[0].environment)
    contestant = f"{name}:{found.executions[0].name}"
    assert "has no bfloat17" in child.submit("oracle.jobs:refusal", contestant, "bfloat17").result()
    with pytest.raises(ChildFailed, match="no attribute 'no_such_job'"):
        child.submit("oracle.jobs:no_such_job").result()
