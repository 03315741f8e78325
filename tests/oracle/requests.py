"""What the parity ring compares, and its requests to the children, which compute two at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from deadheat.contract.fixtures import differentiates, missing
from deadheat.contract.processes import Child, Children
from impls.architectures import architectures
from impls.frameworks import frameworks, load_framework
from oracle.jobs import Result, Slope, Truth
from oracle.networks import MIXED

REFERENCE = "pytorch:eager"

# Architectures of every paper that together have every kind of layer, both kinds of pool, groups, missing links,
# uneven borders and bins that overlap; and as few layers as can have all that.
CHOSEN = ("lenet5", "alexnet", "nin-tutorial", "zf5-spp30", "vgg16-tutorial", "lenet5-dense", "lenet-tutorial")
FEW = tuple(MIXED)

# What a network of a paper costs, in seconds of a core: 1 where it is interpreted, 6 with XLA, 45 with Inductor. So a
# compiler beside an execution that takes every architecture takes the few, in float32. With DEADHEAT_PARITY=all in the
# environment all contestants take all architectures in all their precisions: more than an hour.
INDUCTOR = tuple(
    f"pytorch:{name}" for name in ("compile", "compile-dynamic", "compile-graphs", "compile-frozen", "aot")
)
COMPILERS = (*INDUCTOR, "tensorflow:xla", "keras:jax")
# These take minutes for a network with a gradient, or for a package: the contract tests and every gate ask them.
SLOWEST = ("pytorch:compile-dynamic", "pytorch:aot")
# These go through the same functions as tensorflow:graph, called as they are or traced once for all sizes, or the same
# modules as pytorch:eager, in another order of memory: the chosen few have every function and module.
SAME_FUNCTIONS = ("tensorflow:eager", "tensorflow:graph-any-size", "pytorch:eager-nhwc")
# And these through those of an execution of one device, on which they are asked here; several devices are asked by
# tests/impls/frameworks/test_devices.py.
DIVIDING = ("pytorch:ddp", "tensorflow:mirrored", "jax:sharded")
EVERYTHING = os.environ.get("DEADHEAT_PARITY") == "all"
DIRECTIONS = 1


class Case(NamedTuple):
    """The first arguments of `oracle.jobs:compare`."""

    architecture: str
    contestant: str
    precision: str


def cases() -> Iterator[Case]:
    """By architecture, so that each is done with before the next is begun."""
    for architecture in (*architectures(), *MIXED):
        for framework in frameworks().values():
            for execution in framework.executions:
                for precision in execution.precisions:
                    if precision == "tf32":  # not of a CPU; on a card the contract tests ask what computes
                        continue
                    case = Case(architecture, f"{framework.name}:{execution.name}", precision)
                    if EVERYTHING or _is_affordable(case):
                        yield case


def _is_affordable(case: Case) -> bool:
    framework, _, execution = case.contestant.partition(":")
    is_idiomatic = load_framework(framework).execution(execution).level == "idiomatic"
    if is_idiomatic or case.contestant in COMPILERS:
        return case.precision == "float32" and case.architecture in FEW and case.contestant not in SLOWEST
    if case.architecture in MIXED:
        return case.precision == "float32"
    if case.contestant in SAME_FUNCTIONS and case.precision == "float32":
        return case.architecture in CHOSEN
    if case.contestant in DIVIDING:
        return case.architecture in FEW and case.precision in ("float32", "float64")
    if case.precision in ("bfloat16", "float16", "bfloat16-weights"):
        return case.architecture in ("lenet5", "nin-tutorial")
    return case.precision == "float32" or case.architecture in CHOSEN


def _is_quick(case: Case) -> bool:
    """Whether `tox -e test` has the case.

    It has every kind of layer in every execution but Inductor's, every architecture in one execution, and in every
    framework a network of each paper (SPP-net's layers are in FEW).
    """
    if case.contestant in INDUCTOR:
        return False
    if case.architecture in FEW or case.contestant == REFERENCE:
        return True
    if case.precision == "float32" and case.contestant not in SAME_FUNCTIONS:
        return case.architecture in ("lenet5", "alexnet", "nin-tutorial", "vgg16-tutorial")
    return case.architecture == "lenet5"


CASES = tuple(cases())
QUICK = frozenset(filter(_is_quick, CASES))
GRADIENT_CASES = tuple(case for case in CASES if differentiates(case.contestant, case.precision))


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
        return self.children.of(contestant, precision)

    def ask_for(self, items: Iterable[pytest.Item]) -> None:
        """Ask everything that these tests will want to know, at once."""
        selected = [item.callspec.params for item in items if hasattr(item, "callspec")]
        for params in selected:
            if isinstance(case := params.get("case"), Case) and not missing(case.contestant, case.precision):
                self.truth(case.architecture)
                self.result(case)
            elif (architecture := params.get("referenced")) and not missing(REFERENCE):
                self.slope(architecture)
