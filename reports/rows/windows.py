"""Speed-up from computing features once for many windows of an image: formatted rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from reports.format import numbers
from reports.format.networks import rows
from reports.format.numbers import MILLISECONDS
from results.tables.windows import PUBLISHED, Published


@dataclass(frozen=True)
class WindowRow:
    """Milliseconds both ways, and their ratio; `each`: the network with a pass per window."""

    contestant: str
    windows: str
    each: str
    shared_time: str
    each_time: str
    speed_up: str


def window_rows(table: pd.DataFrame) -> list[WindowRow]:
    """The rows of results.tables.windows."""
    return [
        WindowRow(
            row["contestant"],
            f"{row['windows']:,}",
            f"{row['each_network']} {row['each_stream']}",
            _known(MILLISECONDS * row["shared_seconds"]),
            _known(MILLISECONDS * row["each_seconds"]),
            _known(row["speed_up"], "×"),
        )
        for row in rows(table)
    ]


def _known(value: float, unit: str = "") -> str:
    return "not measured" if math.isnan(value) else f"{numbers.plain(value)}{unit}"


def _published(one: Published) -> WindowRow:
    return WindowRow(
        f"{one.source}: {one.scales} scale{'' if one.scales == 1 else 's'}, on a GPU",
        f"about {one.windows:,}",
        one.each,
        numbers.milliseconds(one.shared_seconds)[1],
        numbers.milliseconds(one.each_seconds)[1],
        f"{one.speed_up:.0f}×",
    )


PAPER = [_published(one) for one in PUBLISHED]
"""The paper's values, in the same form."""
