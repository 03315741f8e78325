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
from repro.runner.effort import Effort, Speeds
from repro.runner.plan import Target
from repro.training.job import Job
from results.schema.trial import Trial
from results.store import reproductions

SEEDS = effort.SEEDS


@dataclass(frozen=True)
class Forecast:
    """A claim's experiment. `effort` is of three seeds; `hours` of one core for these; None without a trial on record.

    `powers`: of its contrasts, by pilot trials; `seeds_needed`: the most of them; NaN if unknown. `hours_needed`: hours
    of one core for that many; None if they or the speed are unknown. `problem`: why none of the experiments can be run
    here; the forecast is then of the last one, which needs least.
    """

    claim: str
    data: str
    effort: Effort
    hours: float | None
    powers: tuple[Power, ...]
    hours_needed: float | None = None
    problem: str = ""

    @property
    def seeds_needed(self) -> float:
        return most_seeds(self.powers)


def most_seeds(powers: Sequence[Power]) -> float:
    """The seeds of the contrast that needs most; NaN if those of one are unknown, or without any."""
    known = [power.seeds for power in powers]
    return math.nan if not known or any(map(math.isnan, known)) else max(known)


def forecasts(
    claims: Iterable[Claim], at: Target, paths: Mapping[str, Path], results: Path, full: bool
) -> list[Forecast]:
    """The forecast of each claim that takes a training."""
    trials = trials_in(results)
    known, speeds = {trial.id: trial for trial in trials}, Speeds(trials, at.framework)
    shelf = DatasetCache(paths)
    return [_forecast(claim, at, shelf, known, speeds, full) for claim in claims if claim.experiments]


def trials_in(results: Path) -> Sequence[Trial]:
    """The trials of every reproduction of a folder."""
    return [trial for folder in reproductions.every(results) for trial in reproductions.read(folder).trials.values()]


def _forecast(
    claim: Claim, at: Target, shelf: DatasetCache, known: Mapping[str, Trial], speeds: Speeds, full: bool
) -> Forecast:
    chosen = shelf.choose(claim, full)
    problem = chosen if isinstance(chosen, str) else ""
    experiment = claim.experiments[-1] if isinstance(chosen, str) else chosen
    got = None if problem else shelf.get(experiment.data)
    there = got if isinstance(got, Dataset) else effort.nominal(data.load_source(experiment.data))
    work = effort.of_experiment(experiment, there)
    hours = effort.hours(experiment, there, speeds, SEEDS)
    powers = _powers(experiment, at, there, known) if isinstance(got, Dataset) else ()
    seeds = most_seeds(powers)
    needed_hours = effort.hours(experiment, there, speeds, int(seeds)) if math.isfinite(seeds) else None
    return Forecast(claim.id, experiment.data, work, hours, powers, needed_hours, problem)


def _powers(experiment: Experiment, at: Target, dataset: Dataset, known: Mapping[str, Trial]) -> tuple[Power, ...]:
    def trial(job: Job) -> Trial | None:
        return known.get(job.id(dataset))

    rates = plan.best_rates(experiment, at, trial)
    arms = plan.trained(experiment, at, trial, rates, 0)
    return tuple(needed(contrast, arms, len(experiment.contrasts)) for contrast in experiment.contrasts)
