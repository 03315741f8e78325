"""Scaling over devices: the speedup of a step, by number of devices and contestant."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from reports.figures.devices import speedups
from reports.figures.drawing import svg
from reports.format import numbers
from reports.format.networks import Row, rows, text
from reports.format.numbers import FormattedEstimate
from results import words
from results.schema.record import Status
from results.units import step_time

SAME = ["architecture", "size", "batch", "precision", "device", "phase"]


@dataclass(frozen=True)
class Scaled:
    """A contestant on some devices: time of a step, speedup and efficiency; `missing`: why there are none."""

    contestant: str
    devices: int
    time: str
    speedup: FormattedEstimate | None
    efficiency: str
    pairs: int
    missing: str


@dataclass(frozen=True)
class Devices:
    """A network in one phase over numbers of devices. `remark`: what the devices have in common, "" for none.

    `figure` is "" if no speedup is known.
    """

    title: str
    rows: Sequence[Scaled]
    remark: str
    figure: Markup


def devices(table: pd.DataFrame, slots: Sequence[str], key: str) -> list[Devices]:
    """One for each network and phase of results.tables.scaling."""
    return [
        _devices(dict(zip(SAME, values)), rows(part), slots, f"{key}-devices{number}")
        for number, (values, part) in enumerate(table.groupby(SAME, sort=False))
    ]


def _devices(names: Mapping[str, Any], own: Sequence[Row], slots: Sequence[str], key: str) -> Devices:
    title = "{architecture} {size}, {phase}, batch {batch}, {precision} on {device}".format(**names)
    label = f"{title}: speedup over devices, with the ideal line; numbers in the table"
    known = [row for row in own if row["speedup"] > 0]
    figure = svg.draw(lambda: speedups(known, slots), key, label) if any(row["devices"] > 1 for row in known) else ""
    remark = words.SHARED_CORES if names["device"] == "cpu" else ""
    return Devices(title, [_scaled(row) for row in own], remark, Markup(figure))


def _scaled(row: Row) -> Scaled:
    is_measured = row["status"] == Status.MEASURED
    return Scaled(
        row["contestant"],
        row["devices"],
        step_time(row["seconds"]) if is_measured else "",
        numbers.estimate(row["speedup"], row["speedup_low"], row["speedup_high"]),
        "" if math.isnan(row["efficiency"]) else f"{row['efficiency']:.0%}",
        row["pairs"],
        "" if is_measured else words.status(row["status"], text(row["reason"])),
    )
