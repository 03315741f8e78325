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
    Column("framework", "", "where it was trained"),
    Column("execution", "", "how the framework ran it"),
    Column("device", "", "cpu or cuda"),
    Column("seed", "", "decides images, order, first weights, augmentation and dropout; 0 chooses learning rates"),
    Column("outcome", "", "finished, diverged, out_of_memory, crashed or failed"),
    Column("reason", "", "why it is not finished"),
    Column("test_error", "", "share of all test images that were taken for another class at the end"),
    Column("training_error", "", "the same of training images, without augmentation, at the last measurement"),
    Column("passes", "", "passes over the training images"),
    Column("images", "images", "training images seen, with repetition"),
    Column("seconds", "s", "time on one core, measuring included, pauses left out"),
)


def trials(reproductions: Iterable[Reproduction]) -> pd.DataFrame:
    """One row for each trial."""
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
    }


TABLE = Table(COLUMNS, trials, REPRODUCTIONS)
