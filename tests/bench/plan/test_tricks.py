"""Contestants that lack a trick: where it changes nothing they are skipped before the gate, at no cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated import Simulated, cases

from bench.contestants.without import WITHOUT, name_of
from bench.plan import cases as plan
from bench.plan import interpreters
from bench.plan.executions import execution_of, lacks
from bench.plan.suite import load_suite, suite_names
from impls.architectures import architectures, load_architecture
from impls.frameworks import PHASES, Execution, Framework, Trick, frameworks
from impls.network import Network, Row, can_be_alone
from results.schema.record import Case, Contestant, Status, Workload

LEVELS = [name for name in suite_names() if name.startswith("levels-")]
TRICKS = {f"{framework.name}-{trick.name}": trick for framework in frameworks().values() for trick in framework.tricks}
OF_LAYERS = [name for name, trick in TRICKS.items() if trick.about]
NORMALISED = {
    "alexnet", "alexnet-1tower", "caffenet", "convnet5", "convnet5-spp", "overfeat5", "overfeat5-spp", "overfeat7",
    "overfeat7-spp", "vgg-a-lrn", "zf5", "zf5-spp", "zf5-spp30",
}  # fmt: skip
NIN = {"nin-cifar10", "nin-cifar100", "nin-imagenet", "nin-mnist", "nin-svhn", "nin-tutorial"}
PYRAMIDS = {"convnet5-spp", "overfeat5-spp", "overfeat7-spp", "zf5-spp", "zf5-spp30"}
EVERY = set(architectures())
CHANGED = {
    "jax-groups": {"alexnet", "caffenet"},
    "jax-pointwise": NIN | {"vgg-c"},
    "jax-product": EVERY - NIN,
    "jax-pools": EVERY,
    "jax-powers": NORMALISED,
    "jax-pyramid": PYRAMIDS,
    "keras-lrn": NORMALISED,
    "keras-groups": {"alexnet", "caffenet"},
    "keras-pyramid": PYRAMIDS,
    "pytorch-lrn": NORMALISED,
    "tensorflow-lrn": NORMALISED,
    "tensorflow-borders": EVERY,
    "tensorflow-batch-norm": {"nin-tutorial", "vgg-a-bn", "vgg-d-bn"},
    "tensorflow-pyramid": PYRAMIDS,
}
"""By trick of a layer: the papers' networks that have one."""


def workload(architecture: str, phase: str = "infer") -> Workload:
    channels, height, width = load_architecture(architecture).input_shape
    return Workload(architecture, height, width, channels, 10, 1, "float32", "cpu", phase)


@pytest.mark.parametrize(
    ("contestant", "architecture", "phase", "reason"),
    [
        ("jax.jit-groups", "alexnet", "infer", None),
        ("jax.jit-groups", "vgg-a", "infer", "trick groups changes nothing in vgg-a"),
        ("jax.jit-groups", "alexnet/conv1", "gradient", "trick groups changes nothing in alexnet/conv1"),
        ("jax.jit-product", "lenet5", "train", None),
        ("jax.jit-product", "lenet5", "forward", "trick product changes nothing in forward"),
        ("jax.jit-product", "nin-cifar10", "infer", "trick product changes nothing in nin-cifar10"),
        ("pytorch.eager-update", "lenet5", "gradient", "trick update changes nothing in gradient"),
        ("pytorch.eager-update", "lenet5", "train", None),
        ("tensorflow.graph-onednn", "lenet5", "infer", None),
        ("tensorflow.graph-calls", "lenet5", "infer", None),
    ],
)
def test_a_contestant_is_skipped_where_its_trick_changes_nothing(
    contestant: str, architecture: str, phase: str, reason: str | None
) -> None:
    assert lacks(Case(workload(architecture, phase), Contestant("without", contestant))) == reason


def test_an_idiomatic_contestant_is_measured_where_it_is_the_tuned_one() -> None:
    idiomatic = [
        Contestant(framework.name, execution.name)
        for framework in frameworks().values()
        for execution in framework.executions
        if execution.idiomatic_of
    ]
    assert idiomatic
    assert not any(lacks(case) for case in cases(map(workload, ("lenet5", "vgg-a")), idiomatic))


def test_nothing_is_asked_of_a_contestant_whose_trick_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "missing", lambda *given: None)  # launches are simulated
    names = "groups", "pools"
    tuned, *without = (Contestant("jax", "jit"), *(Contestant("without", f"jax.jit-{name}") for name in names))
    done = Simulated(these=cases([workload("lenet5"), workload("alexnet")], (tuned, *without))).run()
    asked = {(one.case.workload.architecture, one.case.contestant) for one in done.launcher.requests}
    groups, pools = without
    assert asked == {("lenet5", tuned), ("lenet5", pools), *(("alexnet", one) for one in (tuned, groups, pools))}
    skipped = [(one.case.contestant, one.reason) for one in done.records if one.status is Status.SKIPPED]
    assert skipped == [(groups, "trick groups changes nothing in lenet5")]
    assert sum(one.status is Status.MEASURED for one in done.records) == 2 * len(asked)


