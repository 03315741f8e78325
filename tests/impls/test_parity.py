"""Every architecture in every framework computes the same: scores, loss, every gradient, three steps of training.

Right is what NumPy says in float64 (`oracle.forward`). It has no gradients, so those are compared with one reference
contestant's in float64, which are themselves held against the slopes of the oracle's loss along random directions.

Networks are small (`oracle.networks`) and run in child processes, one for each framework, environment and precision;
the requests of all tests that were selected are in flight from the first test on, two at a time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from oracle.children import Child, Children, answer
from oracle.jobs import Result, Slope, Truth
from oracle.networks import small

from bench.parity import LARGEST_TIE
from impls.architectures import architectures
from impls.frameworks import frameworks, load_framework
from impls.layers import Layer, Pool


class Tolerance(NamedTuple):
    """Largest errors, each relative to what it is an error of."""

    scores: float
    loss: float
    gradients: float
    steps: float
    statistics: float


TOLERANCES = {
    "float32": Tolerance(1e-5, 1e-5, 1e-4, 1e-4, 1e-5),
    "float64": Tolerance(1e-9, 1e-9, 1e-9, 1e-9, 1e-9),
}

REFERENCE = "pytorch:eager"

# Architectures of every paper that together have every kind of layer, both kinds of pool, groups, missing links,
# uneven borders and bins that overlap: `test_the_chosen_few_have_every_kind_of_layer` holds them to it.
PAPERS = ("lenet5", "alexnet", "nin-tutorial", "vgg16-tutorial", "zf5-spp30")
CHOSEN = (*PAPERS, "lenet5-dense", "lenet-tutorial")

# What a network costs, in seconds of a core: 1 where it is interpreted, 6 with XLA, 45 with Inductor. So a compiler
# beside an execution that takes every architecture takes the chosen few, in float32; Inductor one a paper. With
# DEADHEAT_PARITY=all in the environment all contestants take all architectures in all their precisions: about an hour.
COMPILERS = ("pytorch:compile", "tensorflow:xla", "keras:jax")
SLOWEST = "pytorch:compile"
EVERYTHING = os.environ.get("DEADHEAT_PARITY") == "all"
DIRECTIONS = 2
BATCHES = (0, 1, 2)
"""Seeds of the images, in the order in which they are asked for."""


class Case(NamedTuple):
    """The first arguments of `oracle.jobs:compare`."""

    architecture: str
    contestant: str
    precision: str


def cases() -> Iterator[Case]:
    """By architecture, so that each is done with before the next is begun."""
    for architecture in architectures():
        for framework in frameworks().values():
            for execution in framework.executions:
                for precision in execution.precisions:
                    case = Case(architecture, f"{framework.name}:{execution.name}", precision)
                    if EVERYTHING or _is_affordable(case):
                        yield case


def _is_affordable(case: Case) -> bool:
    if case.contestant in COMPILERS:
        few = PAPERS if case.contestant == SLOWEST else CHOSEN
        return case.precision == "float32" and case.architecture in few
    return case.precision == "float32" or case.architecture in CHOSEN


CASES = tuple(cases())


def missing(contestant: str) -> str | None:
    framework, _, execution = contestant.partition(":")
    found = load_framework(framework)
    return found.missing(found.execution(execution))


@dataclass
class Requests:
    """What was asked of the children, and the answers to come."""

    children: Children
    folder: Path

    def __post_init__(self) -> None:
        self.truths: dict[str, Future[Truth]] = {}
        self.references: dict[tuple[str, int], Future[Result]] = {}
        self.slopes: dict[str, Future[list[Slope]]] = {}
        self.results: dict[tuple[Case, int], Future[Result]] = {}

    def truth(self, architecture: str) -> Future[Truth]:
        if architecture not in self.truths:
            self.truths[architecture] = self.children.child("oracle").submit("oracle.jobs:truth", architecture)
        return self.truths[architecture]

    def reference(self, architecture: str, images: int = 0) -> Future[Result] | None:
        """The reference's numbers on the batch of that seed; None where it is not installed."""
        if missing(REFERENCE):
            return None
        key = architecture, images
        if key not in self.references:
            child = self._contestant(REFERENCE, "float64")
            arguments = (REFERENCE, architecture, images, self._gradients(architecture, images))
            self.references[key] = child.submit("oracle.jobs:reference", *arguments)
        return self.references[key]

    def _gradients(self, architecture: str, images: int) -> Path:
        """Where the reference leaves its gradients."""
        return self.folder / f"{architecture}-{images}"

    def slope(self, architecture: str) -> Future[list[Slope]]:
        if architecture not in self.slopes:
            arguments = (architecture, self._gradients(architecture, 0), DIRECTIONS, self.reference(architecture))
            self.slopes[architecture] = self.children.child("oracle").submit("oracle.jobs:slopes", *arguments)
        return self.slopes[architecture]

    def result(self, case: Case, images: int = 0) -> Future[Result]:
        key = case, images
        if key not in self.results:
            reference = self.reference(case.architecture, images)
            folder = self._gradients(case.architecture, images) if reference else None
            forward_too = case.contestant not in COMPILERS
            child = self._contestant(case.contestant, case.precision)
            self.results[key] = child.submit("oracle.jobs:compare", *case, images, forward_too, folder, reference)
        return self.results[key]

    def _contestant(self, contestant: str, precision: str) -> Child:
        framework, _, execution = contestant.partition(":")
        environment = load_framework(framework).execution(execution).environment
        return self.children.child(f"{framework}-{precision}", environment)


