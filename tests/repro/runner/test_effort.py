"""What experiments cost: the arithmetic, the speed on record, and the forecast of a claim."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from repro.claims.claim import Claim, Kind
from repro.claims.judge import MAX_SEEDS
from repro.data import Dataset, load_source, sources
from repro.runner import campaign, effort, forecast
from repro.runner.campaign import Options, ReproductionRunner
from repro.runner.effort import Speeds, nominal, of_experiment, of_job
from repro.runner.plan import Target
from repro.terminal import forecasts
from results.schema.trial import Outcome, Trial
from tests.repro.planted import EXPERIMENT, LONG, SHORT, trial

AT = Target("oracle.regression", "numpy")
CLAIM = Claim("LN-2", Kind.TRAINING, "here", "a", "b", "c", experiments=(EXPERIMENT,))


def test_a_trial_takes_three_times_the_forward_pass_of_its_images(images: Dataset) -> None:
    job = AT.job(LONG, "fashion-mnist", 1)
    assert of_job(job, images) == 3 * 7_840 * 200 * 4
    found = of_experiment(EXPERIMENT, images, seeds=2)
    assert (found.trials, found.largest) == (4, of_job(job, images))
    assert found.total == 2 * (of_job(job, images) + of_job(AT.job(SHORT, "fashion-mnist", 1), images))


def test_learning_rates_count(images: Dataset) -> None:
    tuned = replace(EXPERIMENT, learning_rates=(0.1, 0.2, 0.3))
    assert of_experiment(tuned, images, seeds=1).trials == 2 * 3 + 2


@pytest.mark.parametrize("name", sources())
def test_every_data_set_has_a_stand_in(name: str) -> None:
    like = nominal(load_source(name))
    assert like.shape[0] == load_source(name).channels
    assert len(like.train.labels) == load_source(name).nominal.images
    assert len(like.classes) > 1


def timed(seconds: float, macs: str = "1,000", **other: object) -> Trial:
    made = trial(1, {"": 0.1}, ((1.0, 0.1, 0.1),))
    return replace(made, framework="jax", seconds=seconds, settings={"MACs": macs}, **other)


def test_speed_is_the_median_of_whole_trials_of_the_framework() -> None:
    whole = [timed(1.0), timed(2.0), timed(3.0)]
    assert Speeds(whole, "jax").of(1_000) == 3 * 1_000 * 1_000 / 2.0
    others = [timed(0.1, resumed=1), timed(0.1, outcome=Outcome.DIVERGED), timed(0.1, device="cuda")]
    assert Speeds([*whole, *others], "jax").of(1_000) == Speeds(whole, "jax").of(1_000)
    assert not Speeds(whole, "pytorch")
    assert not Speeds([], "jax")


def test_speed_is_that_of_the_networks_most_like_it() -> None:
    small, large = [timed(1.0) for _ in range(5)], [timed(1.0, "1,000,000") for _ in range(5)]
    speeds = Speeds([*small, *large], "jax")
    assert speeds.of(900_000) == 1_000 * speeds.of(2_000)


def test_hours_of_more_seeds_do_not_count_learning_rates_again(images: Dataset) -> None:
    tuned = replace(EXPERIMENT, learning_rates=(0.1, 0.2))
    speeds = Speeds([timed(1.0)], "jax")
    three, six = (effort.hours(tuned, images, speeds, seeds) for seeds in (3, 6))
    plain = effort.hours(EXPERIMENT, images, speeds, 3)
    assert six - three == pytest.approx(plain)
    assert effort.hours(tuned, images, Speeds([], "jax"), 3) is None


@pytest.mark.parametrize(("count", "text"), [(2.5e15, "2.5 P"), (44e12, "44 T"), (1.5e9, "1.5 G"), (2e6, "2 M")])
def test_amounts_have_prefixes(count: float, text: str) -> None:
    assert effort.macs(count) == text


def test_a_forecast_without_a_trial_knows_the_work_only(tmp_path: Path, fashion: Path) -> None:
    (found,) = forecast.forecasts([CLAIM], AT, {"fashion-mnist": fashion}, tmp_path, full=False)
    assert (found.data, found.problem, found.hours) == ("fashion-mnist", "", None)
    assert math.isnan(found.seeds_needed)
    assert forecasts.as_json(found)["seeds_needed"] is None


def test_a_forecast_by_pilot_trials(tmp_path: Path, fashion: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = Options(AT, seeds=3, paths={"fashion-mnist": fashion}, quiet=True)
    with ReproductionRunner(campaign.begin(tmp_path, "", "pilot"), options) as runner:
        runner.test([CLAIM])
    sized = replace(EXPERIMENT, contrasts=tuple(replace(one, size=-30.0) for one in EXPERIMENT.contrasts))
    claim = replace(CLAIM, experiments=(sized,))
    (found,) = forecast.forecasts([claim], AT, {"fashion-mnist": fashion}, tmp_path, full=False)
    assert found.powers[0].pilot_seeds == 3
    assert 2 <= found.seeds_needed < MAX_SEEDS
    assert found.hours is not None
    assert found.hours > 0
    assert found.hours_needed == pytest.approx(found.hours * found.seeds_needed / 3), "without learning rates"
    forecasts.print_forecasts([found], speed_known=True)
    assert "fashion-mnist" in capsys.readouterr().out


def test_what_cannot_be_tested_is_forecast_from_what_its_data_is_like(tmp_path: Path) -> None:
    (found,) = forecast.forecasts([CLAIM], AT, {"fashion-mnist": tmp_path / "nowhere"}, tmp_path, full=False)
    assert "nowhere" in found.problem
    assert found.effort == of_experiment(EXPERIMENT, nominal(load_source("fashion-mnist")))
