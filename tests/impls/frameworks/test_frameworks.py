"""Of this project's own architectures and frameworks, beside what deadheat.contract asks of all."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from bench.contestants.handwritten import network_by_hand
from deadheat.contract.processes import ChildFailed, Children
from impls.architectures import architectures, load_architecture
from impls.errors import UnknownName, Unsupported
from impls.frameworks import Execution, Framework, Plan, frameworks, load_framework
from impls.network import Architecture

HEAVY = ("torch", "tensorflow", "jax", "keras", "numpy")


@pytest.mark.parametrize("architecture", architectures().values(), ids=architectures())
def test_an_architecture_cites_its_source(architecture: Architecture) -> None:
    """A year, or the one source that has none."""
    assert any(word.strip("()").isdigit() for word in architecture.source.replace(",", " ").split()) or any(
        known in architecture.source for known in ("tutorial notebook", "Caffe model zoo")
    )


def test_describing_imports_nothing_heavy() -> None:
    script = (
        "import sys, impls, impls.architectures, impls.frameworks as f;"
        "[(found.missing(one), found.versions()) for found in f.frameworks().values() for one in found.executions];"
        "[a.at().macs for a in impls.architectures().values()];"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_executions_own_packages_count() -> None:
    execution = Execution("special", "needs a package that does not exist", requires=("no_such_package",))
    framework = Framework("made-up", "Made up", "nowhere:Model", (execution,), requires=("numpy",))
    assert framework.missing() is None
    assert framework.missing(execution) == "no_such_package not installed; pip install no_such_package"


def test_an_unknown_framework_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown framework 'pytorchh': did you mean 'pytorch'"):
        load_framework("pytorchh")


def test_networks_by_hand_are_refused_on_a_card() -> None:
    """They would compute on the CPU, whatever the plan says."""
    on_cpu = Plan(load_architecture("lenet5").at(), "eager")
    assert network_by_hand(on_cpu, {"lenet5": "code"}) == ("code", 0.0)
    with pytest.raises(Unsupported, match="placed on the CPU only, not on cuda"):
        network_by_hand(replace(on_cpu, device="cuda"), {"lenet5": "code"})


@pytest.mark.parametrize("name", frameworks())
def test_a_child_that_fails_says_why(name: str, children: Children) -> None:
    """The tests' own machinery: an error in a child is an error here, with its words, and the child lives on."""
    found = load_framework(name)
    if reason := found.missing():
        pytest.skip(reason)
    contestant = f"{name}:{found.executions[0].name}"
    child = children.of(contestant, "float32")
    assert "does not support bfloat17" in child.submit("oracle.jobs:refusal", contestant, "bfloat17").result()
    with pytest.raises(ChildFailed, match="no attribute 'no_such_job'"):
        child.submit("oracle.jobs:no_such_job").result()


def test_a_child_that_dies_fails_the_request_and_the_next_one_starts_another(children: Children) -> None:
    child = children.child("dies")
    first = child.submit("os:getpid").result()
    assert child.submit("os:getpid").result() == first
    with pytest.raises(ChildFailed, match=r"os:_exit\[3\]: ") as failure:
        child.submit("os:_exit", 3).result()
    assert failure.value.kind == "Died"
    assert child.submit("os:getpid").result() != first