@pytest.fixture(scope="session")
def requests(request: pytest.FixtureRequest, children: Children, tmp_path_factory: pytest.TempPathFactory) -> Requests:
    """Everything that the selected tests will ask for, asked at once."""
    found = Requests(children, tmp_path_factory.mktemp("gradients"))
    selected = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    for params in selected:
        if isinstance(case := params.get("case"), Case) and not missing(case.contestant):
            found.truth(case.architecture)
            found.result(case)
        elif (architecture := params.get("referenced")) and not missing(REFERENCE):
            found.slope(architecture)
    return found


@pytest.mark.parametrize("case", CASES, ids="/".join)
def test_a_contestant_computes_what_the_oracle_says(case: Case, requests: Requests) -> None:
    if reason := missing(case.contestant):
        pytest.skip(reason)
    right, given = requests.truth(case.architecture).result(), answer(requests.result(case))
    allowed = TOLERANCES[case.precision]
    largest = float(np.abs(right.scores).max())
    errors = {
        "scores": _share(np.abs(given.scores - right.scores).max(), largest, allowed.scores),
        "loss": _share(abs(given.loss - right.loss), abs(right.loss), allowed.loss),
        "first step's loss": _share(abs(given.losses[0] - right.loss), abs(right.loss), allowed.loss),
    }
    if given.forward_loss is not None:
        errors["forward's loss"] = _share(abs(given.forward_loss - right.loss), abs(right.loss), allowed.loss)
    for phase, statistics in given.statistics.items():
        for name, array in (right.statistics if phase == "infer" else right.moved).items():
            error = np.abs(statistics[name] - array).max()
            errors[f"{name} after {phase}"] = _share(error, np.abs(array).max(), allowed.statistics)
    assert given.scores.shape == right.scores.shape
    assert given.changed_on_the_way == []
    assert _too_large(errors) == {}


@pytest.mark.parametrize("case", CASES, ids="/".join)
def test_a_contestant_has_the_references_gradients(case: Case, requests: Requests) -> None:
    """As at the gate: who differs by no more than two cells of a window that are equal but for rounding explain, is
    asked about other images. There that tie is gone; an error in the network is not.
    """
    for contestant in (case.contestant, REFERENCE):
        if reason := missing(contestant):
            pytest.skip(reason)
    for images in BATCHES:
        given = answer(requests.result(case, images))
        assert sorted(given.gradient_names) == sorted(small(case.architecture).arrays)
        assert sorted(given.gradient_errors) == sorted(given.gradient_names)
        errors = _gradient_errors(case, given, requests.reference(case.architecture, images).result())
        if case.precision == "float64" or not _a_tie_may_explain(errors):
            break
    assert _too_large(errors) == {}


def _gradient_errors(case: Case, given: Result, right: Result) -> dict[str, tuple[float, float]]:
    allowed = TOLERANCES[case.precision]
    errors = {name: _share(error, 1, allowed.gradients) for name, error in given.gradient_errors.items()}
    for step, (loss, expected) in enumerate(zip(given.losses, right.losses), 1):
        errors[f"loss of step {step}"] = _share(abs(loss - expected), abs(expected), allowed.steps)
    return errors


def _a_tie_may_explain(errors: dict[str, tuple[float, float]]) -> bool:
    return bool(_too_large(errors)) and all(error <= LARGEST_TIE for error, _ in errors.values())


@pytest.mark.parametrize("referenced", architectures())
def test_the_references_gradients_are_the_oracles_slopes(referenced: str, requests: Requests) -> None:
    """Central differences in float64 along directions in which every array has its say, kinks of ReLU included."""
    if reason := missing(REFERENCE):
        pytest.skip(reason)
    for slope in requests.slope(referenced).result():
        assert abs(slope.measured - slope.claimed) <= 1e-5 * slope.scale


def test_the_chosen_few_have_every_kind_of_layer() -> None:
    chosen, every = (_kinds(names) for names in (CHOSEN, architectures()))
    assert chosen == every


def _kinds(names: Any) -> set[tuple[Any, ...]]:
    return {_kind(row.layer, row.input) for name in names for row in small(name).rows}


def _kind(layer: Layer, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """What a translator may tell apart."""
    details = (getattr(layer, "kind", None), getattr(layer, "groups", 1) > 1, bool(getattr(layer, "links", None)))
    uneven = isinstance(layer, Pool) and any(before != after for before, after in layer.pads(shape))
    return type(layer), *details, uneven, getattr(layer, "rule", None)


def _share(error: float, of: float, allowed: float) -> tuple[float, float]:
    """(the relative error, the largest allowed)."""
    return float(error) / max(float(of), np.finfo(float).tiny), allowed


def _too_large(errors: dict[str, tuple[float, float]]) -> dict[str, str]:
    """What is wrong, by name; an error that is not a number is wrong."""
    return {
        name: f"{error:.1e}, allowed {allowed:.0e}" for name, (error, allowed) in errors.items() if not error <= allowed
    }
