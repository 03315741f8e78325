"""A reproduction from claims to findings, in processes of its own, with everything that can go wrong on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from repro.claims import sequential
from repro.claims.claim import Claim, Kind, load_claim
from repro.claims.experiment import Arm, Experiment, Region
from repro.recipe.recipe import Recipe, Stage
from repro.runner import campaign, workers
from repro.runner.campaign import Options, ReproductionRunner
from repro.runner.plan import Target
from repro.runner.workers import Task
from results.schema.findings import ClaimResult, Trained, Verdict
from results.schema.trial import Outcome, Trial
from results.store import reproductions
from results.store.journal import ResultsError
from tests.repro.planted import ARCHITECTURE, EXPERIMENT, LONG
from tests.support.started import PATIENCE, hear_interrupts, poll

AT = Target("oracle.regression", "numpy")


def claim(experiment: Experiment = EXPERIMENT) -> Claim:
    return Claim(
        id="LN-2",
        kind=Kind.TRAINING,
        place="section 0",
        statement="longer is better",
        number="-1 %",
        method="two regressions",
        experiments=(experiment,),
    )


@contextmanager
def going(data: Path, fashion: Path, resume: str | None = None, **options: object) -> Iterator[ReproductionRunner]:
    chosen = replace(Options(AT, seeds=2, paths={"fashion-mnist": fashion}), **options)
    with ReproductionRunner(campaign.begin(data, "the command", "made-up", resume), chosen) as one:
        yield one


@pytest.mark.usefixtures("fresh_interpreters")
def test_from_claims_to_findings(tmp_path: Path, fashion: Path) -> None:
    with going(tmp_path, fashion) as one:
        training, arithmetic = one.test([claim(), load_claim("AX-11")])
    (contrast,) = training.contrasts
    assert (contrast.pairs, contrast.claimed) == (2, (None, 0.0))
    assert contrast.low < contrast.value < contrast.high
    assert contrast.value < 0, "more passes of the same kind have a smaller error in both seeds"
    assert training.verdict is contrast.verdict is (Verdict.SUPPORTED if contrast.high < 0 else Verdict.INCONCLUSIVE)
    assert training.seeds == 2
    assert training.scale.startswith("200 of 400 images of fashion-mnist, input 1x28x28, 7,850 parameters, passes")
    assert "paper -1 %" in training.evidence
    assert arithmetic.verdict is Verdict.CONTRADICTED
    kept = reproductions.read(tmp_path / "made-up")
    assert kept.findings.claims == (arithmetic, training)  # as the papers have them
    assert {id for ids in training.arms.values() for id in ids} == set(kept.trials)
    assert len(kept.trials) == 4
    assert all(trial.outcome is Outcome.FINISHED for trial in kept.trials.values())
    assert not list((tmp_path / "made-up" / "checkpoints").iterdir())
    assert kept.system.command == "the command"
    assert not kept.problems


def test_what_is_there_is_not_trained_again(tmp_path: Path, fashion: Path) -> None:
    with going(tmp_path, fashion, seeds=1) as one:
        one.test([claim()])
    before = (tmp_path / "made-up" / "trials.jsonl").read_bytes()
    with going(tmp_path, fashion, resume="made-up", seeds=2) as one:
        found = one.test([claim()])
    after = (tmp_path / "made-up" / "trials.jsonl").read_bytes()
    assert after.startswith(before)
    assert after.count(b"\n") == 2 * before.count(b"\n") == 4
    assert found[0].seeds == 2


def test_findings_of_other_claims_stay(tmp_path: Path, fashion: Path) -> None:
    for name, resume in (("LN-1", None), ("AX-11", "made-up")):
        with going(tmp_path, fashion, resume=resume) as one:
            one.test([load_claim(name)])
    assert [one.id for one in reproductions.read(tmp_path / "made-up").findings.claims] == ["AX-11", "LN-1"]


def test_learning_rates_are_tuned_on_a_seed_of_their_own(tmp_path: Path, fashion: Path) -> None:
    from repro.claims.metrics import TEST_ERROR

    tuned = replace(EXPERIMENT, learning_rates=(1e-5, 0.05, 1e7), tuned_on=TEST_ERROR)
    with going(tmp_path, fashion) as one:
        one.test([claim(tuned)])
        trials = one.trials.values()
    rates = {trial.points[0].learning_rate for trial in trials if trial.seed > 0 and trial.points}
    assert rates == {0.05}
    assert {trial.outcome for trial in trials if trial.seed == 0} == {Outcome.FINISHED, Outcome.DIVERGED}
    assert sum(trial.seed == 0 for trial in trials) == 6


def test_a_killed_trial_costs_itself_only(
    tmp_path: Path, fashion: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEADHEAT_TEST_KILLS_AT", "25")  # the long arm takes 40 steps, the short one 10
    with going(tmp_path, fashion) as one:
        (found,) = one.test([claim()])
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "2 trials of 'long' crashed: killed by SIGKILL" in found.evidence
    trials = reproductions.read(tmp_path / "made-up").trials.values()
    assert sorted(trial.outcome for trial in trials) == ["crashed", "crashed", "finished", "finished"]
    assert "killed by SIGKILL" in capfd.readouterr().err
    monkeypatch.delenv("DEADHEAT_TEST_KILLS_AT")
    with going(tmp_path, fashion, resume="made-up") as one:
        (again,) = one.test([claim()])
    assert again.seeds == 2
    resumed = [trial for trial in one.trials.values() if trial.resumed]
    assert len(resumed) == 2  # from the passes that the killed ones had done


def test_the_log_of_a_trial_that_failed_is_kept_and_named(
    tmp_path: Path, fashion: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def run(tasks: Sequence[Task], *_: object) -> Iterator[Trial]:
        for task in tasks:
            task.log.write_text(f"planted in {task.id}")
            yield workers.failed_trial(task.job, task.id, Outcome.FAILED, "RuntimeError: planted")

    monkeypatch.setattr(workers, "run", run)
    with going(tmp_path, fashion) as one:
        one.test([claim()])
    trials = reproductions.read(tmp_path / "made-up").trials.values()
    assert len(trials) == 4
    said = capfd.readouterr().err
    for trial in trials:
        assert (tmp_path / "made-up" / trial.log).read_text() == f"planted in {trial.id}"
        assert trial.log in said


SCRIPT = """
from pathlib import Path
from tests.repro.runner.test_campaign import LENGTHY, claim, going

