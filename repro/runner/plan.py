"""Which claims are tested, each by which of its experiments, and the jobs that this takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from impls.errors import DeadheatError, InvalidInput, Unavailable
from impls.frameworks import frameworks, load_framework
from impls.host import nvidia
from repro import data
from repro.claims.claim import Claim
from repro.claims.experiment import Arm, Experiment
from repro.data import Dataset
from repro.training.job import Job

TUNED_ON_SEED = 0
"""The seed that learning rates are chosen on; verdicts rest on 1, 2, 3, ..."""


@dataclass(frozen=True)
class Target:
    """The framework and device that trials run on."""

    framework: str
    execution: str
    device: str = "cpu"

    def job(self, arm: Arm, data: str, seed: int, learning_rate: float | None = None, losses: int = 0) -> Job:
        return Job(arm, data, seed, self.framework, self.execution, self.device, learning_rate, losses)


def where(framework: str | None, device: str) -> Target:
    """The framework asked for, or the first that is installed. Errors say what would bring it."""
    able = {name: one for name, one in frameworks().items() if one.supports_checkpointing}
    if framework is None:
        framework = next((name for name, one in able.items() if not one.missing()), None)
        if framework is None:
            raise Unavailable(f"no framework to train in; pip install 'deadheat[pytorch]', or one of {', '.join(able)}")
    found = load_framework(framework)
    if not found.supports_checkpointing:
        raise InvalidInput(f"{framework} can't be trained in parts, which trials are; use one of {', '.join(able)}")
    if reason := found.missing(found.executions[0]):
        raise Unavailable(f"{framework}: {reason}")
    if reason := nvidia.missing(device):
        raise Unavailable(f"--device {device}: {reason}; leave it out to train on the CPU")
    return Target(framework, found.executions[0].name, device)


class DatasetCache:
    """Data sets as they are needed, read once; what is wrong with one is kept, too."""

    def __init__(self, paths: Mapping[str, Path]):
        self._paths = paths
        self._read: dict[str, Dataset | str] = {}

    def get(self, name: str) -> Dataset | str:
        """The data set, or one line that says why there is none."""
        if name not in self._read:
            try:
                self._read[name] = data.load(name, self._paths.get(name))
            except DeadheatError as problem:
                self._read[name] = str(problem)
        return self._read[name]

    def folder(self, name: str) -> Path:
        return data.find(name, self._paths.get(name))

    def choose(self, claim: Claim, full: bool) -> Experiment | str:
        """The experiment that a claim is tested by: on data that was named, else the cheapest that can be run.

        With `full` it is the closest to the paper's own. Or one line that says what is missing.
        """
        order = list(claim.experiments) if full else list(reversed(claim.experiments))
        named = [experiment for experiment in order if experiment.data in self._paths]
        problems = []
        for experiment in named or order:
            if not named and not data.available(experiment.data):
                continue
            got = self.get(experiment.data)
            if isinstance(got, str):
                problems.append(got)
            elif experiment.classes not in (None, len(got.classes)):
                problems.append(f"needs {experiment.classes:,} classes, {got.name} has {len(got.classes):,}")
            else:
                return experiment
        return "; ".join(problems) or f"needs {' or '.join(claim.wanted)}"


def tuning(experiment: Experiment, at: Target) -> list[Job]:
    """A trial for each arm at each learning rate that it may take."""
    return [
        at.job(arm, experiment.data, TUNED_ON_SEED, rate)
        for arm in experiment.arms
        for rate in experiment.learning_rates
    ]


def jobs(experiment: Experiment, at: Target, seeds: Iterable[int], rates: Mapping[str, float]) -> list[Job]:
    """A trial for each seed and arm, seed by seed, so that what is cut short is cut alike."""
    return [at.job(arm, experiment.data, seed, rates.get(arm.name)) for seed in seeds for arm in experiment.arms]
