"""Trials in the real frameworks: alike, repeatable, and the same when they were stopped in the middle."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from deadheat.contract.processes import MODEST
from impls.frameworks import frameworks
from repro.runner import agreement
from repro.training.visuals import MISTAKES
from results.schema import trial
from results.schema.trial import Outcome, Trial
from results.store import pictures
from tests.repro.in_one_process import EVERYTHING
from tests.support.started import ROOT

NAMES = [name for name, one in frameworks().items() if one.supports_checkpointing]
Kept = Callable[[str], Path]


@pytest.fixture(scope="module")
def kept(fashion: Path, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """The folder in which a framework's trials are kept, trained when it is first asked for."""

    @cache
    def of(name: str) -> Path:
        if reason := frameworks()[name].missing():
            pytest.skip(reason)
        folder = tmp_path_factory.mktemp(name)
        command = [sys.executable, "-m", "tests.repro.in_one_process", name, str(fashion), str(folder)]
        environment = {**os.environ, **MODEST, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        return folder

    return of


def read(folder: Path, called: str) -> Trial:
    return trial.from_json((folder / f"{called}.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_repeatable_and_resumable(name: str, kept: Kept) -> None:
    """A trial, and the same one taken up after half of it."""
    whole, resumed = read(kept(name), "whole"), read(kept(name), "resumed")
    assert whole.outcome is Outcome.FINISHED, whole.reason
    assert (whole.resumed, resumed.resumed) == (0, 1)
    assert (resumed.points, resumed.errors) == (whole.points, whole.errors)
    assert [point.images for point in whole.points] == [40, 80, 120, 160]
    assert set(whole.errors) == set(EVERYTHING.views)


@pytest.mark.slow
def test_frameworks_agree(kept: Kept) -> None:
    """The loss curves from the same start lie on each other: what `tox -e reproduce` shows first."""
    trials = {name: read(kept(name), "short") for name in NAMES}
    found = agreement.judge(trials)
    assert found is not None
    assert found.together == 10
    first, *others = trials.values()
    for other in others:
        assert other.losses == pytest.approx(first.losses, rel=1e-4)
        assert [point.test_error for point in other.points] == [point.test_error for point in first.points]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_views_and_pictures(name: str, kept: Kept) -> None:
    averaged, dense = read(kept(name), "averaged"), read(kept(name), "dense")
    assert averaged.outcome is dense.outcome is Outcome.FINISHED
    assert 0 < averaged.errors["strongest"] <= 1
    figures_path = pictures.read(kept(name) / "averaged-pictures.npz")
    assert figures_path is not None
    assert len(figures_path.classes) == 10
    assert figures_path.filters.shape == (32, 1, 5, 5)
    assert figures_path.maps.shape == (10, 10, 7, 7)
    assert figures_path.shown.shape == (10, 1, 28, 28)
    assert len(figures_path.mistakes) == min(MISTAKES, figures_path.wrong)
    assert (figures_path.truth != figures_path.taken).all()


def test_agreement_ends_where_losses_part() -> None:
    def with_losses(*losses: float) -> Trial:
        return Trial(
            "id",
            network="lenet5-dense",
            data="",
            framework="",
            execution="",
            device="cpu",
            seed=0,
            outcome=Outcome.FINISHED,
            losses=losses,
        )

    apart = {"a": with_losses(2.0, 1.0, 0.5, 0.4), "b": with_losses(2.0, 1.0005, 0.51, 0.4)}
    found = agreement.judge(apart)
    assert found is not None
    assert (found.together, found.steps) == (2, agreement.STEPS)
    assert agreement.judge({"a": with_losses(1.0), "b": None}) is None
    crashed = agreement.judge({**apart, "c": with_losses()})
    assert crashed is not None
    assert set(crashed.trials) == {"a", "b"}  # a trial without losses agrees with none
