"""Streams of images of many sizes: what each way of running them costs cold, and when warm, from the tidy table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from results.columns import STREAM
from results.statistics import BAND
from results.store import Campaign
from results.table import cases


def streams(campaigns: Iterable[Campaign]) -> pd.DataFrame:
    """One row for each contestant of each stream: results.columns.STREAM."""
    return of_cases(cases(campaigns))


def of_cases(table: pd.DataFrame) -> pd.DataFrame:
    """The same from a table of cases."""
    rows = []
    for _, group in table[table.stream.astype(bool)].groupby(["campaign", "group"], sort=False):
        own = [{str(name): value for name, value in row.items()} for row in group.to_dict("records")]
        eager = {row["framework"]: row for row in own if row["compilations"] == 0}
        rows += [_row(row, eager.get(row["framework"])) for row in own]
    return pd.DataFrame(rows, columns=[column.name for column in STREAM])


def _row(row: Mapping[str, Any], eager: Mapping[str, Any] | None) -> dict[str, Any]:
    on_card = row["device"] != "cpu"
    return {
        **row,
        "images": row["batch"],
        "cold_images_per_second": row["batch"] / row["first_call_seconds"],
        "memory_bytes": row["memory_bytes"] if on_card else row["host_launch_bytes"],
        "eager": eager["contestant"] if eager else "",
        "pays_after_images": _pays_after(row, eager) if eager else np.nan,
    }


def _pays_after(row: Mapping[str, Any], eager: Mapping[str, Any]) -> float:
    """Images after which `row` has taken less time than `eager`, when the same stream comes again and again.

    The first time through costs what it costs; every further time what it costs when warm. Who is faster then by no
    more than what counts as a dead heat never gets there.
    """
    if row["contestant"] == eager["contestant"]:
        return 0.0
    behind = row["first_call_seconds"] - eager["first_call_seconds"]
    gained = eager["seconds"] - row["seconds"]
    if gained <= BAND * eager["seconds"]:
        return np.inf
    return float(row["batch"] * (1 + max(behind / gained, 0)))
