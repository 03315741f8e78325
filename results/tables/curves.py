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
    Column("seed", "", "as of the trial"),
    Column("passes", "", "passes done"),
    Column("images", "images", "training images seen, with repetition"),
    Column("learning_rate", "", "of the pass"),
    Column("loss", "nats", "mean training loss since the measurement before, dropout included"),
    Column("training_error", "", "share of wrong ones among the same training images each time"),
    Column("test_error", "", "share of wrong ones among the same test images each time"),
)


def curves(reproductions: Iterable[Reproduction]) -> pd.DataFrame:
    """One row for each time that a trial was measured."""
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
