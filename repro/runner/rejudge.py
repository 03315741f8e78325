"""Verdicts of a reproduction made anew, from its trials, by the present rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from repro.claims.claim import claims
from repro.claims.experiment import Experiment
from repro.claims.findings import by_trials
from results.schema.findings import ClaimResult, Findings
from results.schema.trial import Trial
from results.store.reproductions import Reproduction


def judged_again(kept: Reproduction) -> Findings:
    """The findings with each training claim judged again by the trials that it names; the others as they are.

    A claim stays as it is if its experiment is no longer there, with the same arms on the same data.
    """
    results = [_judged(result, kept.trials) for result in kept.findings.claims]
    return replace(kept.findings, claims=tuple(results))


def _judged(result: ClaimResult, trials: Mapping[str, Trial]) -> ClaimResult:
    arms = {name: {trials[id].seed: trials[id] for id in ids if id in trials} for name, ids in result.arms.items()}
    every = [trial for found in arms.values() for trial in found.values()]
    claim = claims().get(result.id)
    experiment = _experiment(claim.experiments, arms, every[0].data) if claim and every else None
    if claim is None or experiment is None:
        return result
    rates = {name: _rate(found) for name, found in arms.items()} if experiment.learning_rates else {}
    known = {name: rate for name, rate in rates.items() if rate is not None}
    again = by_trials(claim, experiment, arms, known, "", result.framework, sequential=bool(result.looks))
    return replace(again, command=result.command, scale=result.scale)


def _experiment(
    experiments: tuple[Experiment, ...], arms: Mapping[str, Mapping[int, Trial]], data: str
) -> Experiment | None:
    same = (one for one in experiments if one.data == data and {arm.name for arm in one.arms} == set(arms))
    return next(same, None)


def _rate(trials: Mapping[int, Trial]) -> float | None:
    """The learning rate that an arm was trained with."""
    return next((trial.points[0].learning_rate for trial in trials.values() if trial.points), None)
