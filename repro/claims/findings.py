"""From what a check or an experiment gave to the result of a claim, in the words that people read."""

from __future__ import annotations

from collections.abc import Mapping

from repro.claims.claim import Claim, papers
from repro.claims.experiment import Experiment
from repro.claims.judge import Arms, judge
from results.schema.findings import ClaimResult, ContrastResult, Verdict
from results.schema.trial import Outcome

COMMAND = "tox -e reproduce --"
"""What every claim can be tested by."""


def by_check(claim: Claim) -> ClaimResult:
    """What the claim's own check says of it."""
    assert claim.check is not None
    found = claim.check()
    return _result(claim, found.verdict, found.evidence)


def not_testable(claim: Claim, reason: str) -> ClaimResult:
    return _result(claim, Verdict.NOT_TESTABLE, reason)


def by_trials(
    claim: Claim, experiment: Experiment, arms: Arms, rates: Mapping[str, float], command: str, framework: str
) -> ClaimResult:
    """What the claim's trials say of it; a claim without any that finished is inconclusive, and says so."""
    verdict, contrasts = judge(experiment.contrasts, arms)
    untuned = [arm.name for arm in experiment.arms if experiment.learning_rates and arm.name not in rates]
    said = [*map(sentence, contrasts), *_tuned(experiment, rates), *(f"no rate suited {name!r}" for name in untuned)]
    return _result(
        claim,
        Verdict.INCONCLUSIVE if untuned else verdict,
        "; ".join(said),
        scale=scale(experiment, arms),
        seeds=min((one.pairs for one in contrasts), default=0),
        framework=framework,
        command=f"{command} --claims {claim.id}",
        contrasts=contrasts,
        arms={name: tuple(trial.id for trial in trials.values()) for name, trials in arms.items()},
    )


def _tuned(experiment: Experiment, rates: Mapping[str, float]) -> list[str]:
    """The learning rates that were chosen, and whether one lies at the end of those tried."""
    tried = sorted(experiment.learning_rates)
    ends = {tried[0]: " (the least tried)", tried[-1]: " (the largest tried)"} if tried else {}
    return [f"learning rate of {name!r} {rate:g}{ends.get(rate, '')}" for name, rate in rates.items()]


def sentence(one: ContrastResult) -> str:
    """A contrast in one line: what came out, what the paper has, and what would settle it."""
    if one.value is None:
        return f"{one.statement}: nothing to compare{f' ({one.remedy})' if one.remedy else ''}"
    unit = "" if one.unit == "ratio" else f" {one.unit}"
    sign = "" if one.unit == "ratio" else "+"
    ends = "unknown" if one.low is None or one.high is None else f"{one.low:{sign}.3g} to {one.high:{sign}.3g}"
    found = f"{one.value:{sign}.3g}{unit} [{ends}] over {one.pairs} seeds"
    settle = f"; {one.verdict}: {one.remedy}" if one.remedy else ""
    return f"{one.statement}: {found}, paper {one.paper}{settle}"


def scale(experiment: Experiment, arms: Arms) -> str:
    """How large the trials were, from what they recorded of themselves."""
    done = [trial for trials in arms.values() for trial in trials.values() if trial.outcome is not Outcome.CRASHED]
    told = [dict(trial.settings) for trial in done if trial.settings]
    if not told:
        return f"{experiment.data}, nothing trained yet"
    parts = [f"{_each(told, 'images')} images of {experiment.data}", f"input {_each(told, 'input')}"]
    parts += [f"{_each(told, 'parameters')} parameters", f"passes {_each(told, 'passes')}"]
    return ", ".join(parts)


def _each(told: list[dict[str, str]], name: str) -> str:
    values = list(dict.fromkeys(one[name] for one in told if name in one))
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