if __name__ == "__main__":
    with going(Path({data!r}), Path({fashion!r})) as one:
        one.test([claim(LENGTHY)])
"""


def begun(tmp_path: Path, fashion: Path) -> subprocess.Popen[bytes]:
    """A reproduction in a process of its own, which has trained a pass."""
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (root, root / "tests")))}
    (tmp_path / "main.py").write_text(SCRIPT.format(data=str(tmp_path), fashion=str(fashion)))
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "main.py")],
        env=environment,
        start_new_session=True,
        preexec_fn=hear_interrupts,
    )
    checkpoints = tmp_path / "made-up" / "checkpoints"
    poll(lambda: list(checkpoints.glob("[!.]*.npz")), PATIENCE, lambda: process.poll() is None)
    return process


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=lambda sent: sent.name)
def test_interrupted(tmp_path: Path, fashion: Path, sent: signal.Signals) -> None:
    """Ctrl-C, `timeout`: all processes of the group get it; what is there is judged and kept, no trial is lost."""
    process = begun(tmp_path, fashion)
    os.killpg(process.pid, sent)
    assert process.wait(PATIENCE) == 0
    kept = reproductions.read(tmp_path / "made-up")
    assert [one.verdict for one in kept.findings.claims] == [Verdict.INCONCLUSIVE]
    assert list((tmp_path / "made-up" / "checkpoints").glob("[!.]*.npz"))
    assert not [one for one in kept.trials.values() if one.outcome is Outcome.CRASHED]


@pytest.mark.slow
@pytest.mark.usefixtures("fresh_interpreters")
def test_killed_half_way_and_resumed(tmp_path: Path, fashion: Path) -> None:
    """The whole program killed, no process left, and the same numbers in the end as without."""
    process = begun(tmp_path, fashion)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(children, PATIENCE)
    assert not alive
    with going(tmp_path, fashion, resume="made-up") as one:
        (resumed,) = one.test([claim(LENGTHY)])
    assert any(trial.resumed for trial in one.trials.values())
    with going(tmp_path / "whole", fashion) as other:
        (whole,) = other.test([claim(LENGTHY)])
    assert numbers(resumed) == numbers(whole)
    for id, trial in other.trials.items():
        assert (one.trials[id].points, one.trials[id].errors) == (trial.points, trial.errors)


LENGTHY = Experiment(
    "fashion-mnist",
    (
        Arm("long", ARCHITECTURE, Recipe((Stage(30, 0.05),), batch=2, measured=200), train=200),
        replace(LONG, name="short"),
    ),
    EXPERIMENT.contrasts,
)


def numbers(result: ClaimResult) -> list[object]:
    return [(one.value, one.low, one.high, one.verdict) for one in result.contrasts]


def test_out_of_time_is_inconclusive(tmp_path: Path, fashion: Path) -> None:
    with going(tmp_path, fashion, seconds=1e-9) as one:
        (found,) = one.test([claim()])
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "nothing trained yet" in found.scale
    assert not one.trials


@pytest.mark.parametrize("broken", ["missing", "cut"])
def test_bad_data_costs_its_claims_only(tmp_path: Path, fashion: Path, broken: str) -> None:
    folder = tmp_path / "data"
    if broken == "cut":
        folder.mkdir()
        for file in fashion.iterdir():
            (folder / file.name).write_bytes(file.read_bytes()[: 1000 if "images" in file.name else None])
    with going(tmp_path, folder) as one:
        training, arithmetic = one.test([claim(), load_claim("AX-11")])
    assert training.verdict is Verdict.NOT_TESTABLE
    assert "\n" not in training.evidence
    assert str(folder) in training.evidence or "images-idx3-ubyte" in training.evidence
    assert arithmetic.verdict is Verdict.CONTRADICTED


def test_resuming_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="no reproduction 'nothing'"):
        campaign.begin(tmp_path, "", resume="nothing")


def test_a_damaged_line_is_named_and_left(tmp_path: Path, fashion: Path) -> None:
    with going(tmp_path, fashion, seeds=1) as one:
        one.test([claim()])
    lines = tmp_path / "made-up" / "trials.jsonl"
    lines.write_text(lines.read_text() + '{"id": "cut o')
    with going(tmp_path, fashion, resume="made-up") as one:
        (found,) = one.test([claim()])
    assert found.seeds == 2
    kept = reproductions.read(tmp_path / "made-up")
    assert len(kept.problems) == 1
    assert "line 3" in kept.problems[0]


def test_what_another_framework_trained_stays() -> None:
    first = Trained("lenet5", "all", 0.89, {"jax": "a", "pytorch": "b"}, "train")
    again = Trained("lenet5", "all", 0.89, {"jax": "c"}, "train")
    other = Trained("nin-mnist", "all", 0.91, {"jax": "d"}, "train")
    assert campaign.merged([first], [again, other]) == (replace(again, trials={"jax": "c", "pytorch": "b"}), other)


def test_seeds_are_added_until_a_claim_is_decided(
    tmp_path: Path, fashion: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One claim is decided by its first seeds, and another one, which can't be, has all that the looks allow."""
    monkeypatch.setattr(sequential, "LOOKS", (2, 3, 4))
    monkeypatch.setattr(campaign, "LOOKS", (2, 3, 4))
    says = EXPERIMENT.contrasts[0]
    clear = replace(EXPERIMENT, contrasts=(replace(says, claimed=Region(-1e6, 1e6)),))
    never = replace(EXPERIMENT, contrasts=(replace(says, claimed=Region(-100.0, -0.0), first="long", second="long"),))
    with going(tmp_path, fashion, until_decided=True) as one:
        decided, undecided = one.test([claim(clear), replace(claim(never), id="LN-3")])
    assert (decided.verdict, decided.looks, decided.seeds) == (Verdict.SUPPORTED, (2,), 2)
    assert (undecided.verdict, undecided.looks, undecided.seeds) == (Verdict.INCONCLUSIVE, (2, 3, 4), 4)
    assert "--until-decided" in decided.command
    assert {trial.seed for trial in one.trials.values()} == {1, 2, 3, 4}


