"""Two levels of every framework: tuned, and idiomatic, which is the same without the framework's tricks."""

from __future__ import annotations

import pytest
from oracle import tricks

from bench.contestants.without import WITHOUT, name_of
from deadheat.contract.fixtures import missing
from deadheat.contract.processes import Children, answer
from impls.errors import InvalidInput, UnknownName
from impls.frameworks import PHASES, Execution, Framework, Plan, Trick, frameworks, load_framework
from impls.network import Network

TUNED = ("pytorch:eager", "tensorflow:graph", "jax:jit", "keras:tensorflow", "keras:torch", "keras:jax")
TRICKS = Trick("first", "one way, in place of another"), Trick("second", "fast, in place of slow")
FRAMEWORK = Framework(
    name="made-up",
    title="Made up",
    model="tests.impls.frameworks.test_levels:plan_of",
    executions=(Execution("fast", "tuned"), Execution("plain", "idiomatic", idiomatic_of="fast"), Execution("x", "x")),
    tricks=TRICKS,
)


def plan_of(plan: Plan) -> Plan:
    """Stands for a model: what a model would be built from."""
    return plan


@pytest.mark.parametrize("contestant", TUNED)
def test_contestants_of_the_default_suite_have_an_idiomatic_counterpart(contestant: str) -> None:
    framework, _, name = contestant.partition(":")
    found = load_framework(framework)
    idiomatic = found.at_level(name, "idiomatic")
    assert (idiomatic.level, idiomatic.idiomatic_of) == ("idiomatic", name)
    assert found.at_level(idiomatic.name, "tuned") is found.execution(name)
    assert found.at_level(name, "tuned") is found.execution(name)
    assert found.at_level(idiomatic.name, "idiomatic") is idiomatic


def test_a_contestant_without_a_counterpart_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(InvalidInput, match="made-up:x has no idiomatic counterpart; .* have one: made-up:fast"):
        FRAMEWORK.at_level("x", "idiomatic")
    with pytest.raises(InvalidInput, match="onnx:openvino has no idiomatic counterpart; .*: none"):
        load_framework("onnx").at_level("openvino", "idiomatic")


@pytest.mark.parametrize(("execution", "plain"), [("fast", ()), ("plain", ("first", "second"))])
def test_an_idiomatic_model_is_the_tuned_one_without_any_trick(execution: str, plain: tuple[str, ...]) -> None:
    network = Network("none", (1, 1, 1), 2, ())
    built = FRAMEWORK.build(Plan(network, execution, seed=3))
    assert built == Plan(network, "fast", seed=3, plain=plain)


def test_every_trick_has_a_contestant_that_lacks_it_alone() -> None:
    names = {execution.name: execution for execution in WITHOUT.executions}
    for framework in frameworks().values():
        for execution in framework.executions:
            for trick in framework.tricks if execution.idiomatic_of else ():
                tuned = framework.execution(execution.idiomatic_of)
                name = name_of(framework.name, tuned.name, trick.name)
                if not tuned.uses(trick):
                    used = {one.name for one in framework.tricks if tuned.uses(one)}
                    assert (name in names) == (trick.name in used), "another trick of that name"
                    continue
                found = names[name]
                assert trick.what in found.note
                assert {**found.environment, **trick.environment} == tuned.environment
                assert not found.environment.keys() & trick.environment.keys()
                assert found.precisions == tuned.precisions
                assert set(framework.requires) <= set(found.requires)


@pytest.mark.parametrize("framework", [name for name, one in frameworks().items() if one.tricks])
def test_rows_have_another_way_without_a_trick_that_is_about_them_and_no_others(
    framework: str, children: Children
) -> None:
    contestant = next(contestant for contestant in TUNED if contestant.startswith(f"{framework}:"))
    if reason := missing(contestant):
        pytest.skip(reason)
    found = answer(children.of(contestant, "float32").submit("oracle.tricks:replaced", framework))
    every = tricks.rows()
    about = {one.name: one.about for one in load_framework(framework).tricks if one.about}
    assert found == {trick: {name for name, row in every.items() if of(row)} for trick, of in about.items()}
    assert all(found.values()), "a trick that is about no row of any network"


@pytest.mark.parametrize("contestant", ["pytorch:eager", "tensorflow:graph"])
def test_a_trick_of_the_update_changes_the_phases_that_update_weights(contestant: str, children: Children) -> None:
    if reason := missing(contestant):
        pytest.skip(reason)
    (update,) = (one for one in load_framework(contestant.partition(":")[0]).tricks if one.name == "update")
    found = answer(children.of(contestant, "float32").submit("oracle.tricks:updating_phases", contestant))
    assert found == set(update.phases)


@pytest.mark.slow
@pytest.mark.parametrize("trick", load_framework("jax").tricks, ids=lambda trick: trick.name)
def test_a_trick_of_jax_changes_the_programs_of_the_networks_and_phases_that_it_says(
    trick: Trick, children: Children
) -> None:
    if reason := missing("jax:jit"):
        pytest.skip(reason)
    found = answer(children.of("jax:jit", "float32").submit("oracle.tricks:changed_programs", trick.name))
    assert found == {
        network.architecture: {phase for phase in PHASES if not trick.changes_nothing(network, phase)}
        for network in tricks.made_up()
    }


def test_a_trick_of_variables_is_set_by_tuned_executions_and_by_no_idiomatic_one() -> None:
    trick = Trick("fast-kernels", "kernels of a library, in place of its own", {"FAST": "1"})
    tuned = Execution("fast", "tuned", {"QUIET": "1", "FAST": "1"})
    other = Execution("other", "of a backend that has no such kernels", {"QUIET": "1"})
    assert (tuned.uses(trick), other.uses(trick)) == (True, False)
    assert tuned.without(trick).environment == other.without(trick).environment == {"QUIET": "1"}
    for framework in frameworks().values():
        for execution in framework.executions:
            for one in framework.tricks:
                assert not (execution.idiomatic_of and execution.environment.keys() & one.environment.keys())
    assert load_framework("tensorflow").execution("graph").environment["TF_ENABLE_ONEDNN_OPTS"] == "1"
    assert load_framework("keras").execution("tensorflow").environment["TF_ENABLE_ONEDNN_OPTS"] == "1"


def test_a_trick_that_is_unknown_is_refused() -> None:
    with pytest.raises(UnknownName, match="unknown trick of made-up 'frist': did you mean 'first'"):
        FRAMEWORK.build(Plan(Network("none", (1, 1, 1), 2, ()), "fast", plain=("frist",)))


def test_an_idiomatic_slowed_contestant_is_slowed_once() -> None:
    slowed = load_framework("slowed").execution("jax.idiomatic-5")
    assert (slowed.level, slowed.any_size) == ("tuned", True)


def test_a_contestant_that_lacks_one_trick_or_that_others_wrote_is_of_neither_level() -> None:
    lacks = load_framework("without").at_level("jax.jit-pools", "idiomatic")
    published = load_framework("torchvision").at_level("eager", "idiomatic")
    assert (lacks.level, published.level) == ("", "published")


def test_a_trick_of_one_execution_is_of_no_other() -> None:
    trick = Trick("fast-calls", "calls of one kind, in place of another", executions=("fast",))
    assert [Execution(name, "tuned").uses(trick) for name in ("fast", "other")] == [True, False]
