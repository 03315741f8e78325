"""The jobs that an experiment takes, and where they run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from impls.errors import InvalidInput, Unavailable
from impls.frameworks import frameworks, load_framework
from impls.host import nvidia
from repro.claims.experiment import Arm, Experiment
from repro.training.job import Job
from results.schema.trial import Outcome, Trial

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
    if reason := found.missing(found.executions[0], device):
        raise Unavailable(f"{framework}: {reason}")
    if reason := nvidia.missing(device):
        raise Unavailable(f"--device {device}: {reason}; leave it out to train on the CPU")
    return Target(framework, found.executions[0].name, device)


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


TrialOf = Callable[[Job], Trial | None]
"""What a job came to; None if it has not been run."""


def best_rates(experiment: Experiment, at: Target, trial: TrialOf) -> dict[str, float]:
    """The learning rate with which each arm did best; none for an arm of which no trial has ended well."""
    best: dict[str, tuple[float, float]] = {}
    for job in tuning(experiment, at):
        found = trial(job)
        if found is None or found.outcome is not Outcome.FINISHED or experiment.tuned_on is None:
            continue
        value = experiment.tuned_on.of(found)
        if value is not None and job.learning_rate is not None:
            best[job.arm.name] = min(best.get(job.arm.name, (value, job.learning_rate)), (value, job.learning_rate))
    return {name: rate for name, (_, rate) in best.items()}


def trained(
    experiment: Experiment, at: Target, trial: TrialOf, rates: Mapping[str, float], seeds: int
) -> dict[str, dict[int, Trial]]:
    """Every trial that there is of each arm, by seed: of the first `seeds`, and of those that follow without a gap."""
    arms: dict[str, dict[int, Trial]] = {arm.name: {} for arm in experiment.arms}
    for seed in itertools.count(1):
        there = {job.arm.name: trial(job) for job in jobs(experiment, at, [seed], rates)}
        found = {name: one for name, one in there.items() if one}
        if seed > seeds and not found:
            return arms
        for name, one in found.items():
            arms[name][seed] = one
    raise AssertionError("seeds do not end")
