"""The experiment that tests a claim: the closest to the paper on data that is here, within a few hours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from repro import data
from repro.claims.claim import Claim, Kind, claims
from repro.claims.experiment import Experiment
from repro.data import Dataset, MissingData, Split, load_source
from repro.runner import effort
from repro.runner.choice import DatasetCache
from tests.repro.planted import EXPERIMENT


def dataset(name: str, classes: int = 10) -> Dataset:
    split = Split(np.zeros((400, 1, 28, 28), np.uint8), np.zeros(400, np.int32))
    return Dataset(name, tuple(map(str, range(classes))), split, split, "digest")


HERE = {"cifar10": dataset("cifar10"), "fashion-mnist": dataset("fashion-mnist")}
CLOSE = replace(EXPERIMENT, data="imagenet")
PART = replace(EXPERIMENT, data="cifar10")
CLAIM = Claim("LN-2", Kind.TRAINING, "here", "a", "b", "c", experiments=(CLOSE, PART, EXPERIMENT))


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, path: Path | None = None) -> Dataset:
        if name not in HERE:
            raise MissingData(f"{name} is not here")
        return HERE[name]

    monkeypatch.setattr(data, "load", load)
    monkeypatch.setattr(data, "available", lambda name, path=None: name in HERE)


def work(experiment: Experiment) -> float:
    return effort.of_experiment(experiment, HERE[experiment.data]).total


def test_the_closest_that_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    assert DatasetCache({}).choose(CLAIM, full=False) is PART
    assert DatasetCache({}).choose(CLAIM, full=True) is PART


def test_data_that_was_named_goes_first() -> None:
    assert DatasetCache({"fashion-mnist": Path("x")}).choose(CLAIM, full=False) is EXPERIMENT
    assert DatasetCache({"imagenet": Path("x")}).choose(CLAIM, full=False) == "imagenet is not here"


def test_a_quick_run_takes_the_cheap_one_unless_data_is_named() -> None:
    claim = replace(CLAIM, experiments=(CLOSE, PART, replace(EXPERIMENT, cheap=True)))
    assert DatasetCache({}).choose(claim, full=False, quick=True) is claim.experiments[-1]
    assert DatasetCache({"cifar10": Path("x")}).choose(claim, full=False, quick=True) is PART
    assert DatasetCache({}).choose(CLAIM, full=False, quick=True) is PART, "none of its experiments is cheap"


def test_what_takes_too_long_waits_for_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effort, "AFFORDABLE", work(EXPERIMENT) / 2)
    problem = DatasetCache({}).choose(CLAIM, full=False)
    assert isinstance(problem, str)
    assert problem.startswith("takes more than a few hours on cifar10 (6 trials of at most ")
    assert "run it with --full" in problem
    assert DatasetCache({}).choose(CLAIM, full=True) is PART


def test_a_shorter_one_on_the_same_data_is_taken_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    longer = replace(PART, arms=tuple(replace(arm, train=400) for arm in PART.arms))
    claim = replace(CLAIM, experiments=(longer, *CLAIM.experiments))
    assert DatasetCache({}).choose(claim, full=False) is longer
    monkeypatch.setattr(effort, "AFFORDABLE", work(PART))
    assert DatasetCache({}).choose(claim, full=False) is PART


def test_another_number_of_classes_is_said() -> None:
    claim = replace(CLAIM, experiments=(replace(PART, classes=1000),))
    assert DatasetCache({}).choose(claim, full=False) == "needs 1,000 classes, cifar10 has 10"


def test_experiments_are_listed_from_the_closest_to_the_cheapest() -> None:
    """What `choose` relies on: on the same data the later one takes less."""
    for claim in claims().values():
        for data_set in claim.data:
            efforts = [
                effort.of_experiment(one, effort.nominal(load_source(data_set))).total
                for one in claim.experiments
                if one.data == data_set
            ]
            assert efforts == sorted(efforts, reverse=True), claim.id


@pytest.mark.parametrize("data_set", ["mnist", "cifar10", "imagenette128", "fashion-mnist"])
def test_claims_have_an_affordable_experiment_on_the_data_that_this_project_names(data_set: str) -> None:
    there = effort.nominal(load_source(data_set))
    found = {
        claim.id
        for claim in claims().values()
        if any(one.data == data_set and effort.is_affordable(one, there) for one in claim.experiments)
    }
    wanted = {
        "mnist": {"LN-2", "LN-3", "LN-4", "LN-5", "LN-6"},
        "cifar10": {"AX-1", "AX-3", "NIN-2", "NIN-6", "NIN-7", "NIN-10"},
        "imagenette128": {
            *("AX-2", "AX-4", "AX-6", "AX-9"),
            *(f"VGG-{number}" for number in range(2, 8)),
            *(f"SPP-{number}" for number in range(5, 12)),
        },
        "fashion-mnist": {"AX-1", "SPP-11", "VGG-7"},
    }[data_set]
    assert found >= wanted
