"""What it saves to compute features once for many windows of an image: rows ready to be printed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from reports import numbers
from reports.networks import rows

PAPER = (
    "He et al. 2015, tables 9 and 10: the windows of an image took 0.142 s on one scale where R-CNN took 9.03 s (64×), "
    "and 0.382 s on five (24×); with ZF-5 in both, 102× and 38×"
)


@dataclass(frozen=True)
class WindowRow:
    contestant: str
    windows: str
    shared: str
    each: str
    speed_up: str


def window_rows(table: pd.DataFrame) -> list[WindowRow]:
    return [
        WindowRow(
            row["contestant"],
            f"{row['windows']:,}",
            _known(1e3 * row["shared_seconds"]),
            _known(1e3 * row["each_seconds"]),
            _known(row["speed_up"], "×"),
        )
        for row in rows(table)
    ]


def _known(value: float, unit: str = "") -> str:
    return "not measured" if math.isnan(value) else f"{numbers.plain(value)}{unit}"
