"""What experiments cost: multiply-accumulates of their trials, and seconds at the speed of trials on record."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

import numpy as np

from repro.claims.experiment import Experiment
from repro.data import Dataset, Source, Split
from repro.runner import plan
from repro.runner.plan import Target
from repro.training.job import Job
from results.schema.trial import Outcome, Trial

BACKWARD = 3
"""Multiply-accumulates of a training step over those of a forward pass: two more of the same size, for the gradients
of weights and of inputs."""
AFFORDABLE = 1e15
"""Multiply-accumulates of an experiment with three seeds that are run without --full: six hours of two cores that make
25 billion a second each, as the larger networks do here."""
SEEDS = 3
NEAREST = 5
"""Trials on record, the most like one in size, whose median speed it is expected to have."""


@dataclass(frozen=True)
class Effort:
    """The trials of an experiment: how many, and their multiply-accumulates (those of the largest, and of all)."""

    trials: int
    largest: float
    total: float


def of_experiment(experiment: Experiment, data: Dataset, seeds: int = SEEDS) -> Effort:
    """The effort of tuning and of so many seeds, if each trial takes all its passes."""
    works = [of_job(job, data) for job in _jobs(experiment, seeds)]
    return Effort(len(works), max(works), sum(works))


def hours(experiment: Experiment, data: Dataset, speeds: Speeds, seeds: int) -> float | None:
    """Hours of one core for tuning and so many seeds, by the speeds of trials on record; None without any."""
    if not speeds:
        return None
    return sum(of_job(job, data) / speeds.of(job.network(data).macs) for job in _jobs(experiment, seeds)) / 3600


def _jobs(experiment: Experiment, seeds: int) -> list[Job]:
    return [*plan.tuning(experiment, _ANYWHERE), *plan.jobs(experiment, _ANYWHERE, range(1, seeds + 1), {})]


def of_job(job: Job, data: Dataset) -> float:
    """Multiply-accumulates of a trial's steps, without its evaluations."""
    return float(BACKWARD * job.network(data).macs * job.images(data) * job.recipe.passes)


def is_affordable(experiment: Experiment, data: Dataset) -> bool:
    return of_experiment(experiment, data).total <= AFFORDABLE


def nominal(source: Source) -> Dataset:
    """A stand-in for a data set that is not read: images of its size and number, all black, without memory."""
    classes = source.classes or source.nominal.classes
    side = source.nominal.side
    pixels = np.broadcast_to(np.uint8(0), (source.nominal.images, source.channels, side, side))
    labels = np.broadcast_to(np.int32(0), (source.nominal.images,))
    split = Split(pixels, labels)
    return Dataset(source.name, tuple(map(str, range(classes))), split, split, "")


class Speeds:
    """Multiply-accumulates per second of one core, by a framework's trials on record; false without any.

    Evaluations are part of a trial's seconds, and not of its multiply-accumulates, as in `of_job`.
    """

    def __init__(self, trials: Iterable[Trial], framework: str):
        self._known = [_speed(trial) for trial in trials if trial.framework == framework and _is_timed(trial)]

    def __bool__(self) -> bool:
        return bool(self._known)

    def of(self, macs: int) -> float:
        """The speed for a network of so many multiply-accumulates an image: the median of the trials most like it.

        Larger networks are faster: those of this project's trials differ by a factor of twenty.
        """
        nearest = sorted(self._known, key=lambda known: abs(math.log(known[0] / macs)))[:NEAREST]
        return median(per_second for _, per_second in nearest)


def _is_timed(trial: Trial) -> bool:
    """Whether it ran from beginning to end in one piece, on a CPU."""
    ended = trial.outcome is Outcome.FINISHED and bool(trial.points) and not trial.resumed
    return ended and trial.device == "cpu" and trial.seconds > 0 and "MACs" in trial.settings


def _speed(trial: Trial) -> tuple[int, float]:
    """Multiply-accumulates of an image, and per second of the trial."""
    per_image = int(trial.settings["MACs"].replace(",", ""))
    return per_image, BACKWARD * per_image * trial.points[-1].images / trial.seconds


def text(effort: Effort) -> str:
    """The effort in words: "14 trials of at most 44 T multiply-accumulates"."""
    return f"{effort.trials} trials of at most {macs(effort.largest)} multiply-accumulates"


def macs(count: float) -> str:
    """A number of multiply-accumulates with its unit's prefix: "44 T"."""
    for prefix, factor in (("P", 1e15), ("T", 1e12), ("G", 1e9)):
        if count >= factor:
            return f"{count / factor:.3g} {prefix}"
    return f"{count / 1e6:.3g} M"


_ANYWHERE = Target("any", "any")
