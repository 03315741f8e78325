"""Streams of images of several sizes: each contestant's throughput, cold and warm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
from markupsafe import Markup

from reports.figures.drawing import svg
from reports.figures.streams import stream_figure
from reports.format import numbers
from reports.format.networks import Row, rows, text
from reports.format.numbers import FormattedEstimate
from results import words
from results.schema.record import Status
from results.units import elapsed


@dataclass(frozen=True)
class StreamRow:
    """A contestant of a stream; numbers are formatted, `missing`: why there are none."""

    stream: str
    contestant: str
    images: str
    megapixels: str
    cold: str
    warm: str
    compilations: str
    memory: str
    pays_after: str
    fallback: str
    missing: str


def stream_rows(table: pd.DataFrame) -> list[StreamRow]:
    """The rows of results.tables.streams, by stream."""
    return [_stream_row(row) for row in rows(table)]


def _stream_row(row: Row) -> StreamRow:
    lost = row["status"] != Status.MEASURED
    missing = words.status(row["status"], text(row["reason"])) if lost else ""
    known = {
        name: "" if lost or math.isnan(row[name]) else numbers.plain(row[name])
        for name in ("cold_images_per_second", "images_per_second")
    }
    return StreamRow(
        stream=f"{row['architecture']} on {row['stream']}, {row['phase']}",
        contestant=row["contestant"],
        images=f"{row['images']} in {row['sizes']} shapes",
        megapixels=numbers.plain(row["megapixels"]),
        cold=known["cold_images_per_second"],
        warm=known["images_per_second"],
        compilations="" if lost or math.isnan(row["compilations"]) else f"{row['compilations']:.0f}",
        memory="" if lost or math.isnan(row["memory_bytes"]) else f"{numbers.plain(row['memory_bytes'] / 1e6)} MB",
        pays_after="" if lost else _pays_after(row),
        fallback=text(row["fallback"]),
        missing=missing,
    )


def _pays_after(row: Row) -> str:
    if not row["eager"]:
        return "no execution without compilation was measured"
    if row["contestant"] == row["eager"]:
        return "does not compile"
    images, seconds = row["break_even_images"], row["break_even_seconds"]
    if math.isnan(images):
        return f"unknown: no significant gain over {row['eager']}"
    if math.isinf(images):
        return f"never: not faster than {row['eager']} when warm"
    return f"{numbers.plain(images)} images, {elapsed(seconds)} of run time"


@dataclass(frozen=True)
class SwitchRow:
    """Alternating sizes against constant ones, in ms per image; `missing`: why there are no numbers."""

    stream: str
    contestant: str
    staying: str
    turns: str
    switch: FormattedEstimate | None
    passes: str
    missing: str


def switch_rows(table: pd.DataFrame) -> list[SwitchRow]:
    """The rows of results.tables.switches, by stream."""
    return [_switch_row(row) for row in rows(table)]


def _switch_row(row: Row) -> SwitchRow:
    name = f"{row['architecture']} {row['stream']}, {row['phase']}"
    if row["status"] != Status.MEASURED:
        missing = words.status(row["status"], text(row["reason"]))
        return SwitchRow(name, row["contestant"], "", "", None, "", missing)
    return SwitchRow(
        name,
        row["contestant"],
        numbers.milliseconds(row["staying_seconds"] / row["images"])[1],
        numbers.milliseconds(row["seconds"] / row["images"])[1],
        numbers.estimate(row["switching_ratio"], row["switching_ratio_low"], row["switching_ratio_high"]),
        f"{row['passes']}",
        "",
    )


def stream_figures(table: pd.DataFrame, slots: Sequence[str], key: str) -> list[tuple[str, Markup]]:
    """Images per second of every stream, cold and warm; a figure for each network and phase."""
    measured = table[table["status"] == Status.MEASURED]
    found = []
    for number, ((architecture, phase), part) in enumerate(measured.groupby(["architecture", "phase"], sort=False)):
        title = f"{architecture}, {phase}"
        label = f"{title}: images per second of each stream, cold and warm; numbers in the table"
        drawn = svg.draw(partial(stream_figure, rows(part), slots), f"{key}-stream{number}", label)
        found.append((title, Markup(drawn)))
    return found
