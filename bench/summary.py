"""The table at the end of a campaign: a row a workload, a column a contestant."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from results import table
from results.record import Status
from results.statistics import Verdict
from results.store import Campaign

STYLES = {Verdict.FASTER: "green", Verdict.SLOWER: "red", Verdict.DEAD_HEAT: "cyan", Verdict.UNCLEAR: "dim"}
COLUMNS = 4
"""Contestants beside the reference in one table."""
WIDTH = 120
"""Columns of the table where the output is no terminal."""


def print_summary(campaign: Campaign, notes: Sequence[dict[str, str]]) -> None:
    """Times of the reference, ratios with intervals and verdicts of the others, then what to know about them."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    for part in summary_tables(table.cases([campaign])):
        console.print(part)
    console.print(
        "below 1 is faster than the reference; [95 % interval over launches]; ! see below", style="dim", highlight=False
    )
    for note in notes:
        console.print(f"! {note['what']}\n  → {note['remedy']}", style="yellow", markup=False, highlight=False)


def summary_tables(frame: pd.DataFrame) -> list[Table]:
    """As many tables as it takes for every contestant to have a readable column; the reference leads each."""
    reference = frame.reference.iloc[0]
    others = [contestant for contestant in dict.fromkeys(frame.contestant) if contestant != reference]
    parts = [others[start : start + COLUMNS] for start in range(0, len(others), COLUMNS)] or [[]]
    return [_table(frame, [reference, *part]) for part in parts]


def _table(frame: pd.DataFrame, contestants: Sequence[str]) -> Table:
    found = Table(show_edge=False, pad_edge=False)
    found.add_column("workload", overflow="fold")
    for contestant in contestants:
        found.add_column(contestant, justify="right", overflow="fold")
    for group, rows in frame.groupby("group", sort=False):
        cells = {row["contestant"]: _cell(row) for row in rows.to_dict("records")}
        found.add_row(str(group), *(cells.get(contestant, Text("")) for contestant in contestants))
    return found


def _cell(values: dict[Hashable, Any]) -> Text:
    if values["status"] != Status.MEASURED:
        return Text(values["status"].replace("_", " "), style="magenta")
    if values["contestant"] == values["reference"] or pd.isna(values["ratio"]):
        return Text(duration(values["seconds"]), style="bold")
    verdict = Verdict(values["verdict"])
    caution = " !" if values["cautions"] else ""
    interval = "" if pd.isna(values["ratio_low"]) else f" [{values['ratio_low']:.3g}, {values['ratio_high']:.3g}]"
    return Text(f"×{values['ratio']:.3g}{interval}\n{verdict.value}{caution}", style=STYLES[verdict])


def duration(seconds: float) -> str:
    """Three digits and a unit: "1.23 ms"."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