def test_no_seeds_are_added_for_a_trial_that_is_missing(
    tmp_path: Path, fashion: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequential, "LOOKS", (2, 3))
    monkeypatch.setattr(campaign, "LOOKS", (2, 3))
    broken = replace(
        EXPERIMENT, arms=(replace(LONG, recipe=replace(LONG.recipe, stages=(Stage(1, 1e6),))), EXPERIMENT.arms[1])
    )
    with going(tmp_path, fashion, until_decided=True) as one:
        (found,) = one.test([claim(broken)])
    assert "diverged" in found.evidence
    assert {trial.seed for trial in one.trials.values()} == {1, 2}


def test_the_data_that_claims_are_tested_on_are_named(
    tmp_path: Path, fashion: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with going(tmp_path, fashion, seeds=1) as one:
        one.test([claim(), load_claim("AX-11")])
    assert "on fashion-mnist: LN-2" in capfd.readouterr().err


def test_seeds_are_added_where_an_earlier_run_was_cut(
    tmp_path: Path, fashion: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a resumed run that doesn't ask for it judges by looks all the same."""
    monkeypatch.setattr(sequential, "LOOKS", (2, 3, 4))
    monkeypatch.setattr(campaign, "LOOKS", (2, 3, 4))
    says = replace(EXPERIMENT.contrasts[0], claimed=Region(-100.0, -0.0), first="long", second="long")
    never = claim(replace(EXPERIMENT, contrasts=(says,)))
    with going(tmp_path, fashion, seeds=3) as one:
        one.test([never])
    with going(tmp_path, fashion, resume="made-up", until_decided=True) as one:
        (found,) = one.test([never])
    assert (found.verdict, found.looks) == (Verdict.INCONCLUSIVE, (2, 3, 4))
    with going(tmp_path, fashion, resume="made-up", seeds=2) as one:
        (again,) = one.test([never])
    assert again.looks == (2, 3, 4)
