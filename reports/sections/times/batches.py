"""Scaling: time per image over images per step, and the time of a step over the devices that it is divided over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from reports.figures.drawing import svg
from reports.figures.drawing.selection import round_robin
from reports.figures.lines import lines
from reports.format import numbers
from reports.format.networks import Row, grouped
from reports.format.numbers import FormattedEstimate
from reports.rows.devices import Devices, devices
from reports.sections.section import CampaignView, Section
from results.schema.record import Status
from results.tables.scaling import scaling
from results.words import on

FEWEST = 3
"""Minimum number of batch sizes of a network for a curve."""
SAME = ["architecture", "size", "precision", "device", "devices", "phase"]


@dataclass(frozen=True)
class Batches:
    """One network and phase over batch sizes: for each, images per second by contestant, None if not measured.

    `figure` is "" if it is not drawn.
    """

    title: str
    contestants: Sequence[str]
    rows: Sequence[tuple[int, Sequence[FormattedEstimate | None]]]
    figure: Markup


def batches(cases: pd.DataFrame, slots: Sequence[str], key: str) -> list[Batches]:
    """A table for each network and phase that was measured at several batch sizes, with a curve for some of them."""
    plain = cases[(cases["stream"] == "") & (cases["peak_probe"] == "")]
    found = [
        (dict(zip(SAME, values)), own)
        for values, own in grouped(plain, SAME).items()
        if len({row["batch"] for row in own}) >= FEWEST
    ]
    drawn = {id(own) for _, own in round_robin(found, lambda one: one[0]["architecture"])}
    return [
        _batches(names, own, slots, f"{key}-batches{number}" if id(own) in drawn else "")
        for number, (names, own) in enumerate(found)
    ]


def _batches(names: Mapping[str, Any], own: Sequence[Row], slots: Sequence[str], key: str) -> Batches:
    title = f"{names['architecture']} {names['size']}, {names['phase']}, {names['precision']}"
    title += f" on {on(names['device'], names['devices'])}"
    contestants = list(dict.fromkeys(row["contestant"] for row in own))
    at = {(row["batch"], row["contestant"]): row for row in own}
    table = [
        (batch, [_speed(at.get((batch, one))) for one in contestants])
        for batch in sorted({row["batch"] for row in own})
    ]
    label = f"{title}: images per second over images in a step; numbers in the table"
    figure = svg.draw(lambda: _curves(own, slots), key, label) if key else ""
    return Batches(title, contestants, table, Markup(figure))


def _curves(own: Sequence[Row], slots: Sequence[str]) -> Any:
    x = "images in a step", lambda row: row["batch"]
    return lines(own, slots, x, ("images/s (more is faster)", lambda row: row["images_per_second"]))


def _speed(row: Row | None) -> FormattedEstimate | None:
    if row is None or row["status"] != Status.MEASURED:
        return None
    return numbers.estimate(row["images_per_second"], row["images_per_second_low"], row["images_per_second_high"])


def build(view: CampaignView) -> list[Batches] | None:
    return batches(view.cases, view.contestants, view.key) or None


def build_devices(view: CampaignView) -> list[Devices] | None:
    return devices(scaling([view.campaign]), view.contestants, view.key) or None


SECTION = Section("batches", "Batch-size scaling", "batches.html.j2", build)
DEVICES = Section("devices", "Scaling over devices", "devices.html.j2", build_devices)
