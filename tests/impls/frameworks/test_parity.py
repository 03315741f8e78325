"""Every architecture in every framework computes the same: scores, loss, every gradient, three steps of training.

Right is what NumPy says in float64 (`oracle.forward`). It has no gradients, so those are compared with one reference
contestant's in float64, which are themselves held against the slopes of the oracle's loss along random directions.

Networks are small (`oracle.networks`) and run in child processes, one for each framework, environment and precision;
the requests of all tests that were selected are in flight from the session's start on, two at a time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from oracle.jobs import Result
from oracle.networks import MIXED, small
from oracle.requests import CASES, CHOSEN, FEW, GRADIENT_CASES, INDUCTOR, QUICK, REFERENCE, Case, Requests

from bench.gate.parity import LARGEST_TIE
from deadheat.contract.device import TESTED
from deadheat.contract.fixtures import differentiates, missing
from deadheat.contract.processes import answer
from impls.architectures import architectures
from impls.frameworks import is_card
from impls.layers import Layer, Pool
from tests.support.slow import slow_but


class Tolerance(NamedTuple):
    """Largest errors, each relative to what it is an error of."""

    scores: float
    loss: float
    gradients: float
    steps: float
    statistics: float


TOLERANCES = {
    "float32": Tolerance(1e-5, 1e-5, 1e-4, 1e-4, 1e-5),
    "bfloat16": Tolerance(5e-2, 5e-2, 5e-1, 5e-2, 5e-2),
    "float64": Tolerance(1e-9, 1e-9, 1e-9, 1e-9, 1e-9),
    "float16": Tolerance(1e-2, 1e-2, 1e-1, 1e-2, 1e-2),  # an eighth of bfloat16's, rounded up: three digits more
    "bfloat16-weights": Tolerance(5e-2, 5e-2, 5e-1, 5e-2, 5e-2),
}
if is_card(TESTED):
    # There libraries choose algorithms by their speed (Winograd, FFT, sums in parts); float64 shows that all is right.
    TOLERANCES["float32"] = Tolerance(1e-3, 1e-3, 1e-2, 1e-2, 1e-3)

BATCHES = (0, 1, 2)
"""Seeds of the images, in the order in which they are asked for."""


@pytest.mark.parametrize("case", slow_but(QUICK, CASES), ids="/".join)
def test_a_contestant_computes_what_the_oracle_says(case: Case, requests: Requests) -> None:
    """Its scores, its loss (of one that runs inference only, the loss of its scores) and its running statistics."""
    if reason := missing(case.contestant, case.precision):
        pytest.skip(reason)
    right, given = requests.truth(case.architecture).result(), answer(requests.result(case))
    allowed = TOLERANCES[case.precision]
    largest = float(np.abs(right.scores).max())
    right_loss = right.loss if differentiates(case.contestant, case.precision) else right.scores_loss
    errors = {
        "scores": _share(np.abs(given.scores - right.scores).max(), largest, allowed.scores),
        "loss": _share(abs(given.loss - right_loss), abs(right_loss), allowed.loss),
    }
    if given.losses:
        errors["first step's loss"] = _share(abs(given.losses[0] - right.loss), abs(right.loss), allowed.loss)
    if given.forward_loss is not None:
        errors["forward's loss"] = _share(abs(given.forward_loss - right.loss), abs(right.loss), allowed.loss)
    for phase, statistics in given.statistics.items():
        for name, array in (right.statistics if phase == "infer" else right.moved).items():
            error = np.abs(statistics[name] - array).max()
            errors[f"{name} after {phase}"] = _share(error, np.abs(array).max(), allowed.statistics)
    assert given.scores.shape == right.scores.shape
    assert given.changed_on_the_way == []
    assert _too_large(errors) == {}


@pytest.mark.parametrize("case", slow_but(QUICK, GRADIENT_CASES), ids="/".join)
def test_a_contestant_has_the_references_gradients(case: Case, requests: Requests) -> None:
    """As at the gate: if ties between two cells of a window, equal up to rounding, can explain the difference, other
    images are used. They do not have that tie, while an error in the network remains.
    """
    if reason := missing(case.contestant, case.precision) or missing(REFERENCE):
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


@pytest.mark.parametrize("referenced", [*architectures(), *MIXED])
def test_the_references_gradients_are_the_oracles_slopes(referenced: str, requests: Requests) -> None:
    """Central differences in float64 along directions in which every array has its say, kinks of ReLU included."""
    if reason := missing(REFERENCE):
        pytest.skip(reason)
    for slope in requests.slope(referenced).result():
        assert abs(slope.measured - slope.claimed) <= 1e-5 * slope.scale


@pytest.mark.parametrize("chosen", [CHOSEN, FEW], ids=["the chosen", "the few"])
def test_the_representative_networks_have_every_kind_of_layer(chosen: tuple[str, ...]) -> None:
    assert _kinds(chosen) == _kinds(architectures())


def test_the_quick_cases_have_every_architecture_and_the_few_of_every_execution_but_inductors() -> None:
    in_float32 = {(case.contestant, case.architecture) for case in QUICK if case.precision == "float32"}
    assert {architecture for _, architecture in in_float32} == {*architectures(), *MIXED}
    of_the_rest = {case.contestant for case in CASES} - {*INDUCTOR}
    assert {(contestant, few) for contestant in of_the_rest for few in FEW} <= in_float32


def _kinds(names: Any) -> set[tuple[Any, ...]]:
    return {_kind(row.layer, row.input) for name in names for row in small(name).rows}


def _kind(layer: Layer, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """What a translator may tell apart."""
    is_partial = bool(getattr(layer, "connection_table", None))
    details = (getattr(layer, "kind", None), getattr(layer, "groups", 1) > 1, is_partial)
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
