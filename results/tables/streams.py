"""Streams of images of several sizes: throughput of each way of execution, cold and warm, from the table of cases."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from results.schema.columns import Column, device_columns
from results.stats.estimates import BAND
from results.store.campaigns import StoredCampaign
from results.tables import CAMPAIGNS, Table
from results.tables._rows import frame
from results.tables.cases import cases

COLUMNS = (
    Column("campaign", "", "folder of the campaign"),
    Column("group", "", "id of the workload"),
    Column("architecture", "", "name of the network's table"),
    Column("phase", "", "infer, forward, gradient or train"),
    Column("device", "", "cpu or cuda"),
    Column("stream", "", "how images of several sizes are batched"),
    Column("contestant", "", "framework:execution"),
    Column("images", "images", "number of images of the stream"),
    Column("sizes", "", "number of distinct batch shapes"),
    Column("megapixels", "Mpx", "pixels of all its images, padding included"),
    Column("cold_images_per_second", "images/s", "throughput of the first pass, with tracing, compiling and tuning"),
    Column("images_per_second", "images/s", "throughput when warm"),
    Column("compilations", "", "number of times that steps were traced or compiled"),
    Column("fallback", "", "why it was not executed as requested; empty if it was"),
    Column(
        "memory_bytes",
        "bytes",
        "peak memory from building the model on, as peak_rss_launch_bytes; on a GPU as memory_bytes",
    ),
    Column("eager", "", "first execution of the same framework that compiled nothing on the same stream"),
    Column(
        "break_even_images",
        "images",
        "images after which its total time is below eager's; infinite: never; empty: no significant gain",
    ),
    Column("break_even_seconds", "s", "total run time until then, the first pass included"),
    Column("status", "", "measured, skipped, mismatch, out_of_memory, crashed, timed_out or failed"),
    Column("reason", "", "why the row was not measured"),
)

SEEN_ALONE = 0.10
"""The smallest gain that a single launch is evidence of: launches of one case differ by some percent (placement of
memory and threads), and one launch does not show by how much (docs/method.md)."""


def streams(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """One row for each contestant of each stream."""
    return of_cases(cases(campaigns))


def of_cases(table: pd.DataFrame) -> pd.DataFrame:
    """The same from a table of cases."""
    rows = []
    for _, group in table[table.stream.astype(bool)].groupby(["campaign", "group"], sort=False):
        own = [{str(name): value for name, value in row.items()} for row in group.to_dict("records")]
        eager: dict[str, Mapping[str, Any]] = {}
        for row in own:  # in the suite's order: the first one that compiles nothing
            if row["compilations"] == 0:
                eager.setdefault(row["framework"], row)
        rows += [_row(row, eager.get(row["framework"])) for row in own]
    return frame(rows, COLUMNS)


def _row(row: Mapping[str, Any], eager: Mapping[str, Any] | None) -> dict[str, Any]:
    images, seconds = _pays_after(row, eager) if eager else (math.nan, math.nan)
    own = {
        "images": row["batch"],
        "cold_images_per_second": row["batch"] / row["first_call_seconds"],
        "memory_bytes": row[device_columns(row["device"]).launch_memory],
        "eager": eager["contestant"] if eager else "",
        "break_even_images": images,
        "break_even_seconds": seconds,
    }
    return {column.name: own[column.name] if column.name in own else row[column.name] for column in COLUMNS}


def _pays_after(row: Mapping[str, Any], eager: Mapping[str, Any]) -> tuple[float, float]:
    """Break-even point of `row` against `eager` on the repeated stream, as (images, seconds of run time).

    The first pass has the cold time, each further pass the warm time. Infinite if `row` is not faster when warm; NaN
    if the launches do not decide it.
    """
    if row["contestant"] == eager["contestant"]:
        return 0.0, 0.0
    is_faster = _is_faster(row, eager)
    if not is_faster:
        return (math.nan, math.nan) if is_faster is None else (math.inf, math.inf)
    behind = row["first_call_seconds"] - eager["first_call_seconds"]
    again = max(behind / (eager["seconds"] - row["seconds"]), 0.0)
    return float(row["batch"] * (1 + again)), float(row["first_call_seconds"] + again * row["seconds"])


def _is_faster(row: Mapping[str, Any], eager: Mapping[str, Any]) -> bool | None:
    """Whether it is faster when warm, by more than the dead-heat band; None if the launches do not decide it."""
    if min(row["launches"], eager["launches"]) < 2:
        gain = 1 - row["seconds"] / eager["seconds"]
        return gain > 0 if abs(gain) > SEEN_ALONE else None
    if row["seconds_high"] < (1 - BAND) * eager["seconds_low"]:
        return True
    return False if row["seconds_low"] > (1 - BAND) * eager["seconds_high"] else None


TABLE = Table(COLUMNS, streams, CAMPAIGNS)
