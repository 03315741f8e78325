"""Data parallelism: a step divided over four CPU devices gives what one device gives, in each framework."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import psutil
import pytest

from bench.gate.parity import TOLERANCES, judge
from deadheat.contract.fixtures import missing
from deadheat.contract.processes import Child, Children, answer
from impls.errors import InvalidInput, Unsupported
from impls.frameworks import Plan, frameworks, images_per_device, load_framework, shares
from impls.layers import BatchNorm, Dense, Flatten
from impls.network import Network
from tests.support.devices import DEVICES
from tests.support.slow import slow_but

PAIRS = {"pytorch": ("ddp", "eager"), "tensorflow": ("mirrored", "graph"), "jax": ("sharded", "jit")}
"""By framework: the execution on several devices, and one of a single device."""
SMALL = Network("small", (1, 2, 2), 3, (Flatten("flatten"), Dense("output", 3)))


def child_for(children: Children, framework: str, purpose: str) -> Child:
    """A process of its own: how many devices it has is settled when it starts."""
    execution = PAIRS[framework][0]
    if reason := missing(f"{framework}:{execution}"):
        pytest.skip(reason)
    found = load_framework(framework)
    return children.child(f"{purpose}-{framework}", found.execution(execution).environment, found.preload)


@pytest.fixture(params=slow_but(["pytorch"], PAIRS), scope="module")
def compared(request, children):
    child = child_for(children, request.param, "devices")
    return answer(child.submit("tests.support.devices:compare", request.param, *PAIRS[request.param]))


def complaints(compared, *names: str) -> list[str]:
    return [said for _, said in judge({name: compared[name] for name in names}, TOLERANCES["float32"]).values()]


def test_gradients_scores_and_loss_are_those_of_one_device(compared):
    assert complaints(compared, "several", "one") == ["", ""]
    assert any(norm > 0 for norm, *_ in compared["several"].gradients.values())


@pytest.mark.parametrize("error", ["sum", "first"])
def test_the_gate_sees_planted_errors(compared, error):
    """Gradients that are summed and not averaged, and devices that all compute the images of the first."""
    assert all("the gradient of" in said for said in complaints(compared, error, "one"))
    assert all("a score" in said for said in complaints(compared, error, "one")) is (error == "first")


def test_training_steps_are_those_of_one_device(compared):
    several, one = compared["losses"]
    assert several == pytest.approx(one, rel=1e-5)
    assert several[1] < several[0]
    weights, of_one = compared["weights"]
    for name, array in of_one.items():
        assert weights[name] == pytest.approx(array, rel=1e-4, abs=1e-6)


def test_all_devices_have_the_same_weights(compared):
    for own in compared["of_devices"]:  # of a framework that keeps them in several places
        assert all(np.array_equal(own[name], array) for name, array in compared["weights"][0].items())


def test_images_that_cannot_be_divided_evenly_are_refused(compared):
    assert compared["refused"] == "a batch of 7 cannot be divided evenly over 4 devices; give a multiple of 4"


def gone(process: int) -> bool:
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_no_process_outlives_a_worker_that_is_killed(children):
    worker, replicas = answer(child_for(children, "pytorch", "orphans").submit("tests.support.devices:processes"))
    assert len(replicas) == 2
    assert not any(map(gone, replicas))
    os.kill(worker, signal.SIGKILL)
    while not all(
        map(gone, replicas)
    ):  # at the kernel's leisure; a process that stayed would end the test by its limit
        time.sleep(0.05)


def test_a_device_whose_process_dies_is_named(children):
    said = answer(child_for(children, "pytorch", "deaths").submit("tests.support.devices:after_a_death"))
    assert said.startswith("the process of device 1 ended"), said


def test_a_device_whose_process_dies_is_named_though_another_one_fails_first(children):
    asked = "tests.support.devices:after_a_failure_that_another_ones_death_caused"
    said = answer(child_for(children, "pytorch", "deaths").submit(asked))
    assert said == "the process of device 1 ended (exit code -9)"


@pytest.mark.parametrize("devices", [1, 2, 4])
def test_shares_are_consecutive_and_equal(devices):
    images, labels = np.arange(8), np.arange(8, 16)
    parts = shares(images, labels, devices)
    assert [len(part) for part, _ in parts] == [8 // devices] * devices
    assert np.concatenate([part for part, _ in parts]).tolist() == images.tolist()
    assert np.concatenate([part for _, part in parts]).tolist() == labels.tolist()
    with pytest.raises(InvalidInput, match="a batch of 9 cannot be divided evenly over 8 devices"):
        images_per_device(9, 8)


def test_an_execution_of_one_device_refuses_several():
    alone = [
        (framework, execution)
        for framework in frameworks().values()
        for execution in framework.executions
        if not execution.parallel and framework.missing(execution) is None
    ]
    assert alone or not any(framework.missing() is None for framework in frameworks().values())
    for framework, execution in alone:
        with pytest.raises(Unsupported, match=f"{framework.name}:{execution.name}: runs on one device"):
            framework.build(Plan(SMALL, execution.name, devices=DEVICES))


def test_batch_normalisation_and_single_layers_are_refused_on_several_devices():
    normalised = Network("normalised", (1, 2, 2), 3, (BatchNorm("norm"), Flatten("flatten"), Dense("output", 3)))
    execution = load_framework("pytorch").execution("ddp")
    assert "batch normalisation is not supported" in execution.lacks_devices(2, normalised)
    assert execution.lacks_devices(1, normalised) is None
    assert execution.lacks_devices(2, SMALL) is None
