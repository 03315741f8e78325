"""Trials as table rows: all trials, and the networks trained by their recipes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.format import numbers
from reports.rows.claims import ended
from results.schema.findings import Trained
from results.schema.trial import Outcome, Trial
from results.store.reproductions import Reproduction
from results.units import elapsed


@dataclass(frozen=True)
class Use:
    """A claim that a trial belongs to; `anchor`: its link, "" if it has none."""

    text: str
    anchor: str


@dataclass(frozen=True)
class TrialRow:
    """One trial; `errors` by view in per cent; `ended`: its outcome and the reason."""

    trial: Trial
    uses: Sequence[Use]
    ended: str
    finished: bool
    passes: str
    errors: Sequence[tuple[str, str]]
    seconds: str


@dataclass(frozen=True)
class TrainedRow:
    """A network in one framework; `missing`: why there is no accuracy. `aim` is in per cent."""

    trained: Trained
    framework: str
    trial: Trial | None
    accuracy: float | None
    shown: str
    aim: str
    kind: str
    word: str
    missing: str
    images: str
    passes: str
    seconds: str


def trial_rows(reproduction: Reproduction, anchors: Sequence[str]) -> list[TrialRow]:
    """All trials, in the order in which they ended. `anchors`: the anchor of each claim."""
    uses = _uses(reproduction, anchors)
    return [
        TrialRow(
            trial=trial,
            uses=uses.get(trial.id, ()),
            ended=ended(trial),
            finished=trial.outcome is Outcome.FINISHED,
            passes=_passes(trial),
            errors=[(view, percent(error)) for view, error in trial.errors.items()],
            seconds=_seconds(trial),
        )
        for trial in reproduction.trials.values()
    ]


def trained_rows(reproduction: Reproduction) -> list[TrainedRow]:
    """All networks that are trained by their recipes, by framework."""
    return [
        _trained(one, framework, reproduction.trials.get(name))
        for one in reproduction.findings.trained
        for framework, name in one.trials.items()
    ]


def percent(share: float) -> str:
    return f"{numbers.plain(100 * share)} %"


def _uses(reproduction: Reproduction, anchors: Sequence[str]) -> Mapping[str, Sequence[Use]]:
    uses: dict[str, list[Use]] = {}
    for claim, anchor in zip(reproduction.findings.claims, anchors, strict=True):
        for arm, ids in claim.arms.items():
            for name in ids:
                uses.setdefault(name, []).append(Use(f"{claim.id}: {arm}", anchor))
    if found := reproduction.findings.agreement:
        for name in found.trials.values():
            uses.setdefault(name, []).append(Use("agreement of frameworks", "agreement"))
    for one in reproduction.findings.trained:
        for name in one.trials.values():
            uses.setdefault(name, []).append(Use("trained by recipe", "trained"))
    return uses


def _trained(one: Trained, framework: str, trial: Trial | None) -> TrainedRow:
    error = _error(trial)
    accuracy = None if error is None else 1 - error
    reached = accuracy is not None and accuracy >= one.aim
    return TrainedRow(
        trained=one,
        framework=framework,
        trial=trial,
        accuracy=accuracy,
        shown="" if accuracy is None else f"{numbers.fixed(100 * accuracy, 2)} %",
        aim=f"{100 * one.aim:g} %",
        kind="" if accuracy is None else "supported" if reached else "contradicted",
        word="" if accuracy is None else "✓ reached" if reached else "✗ not reached",
        missing=_missing(trial) if accuracy is None else "",
        images=trial.settings.get("images", "–") if trial else "–",
        passes=_passes(trial),
        seconds=_seconds(trial),
    )


def _error(trial: Trial | None) -> float | None:
    """The test error of a finished trial, as a share: of the plain view, or of its first view."""
    if trial is None or trial.outcome is not Outcome.FINISHED or not trial.errors:
        return None
    error = trial.errors.get("", next(iter(trial.errors.values())))
    return error if math.isfinite(error) else None


def _missing(trial: Trial | None) -> str:
    if trial is None:
        return "no trial recorded"
    return ended(trial) if trial.outcome is not Outcome.FINISHED else "no test error recorded"


def _passes(trial: Trial | None) -> str:
    return f"{trial.points[-1].passes:g}" if trial and trial.points else "–"


def _seconds(trial: Trial | None) -> str:
    """A trial of 0 seconds never started."""
    return elapsed(trial.seconds) if trial and trial.seconds > 0 else "–"