@pytest.mark.parametrize("suite", LEVELS)
def test_a_suite_measures_every_trick_of_its_framework_and_compares_both_levels_on_every_network(suite: str) -> None:
    planned = plan.cases(load_suite(suite), "cpu")
    tuned, idiomatic, *without = dict.fromkeys(case.contestant for case in planned)
    assert execution_of(idiomatic).idiomatic_of == tuned.execution
    framework = frameworks()[tuned.framework]
    own = [name_of(tuned.framework, tuned.execution, trick.name) for trick in framework.tricks]
    missing = set(own) - {one.execution for one in without}
    assert not missing, f"{suite} does not measure what these bring: {', '.join(sorted(missing))}"
    left = {case.contestant for case in planned if not lacks(case)}
    unchanged = {one.execution for one in without} - {one.execution for one in left}
    assert not unchanged, f"no network of {suite} is changed by: {', '.join(sorted(unchanged))}"
    compared = [case for case in planned if case.contestant in (tuned, idiomatic)]
    assert not any(map(lacks, compared))
    assert {case.workload for case in compared} == {case.workload for case in planned}


def test_every_framework_with_tricks_has_a_suite_that_measures_them() -> None:
    first = [load_suite(name).reference.framework for name in LEVELS]
    assert sorted(first) == sorted(name for name, framework in frameworks().items() if framework.tricks)


@pytest.mark.parametrize("trick", OF_LAYERS)
def test_a_trick_changes_the_networks_that_have_its_layers(trick: str) -> None:
    changed = {name for name in architectures() if not TRICKS[trick].changes_nothing(network(name), "train")}
    assert changed == CHANGED[trick]


@given(st.sampled_from(OF_LAYERS), st.sampled_from(sorted(EVERY)), st.sampled_from(PHASES))
def test_a_trick_changes_a_network_exactly_if_it_changes_a_layer_of_it_alone(trick: str, name: str, phase: str) -> None:
    whole, one = network(name), TRICKS[trick]
    alone = [whole.alone(layer.name) for layer in whole.layers if can_be_alone(layer)]
    # The scores of a layer alone are layers, too, but they are not the network's.
    own = [replace(layer, layers=layer.layers[: _own(layer)]) for layer in alone]
    changed = [layer for layer in own if one.changes_nothing(layer, phase) is None]
    assert bool(changed) == (one.changes_nothing(whole, phase) is None)


def _own(alone: Network) -> int:
    """How many layers there are up to the one that is alone."""
    name = alone.architecture.partition("/")[2]
    return [layer.name for layer in alone.layers].index(name) + 1


@cache
def network(name: str) -> Network:
    return load_architecture(name).at()


def first(row: Row) -> bool:
    return row.layer.name == "c1"


@pytest.mark.parametrize(
    ("about", "phase", "reason"),
    [
        (None, "infer", "trick made-up changes nothing in infer"),
        (None, "train", None),
        (first, "train", None),
        (first, "infer", "trick made-up changes nothing in infer"),
        (lambda row: False, "train", "trick made-up changes nothing in lenet5"),
    ],
    ids=["step-infer", "step-train", "layer-train", "layer-infer", "no-layer"],
)
def test_a_trick_of_steps_is_about_every_network_and_one_of_layers_about_some(
    about: Callable[[Row], bool] | None, phase: str, reason: str | None
) -> None:
    trick = Trick("made-up", "fast, in place of slow", about=about, phases=("gradient", "train"))
    assert trick.changes_nothing(network("lenet5"), phase) == reason
    assert Execution("fast-made-up", "", left_out=trick).lacks_difference(network("lenet5"), phase) == reason
    assert Execution("fast", "").lacks_difference(network("lenet5"), phase) is None


def test_a_row_is_replaced_by_the_trick_that_is_about_it_if_that_is_left_out() -> None:
    steps, layer = Trick("steps", "one way"), Trick("layer", "another way", about=first)
    framework = Framework("made-up", "Made up", "", (), tricks=(steps, layer))
    row, other, *_ = network("lenet5").rows
    assert framework.replaced(row, ("steps", "layer")) == "layer"
    assert framework.replaced(other, ("steps", "layer")) is None
    assert framework.replaced(row, ("steps",)) is framework.replaced(row, ()) is None


def test_every_contestant_that_lacks_a_trick_says_which() -> None:
    assert WITHOUT.executions
    for execution in WITHOUT.executions:
        assert execution.left_out
        assert execution.name.endswith(f"-{execution.left_out.name}")
