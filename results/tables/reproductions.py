"""The tidy tables of reproductions: a row a trial, a point of a curve, or a claim."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from results.schema.columns import CLAIM, POINT, TRIAL, Column
from results.schema.trial import Trial
from results.store.reproductions import Reproduction


def trials(reproductions: Iterable[Reproduction]) -> pd.DataFrame:
    """One row for each trial: results.schema.columns.TRIAL."""
    return _frame(TRIAL, (row for one in reproductions for row in map(_trial, [one] * len(one.trials), _all(one))))


def curves(reproductions: Iterable[Reproduction]) -> pd.DataFrame:
    """One row for each time that a trial was measured: results.schema.columns.POINT."""
    return _frame(
        POINT,
        (
            {"reproduction": one.name, "trial": trial.id, "seed": trial.seed, **vars(point)}
            for one in reproductions
            for trial in _all(one)
            for point in trial.points
        ),
    )


def claims(reproductions: Iterable[Reproduction]) -> pd.DataFrame:
    """One row for each comparison that a claim rests on, or for a claim without any: results.schema.columns.CLAIM."""
    rows = []
    for one in reproductions:
        for claim in one.findings.claims:
            shared = {"reproduction": one.name, "claim": claim.id, "claim_verdict": str(claim.verdict)}
            shared |= {name: getattr(claim, name) for name in ("paper", "kind", "scale", "seeds", "evidence")}
            rows += [{**shared, **_contrast(contrast)} for contrast in claim.contrasts] or [shared]
    return _frame(CLAIM, rows)


def _all(one: Reproduction) -> list[Trial]:
    return list(one.trials.values())


def _trial(one: Reproduction, trial: Trial) -> dict[str, Any]:
    last = trial.points[-1] if trial.points else None
    return {
        **{name: getattr(trial, name) for name in ("network", "data", "framework", "execution", "device", "seed")},
        "reproduction": one.name,
        "trial": trial.id,
        "outcome": str(trial.outcome),
        "reason": trial.reason,
        "test_error": trial.errors.get(""),
        "training_error": last.training_error if last else None,
        "passes": last.passes if last else None,
        "images": last.images if last else None,
        "seconds": trial.seconds,
    }


def _contrast(contrast: Any) -> dict[str, Any]:
    names = "statement", "unit", "value", "low", "high", "pairs"
    return {**{name: getattr(contrast, name) for name in names}, "verdict": str(contrast.verdict)}


def _frame(columns: tuple[Column, ...], rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=[column.name for column in columns])
