"""Percentiles of single steps, for the terminal."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from rich.text import Text

from bench.terminal.grid import Column, Line, grids
from results.stats.percentiles import REPORTED
from results.store.campaigns import StoredCampaign
from results.tables.latency import column_of, latency_of
from results.units import step_time

LEGEND = (
    "time that so many percent of single steps do not exceed, ± half of its 95 % interval over launches; "
    "-: too few steps in a launch"
)


def latency_tables(campaign: StoredCampaign, width: int) -> list[Text]:
    """A line a case, a column a percentile; none where no launch timed single steps."""
    rows = latency_of(campaign).to_dict("records")
    if not rows:
        return []
    lines = [Line(row["group"], row["contestant"], row["case"]) for row in rows]
    columns = [
        Column(f"p{name}", {row["case"]: _cell(row, column_of(name)) for row in rows}, right=True) for name in REPORTED
    ]
    steps = {row["case"]: Text("" if pd.isna(row["steps"]) else f"{row['steps']:.0f}") for row in rows}
    leading, *others = (*columns, Column("steps", steps, right=True))
    return [Text(), *grids(lines, leading, others, width), Text(LEGEND, style="dim")]


def _cell(row: Mapping[Hashable, Any], name: str) -> Text:
    if pd.isna(row[name]):
        return Text("-", style="dim")
    half = (row[f"{name}_high"] - row[f"{name}_low"]) / 2 / row[name]
    interval = "" if pd.isna(half) else f" ±{half:.0%}" if half < 1 else " ±>100%"
    return Text(step_time(row[name]) + interval)
