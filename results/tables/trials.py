"""Every trial of a reproduction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from results.schema.columns import TRIAL_IDS, Column
from results.schema.trial import Trial
from results.store.reproductions import Reproduction
from results.tables import REPRODUCTIONS, Table
from results.tables._rows import frame

COLUMNS = (
    *TRIAL_IDS,
    Column("network", "", "name of the network's table"),
    Column("data", "", "name of the data set"),
    Column("framework", "", "framework that trained it"),
    Column("execution", "", "execution of the framework"),
    Column("device", "", "cpu or cuda"),
    Column(
        "seed", "", "seed of images, order, initial weights, augmentation and dropout; 0 is for choosing learning rates"
    ),
    Column("outcome", "", "finished, diverged, out_of_memory, crashed or failed"),
    Column("reason", "", "why it did not finish"),
    Column("test_error", "", "error on all test images at the end, as a share"),
    Column("training_error", "", "error on training images without augmentation at the last measurement, as a share"),
    Column("passes", "", "passes over the training images"),
    Column("images", "images", "training images processed, with repetition"),
    Column("seconds", "s", "time on one core, evaluation included, pauses excluded"),
    Column("evaluation_seconds", "s", "of these, the time in which errors were measured"),
)


def trials(reproductions: Iterable[Reproduction]) -> pd.DataFrame:
    """One row per trial."""
    return frame((_trial(one, trial) for one in reproductions for trial in one.trials.values()), COLUMNS)


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
        "evaluation_seconds": trial.evaluation_seconds,
    }


TABLE = Table(COLUMNS, trials, REPRODUCTIONS)
