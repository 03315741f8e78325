"""Trials that an engine brings to nodes: the same as those of this process, seed by seed."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fleet import unit as units
from fleet.part import Ended
from fleet.part import Outcome as Whole
from repro import cli
from repro.runner import campaign, remote, remote_trial
from repro.runner.campaign import Options, ReproductionRunner
from repro.runner.remote import Where
from repro.runner.workers import Task
from repro.training.job import Job
from results.schema.findings import ClaimResult
from results.schema.trial import Outcome, Trial, to_json
from results.store import reproductions
from tests.repro.planted import EXPERIMENT
from tests.repro.runner.test_campaign import AT, claim

LOCAL = Where("local", {"slots": "2"})


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Units run where an installed package would be found: here that is the repository and its tests."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def trained(
    data: Path, fashion: Path, where: Where | None, resume: str | None = None
) -> tuple[ClaimResult, dict[str, Trial]]:
    options = Options(AT, seeds=1, paths={"fashion-mnist": fashion}, quiet=True, where=where)
    with ReproductionRunner(campaign.begin(data, "the command", "made-up", resume), options) as one:
        (result,) = one.test([claim()])
        return result, dict(one.trials)


def outcome(trial: Trial) -> Trial:
    """What does not depend on when and where it was trained."""
    points = tuple(replace(point) for point in trial.points)
    return replace(trial, points=points, seconds=0.0, evaluation_seconds=None)


@pytest.mark.slow
@pytest.mark.usefixtures("fresh_interpreters")
def test_an_engine_gives_the_same_trials_and_verdict(tmp_path: Path, fashion: Path) -> None:
    here, own = trained(tmp_path / "here", fashion, None)
    there, theirs = trained(tmp_path / "there", fashion, LOCAL)
    assert {id: outcome(trial) for id, trial in theirs.items()} == {id: outcome(trial) for id, trial in own.items()}
    assert len(theirs) == 2
    assert (there.verdict, there.contrasts) == (here.verdict, here.contrasts)
    kept = reproductions.read(tmp_path / "there" / "made-up")
    assert not kept.problems
    assert [one.outcome for one in kept.system.attempts] == ["accepted"] * 2
    assert set(kept.system.nodes) == {one.node for one in kept.system.attempts}
    assert not list((tmp_path / "there" / "made-up" / "checkpoints").iterdir())
    before = (tmp_path / "there" / "made-up" / "trials.jsonl").read_bytes()
    trained(tmp_path / "there", fashion, LOCAL, "made-up")
    assert (tmp_path / "there" / "made-up" / "trials.jsonl").read_bytes() == before, "nothing is trained again"


def unit(tmp_path: Path, fashion: Path, trial: str, job: Job) -> units.Unit:
    task = Task(trial, job, fashion, tmp_path / "a.npz", tmp_path / "b.npz")
    return remote.unit_of(task, "campaign", None)


def job() -> Job:
    return Job(EXPERIMENT.arms[0], EXPERIMENT.data, 1, AT.framework, AT.execution)


def test_a_node_with_other_data_is_told(tmp_path: Path, fashion: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = units.write(unit(tmp_path, fashion, "0123456789abcdef", job()), tmp_path)
    (tmp_path / "part").mkdir()
    assert remote_trial.main([str(file), str(tmp_path / "part")]) == 2
    said = capsys.readouterr().err
    assert "is not the data that the campaign is trained on" in said
    assert said.count("\n") == 1


def test_nodes_of_earlier_trials_stay(tmp_path: Path) -> None:
    """A reproduction trains in several batches, such as learning rates and then trials, each with a sink of its own."""
    folder = campaign.begin(tmp_path, "the command", "made-up")
    task = Task("0123456789abcdef", job(), tmp_path, tmp_path / "a.npz", tmp_path / "b.npz")
    part = tmp_path / "attempt" / "part"
    part.mkdir(parents=True)
    trial = Trial(task.id, "net", "data", "numpy", "numpy", "cpu", 1, Outcome.FINISHED)
    (part / remote.TRIAL).write_text(to_json(trial))
    for node in ("n1", "n2"):
        one = remote.unit_of(task, node, None)
        ended = Ended(one.id, 1, node, Whole.WHOLE, facts={"type": "t"})
        remote._Sink(folder, {one.id: task}, lambda trial: None).accept(one, ended, part)
    assert set(reproductions.read(folder.folder).system.nodes) == {"n1", "n2"}
    folder.close()


@pytest.mark.slow
def test_a_trial_that_fails_is_attempted_again_and_then_kept(tmp_path: Path, fashion: Path) -> None:
    failing = replace(job(), execution="missing")
    folder = campaign.begin(tmp_path, "the command", "made-up")
    kept: list[Trial] = []
    task = Task("0123456789abcdef", failing, tmp_path / "nowhere", tmp_path / "a.npz", tmp_path / "b.npz")
    remote.run([task], Where("local"), folder, kept.append, lambda: True, quiet=True)
    (one,) = kept
    assert (one.id, one.outcome) == (task.id, Outcome.CRASHED)
    assert one.reason.startswith("3 attempts; the last, on ")
    facts = json.loads((folder.folder / "system.json").read_text())["attempts"]
    assert [one["outcome"] for one in facts] == ["failed"] * 3
    folder.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--engine", "nope"], "unknown engine 'nope'"),
        (["--address", "1.2.3.4:5"], "give --engine, too"),
    ],
    ids=["unknown", "no engine"],
)
def test_wrong_options_are_told_in_one_line(tmp_path: Path, options: list[str], said: str) -> None:
    shown = CliRunner().invoke(cli.app, ["run", "--claims", "AX-11", "--results", str(tmp_path), *options])
    assert shown.exit_code == 2
    assert said in shown.output
    assert not list(tmp_path.iterdir())
