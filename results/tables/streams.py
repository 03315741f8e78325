"""Streams of images of many sizes: what each way of running them costs cold, and when warm, from the tidy table."""

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
    Column("stream", "", "what is done with images of many sizes"),
    Column("contestant", "", "framework:execution"),
    Column("images", "images", "images of the stream"),
    Column("sizes", "", "different shapes of batches that come of them"),
    Column("megapixels", "Mpx", "pixels of all its images, filled-up ones included"),
    Column("cold_images_per_second", "images/s", "the first time through, tracing, compiling and tuning included"),
    Column("images_per_second", "images/s", "when warm"),
    Column("compilations", "", "how often steps were traced or compiled"),
    Column("fallback", "", "why it went on in another way than it was asked to execute in"),
    Column(
        "memory_bytes",
        "bytes",
        "most memory from building the model on, as peak_rss_launch_bytes; on a card as memory_bytes",
    ),
    Column("eager", "", "the first execution of the same framework that compiled nothing, measured on the same stream"),
    Column(
        "break_even_images",
        "images",
        "images after which all its time is less than eager's; infinite: never; empty: its launches don't show a gain",
    ),
    Column("break_even_seconds", "s", "time of running until then, the first time through included"),
    Column("status", "", "measured, skipped, mismatch, out_of_memory, crashed, timed_out or failed"),
    Column("reason", "", "why a row is not measured"),
)

SEEN_ALONE = 0.10
"""A gain that one launch shows: with its memory and threads placed otherwise, the same case is some percent off, and
without a second launch nothing says how many (docs/method.md)."""


def streams(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """One row for each contestant of each stream."""
    return of_cases(cases(campaigns))


def of_cases(table: pd.DataFrame) -> pd.DataFrame:
    """The same from a table of cases."""
    rows = []
    for _, group in table[table.stream.astype(bool)].groupby(["campaign", "group"], sort=False):
        own = [{str(name): value for name, value in row.items()} for row in group.to_dict("records")]
        eager: dict[str, Mapping[str, Any]] = {}
        for row in own:  # in the suite's order: of several that compile nothing, its first
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
    """Images, and seconds of running, after which `row` has taken less time than `eager` for the same stream again and
    again.

    The first time through costs what it costs; every further time what it costs when warm. Who is no faster then never
    gets there; where one can't tell, there is no number.
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
    """Whether it is when warm, by more than what counts as a dead heat; None where their launches don't show it."""
    if min(row["launches"], eager["launches"]) < 2:
        gain = 1 - row["seconds"] / eager["seconds"]
        return gain > 0 if abs(gain) > SEEN_ALONE else None
    if row["seconds_high"] < (1 - BAND) * eager["seconds_low"]:
        return True
    return False if row["seconds_low"] > (1 - BAND) * eager["seconds_high"] else None


TABLE = Table(COLUMNS, streams, CAMPAIGNS)
