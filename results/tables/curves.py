"""Every measurement of every trial of a reproduction."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from results.schema.columns import TRIAL_IDS, Column
from results.store.reproductions import Reproduction
from results.tables import REPRODUCTIONS, Table
from results.tables._rows import frame

COLUMNS = (
    *TRIAL_IDS,
    Column("seed", "", "seed of the trial"),
    Column("passes", "", "passes over the training images so far"),
    Column("images", "images", "training images seen, with repetition"),
    Column("learning_rate", "", "learning rate of the pass"),
    Column("loss", "nats", "mean training loss since the previous measurement, with dropout"),
    Column("training_error", "", "error on a fixed set of training images, as a share"),
    Column("test_error", "", "error on a fixed set of test images, as a share"),
)


def curves(reproductions: Iterable[Reproduction]) -> pd.DataFrame:
    """One row for each measurement of a trial."""
    return frame(
        (
            {"reproduction": one.name, "trial": trial.id, "seed": trial.seed, **vars(point)}
            for one in reproductions
            for trial in one.trials.values()
            for point in trial.points
        ),
        COLUMNS,
    )


TABLE = Table(COLUMNS, curves, REPRODUCTIONS)
