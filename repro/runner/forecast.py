"""What testing claims will take: data, trials, hours at the speed of trials on record, and seeds by their spread."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repro import data
from repro.claims.claim import Claim
from repro.claims.experiment import Experiment
from repro.claims.power import Power, needed
from repro.data import Dataset
from repro.runner import effort, plan
from repro.runner.choice import DatasetCache
from repro.runner.effort import Effort
from repro.runner.plan import Target
from repro.training.job import Job
from results.schema.trial import Trial
from results.store import reproductions

SEEDS = effort.SEEDS


@dataclass(frozen=True)
class Forecast:
    """A claim's experiment. `effort` is of three seeds; `hours` of one core; None without a trial on record.

    `powers`: of its contrasts, by pilot trials; `seeds_needed`: the most of them; NaN if unknown. `problem`: why none
    of the experiments can be run here; the forecast is then of the last one, which needs least.
    """

    claim: str
    data: str
    effort: Effort
    hours: float | None
    powers: tuple[Power, ...]
    problem: str = ""

    @property
    def seeds_needed(self) -> float:
        known = [power.seeds for power in self.powers]
        return max(known, default=math.nan) if not any(map(math.isnan, known)) else math.nan

    @property
    def hours_needed(self) -> float | None:
        """Hours of one core for the seeds that are needed; None if these or the speed are unknown."""
        if self.hours is None or not math.isfinite(self.seeds_needed):
            return None
        return self.hours * self.seeds_needed / SEEDS


def forecasts(
    claims: Iterable[Claim], at: Target, paths: Mapping[str, Path], results: Path, full: bool
) -> list[Forecast]:
    """The forecast of each claim that takes a training."""
    trials = trials_in(results)
    known, speed = {trial.id: trial for trial in trials}, effort.speed(trials, at.framework)
    shelf = DatasetCache(paths)
    return [_forecast(claim, at, shelf, known, speed, full) for claim in claims if claim.experiments]


def trials_in(results: Path) -> Sequence[Trial]:
    """The trials of every reproduction of a folder."""
    return [trial for folder in reproductions.every(results) for trial in reproductions.read(folder).trials.values()]


def _forecast(
    claim: Claim, at: Target, shelf: DatasetCache, known: Mapping[str, Trial], speed: float | None, full: bool
) -> Forecast:
    chosen = shelf.choose(claim, full)
    problem = chosen if isinstance(chosen, str) else ""
    experiment = claim.experiments[-1] if isinstance(chosen, str) else chosen
    got = None if problem else shelf.get(experiment.data)
    there = got if isinstance(got, Dataset) else effort.nominal(data.load_source(experiment.data))
    work = effort.of_experiment(experiment, there)
    hours = None if speed is None else work.total / speed / 3600
    powers = _powers(experiment, at, there, known) if isinstance(got, Dataset) else ()
    return Forecast(claim.id, experiment.data, work, hours, powers, problem)


def _powers(experiment: Experiment, at: Target, dataset: Dataset, known: Mapping[str, Trial]) -> tuple[Power, ...]:
    def trial(job: Job) -> Trial | None:
        return known.get(job.id(dataset))

    rates = plan.best_rates(experiment, at, trial)
    arms = plan.trained(experiment, at, trial, rates, 0)
    return tuple(needed(contrast, arms) for contrast in experiment.contrasts)
