"""Results of claims, in words, from checks and experiments."""

from __future__ import annotations

from collections.abc import Mapping

from repro.claims.claim import Claim, papers
from repro.claims.experiment import Experiment
from repro.claims.judge import Arms, judge
from repro.claims.sequential import Decided, until, until_decided
from results import words
from results.schema.findings import ClaimResult, ContrastResult, Verdict
from results.schema.trial import Outcome

COMMAND = "tox -e reproduce --"
"""The command that tests claims."""


def by_check(claim: Claim) -> ClaimResult:
    """The result of the claim's check."""
    assert claim.check is not None
    result = claim.check()
    return _result(claim, result.verdict, result.evidence)


def not_testable(claim: Claim, reason: str) -> ClaimResult:
    return _result(claim, Verdict.NOT_TESTABLE, reason)


def by_trials(
    claim: Claim,
    experiment: Experiment,
    arms: Arms,
    rates: Mapping[str, float],
    command: str,
    framework: str,
    sequential: bool = False,
) -> ClaimResult:
    """The result of the claim's trials; inconclusive without a finished one. `sequential`: seeds until decided."""
    if sequential:
        decided = until_decided(experiment.contrasts, arms)
    else:
        decided = Decided(*judge(experiment.contrasts, arms), looks=())
    verdict, contrasts = decided.verdict, decided.contrasts
    if decided.looks:
        arms = until(arms, decided.looks[-1])
    untuned = [arm.name for arm in experiment.arms if experiment.learning_rates and arm.name not in rates]
    sentences = [
        *map(sentence, contrasts),
        *_tuned(experiment, rates),
        *(f"no rate suited {name!r}" for name in untuned),
    ]
    return _result(
        claim,
        Verdict.INCONCLUSIVE if untuned else verdict,
        "; ".join(sentences),
        scale=scale(experiment, arms),
        seeds=min((contrast.pairs for contrast in contrasts), default=0),
        framework=framework,
        command=f"{command} --claims {claim.id}",
        contrasts=contrasts,
        arms={name: tuple(trial.id for trial in trials.values()) for name, trials in arms.items()},
        looks=decided.looks,
    )


def _tuned(experiment: Experiment, rates: Mapping[str, float]) -> list[str]:
    """The chosen learning rates, with a note if one is the smallest or largest tried."""
    tried = sorted(experiment.learning_rates)
    ends = {tried[0]: " (the least tried)", tried[-1]: " (the largest tried)"} if tried else {}
    return [f"learning rate of {name!r} {rate:g}{ends.get(rate, '')}" for name, rate in rates.items()]


def sentence(contrast: ContrastResult) -> str:
    """A contrast in one line: the estimate, the paper's figure, its size here, and how to decide it if inconclusive."""
    if contrast.value is None:
        return f"{contrast.statement}: nothing to compare{f' ({contrast.remedy})' if contrast.remedy else ''}"
    unit = "" if contrast.unit == "ratio" else f" {contrast.unit}"
    sign = "" if contrast.unit == "ratio" else "+"
    ends = (
        "unknown"
        if contrast.low is None or contrast.high is None
        else f"{contrast.low:{sign}.3g} to {contrast.high:{sign}.3g}"
    )
    interval = f"{contrast.value:{sign}.3g}{unit} [{ends}] over {contrast.pairs} seeds"
    settle = f"; {contrast.verdict}: {contrast.remedy}" if contrast.remedy else ""
    size = words.effect_size(contrast)
    return f"{contrast.statement}: {interval}, paper {contrast.paper}{f' ({size})' if size else ''}{settle}"


def scale(experiment: Experiment, arms: Arms) -> str:
    """The scale of the trials, from their recorded settings."""
    done = [trial for trials in arms.values() for trial in trials.values() if trial.outcome is not Outcome.CRASHED]
    settings = [dict(trial.settings) for trial in done if trial.settings]
    if not settings:
        return f"{experiment.data}, nothing trained yet"
    parts = [f"{_each(settings, 'images')} images of {experiment.data}", f"input {_each(settings, 'input')}"]
    parts += [f"{_each(settings, 'parameters')} parameters", f"passes {_each(settings, 'passes')}"]
    return ", ".join(parts)


def _each(settings: list[dict[str, str]], name: str) -> str:
    values = list(dict.fromkeys(entry[name] for entry in settings if name in entry))
    return " or ".join(values) if len(values) <= 3 else f"{values[0]} to {values[-1]}"


def _result(claim: Claim, verdict: Verdict, evidence: str, **more: object) -> ClaimResult:
    return ClaimResult(
        id=claim.id,
        paper=papers()[claim.id.partition("-")[0]].title,
        kind=claim.kind,
        place=claim.place,
        statement=claim.statement,
        number=claim.number,
        method=claim.method,
        verdict=verdict,
        evidence=evidence,
        needs=claim.needs if verdict is Verdict.NOT_TESTABLE else (),
        **{"command": f"{COMMAND} --claims {claim.id}", **more},  # type: ignore[arg-type]
    )
