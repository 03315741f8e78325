"""Where a step goes by layer: bars to compare contestants by, and each layer's share of its contestant's own step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports import numbers, svg
from reports.figures import REACH, WIDTH, printable_label, style
from reports.networks import Row, rows, text
from results.record import Status

MILLISECONDS, PERCENT = 1e3, 100.0
ABOVE, BELOW, LEFT, RIGHT, BAR, GAP, LEGEND = 8, 40, 100, 14, 9, 6, 16
"""Pixels: of the margins, of a bar, between two layers, of a line of the legend."""
KEYS = ["network", "size", "batch", "precision", "device", "phase"]


@dataclass(frozen=True)
class Cell:
    """A layer in a contestant: milliseconds, and its share of that contestant's step in percent; or why not."""

    time: tuple[float, str] | None
    share: numbers.Shown | None = None
    missing: str = ""


@dataclass(frozen=True)
class LayerRow:
    layer: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class LayerTable:
    """A network in one phase: a row a layer, a cell a contestant; `sums` and `wholes` are of all its layers."""

    title: str
    contestants: Sequence[str]
    rows: Sequence[LayerRow]
    sums: Sequence[numbers.Shown | None]
    wholes: Sequence[tuple[float, str] | None]
    figure: Markup


def layer_tables(table: pd.DataFrame, slots: Sequence[str], key: str) -> list[LayerTable]:
    """One for each network and phase of which layers were timed alone."""
    groups = table.groupby(KEYS, sort=False)
    return [
        _table(dict(zip(KEYS, values)), rows(part), slots, f"{key}{number}")
        for number, (values, part) in enumerate(groups)
    ]


def _table(names: Mapping[str, object], own: Sequence[Row], slots: Sequence[str], key: str) -> LayerTable:
    title = "{network} {size}, {phase}, batch {batch}, {precision} on {device}".format(**names)
    found = {(row["layer"], row["contestant"]): row for row in own}
    layers, who = (list(dict.fromkeys(row[name] for row in own)) for name in ("layer", "contestant"))
    firsts = [next(row for row in own if row["contestant"] == one) for one in who]
    label = f"{title}: milliseconds of each layer alone by contestant; numbers in the table"
    return LayerTable(
        title,
        who,
        [LayerRow(layer, [_cell(found.get((layer, one))) for one in who]) for layer in layers],
        [_percent(row, "sum_share") for row in firsts],
        [_milliseconds(row["whole_seconds"]) for row in firsts],
        Markup(svg.draw(lambda: _bars(found, layers, who, slots), key, label)),
    )


def _cell(row: Row | None) -> Cell:
    if row is None:
        return Cell(None, missing="no record")
    if row["status"] != Status.MEASURED:
        return Cell(None, missing=f"{row['status'].replace('_', ' ')}: {text(row['reason'])}")
    return Cell(_milliseconds(row["seconds"]), _percent(row, "share"))


def _milliseconds(seconds: float) -> tuple[float, str] | None:
    return None if math.isnan(seconds) else (MILLISECONDS * seconds, numbers.plain(MILLISECONDS * seconds))


def _percent(row: Row, name: str) -> numbers.Shown | None:
    return numbers.estimate(row[name], row[f"{name}_low"], row[f"{name}_high"], PERCENT)


def _bars(
    found: Mapping[tuple[str, str], Row], layers: Sequence[str], who: Sequence[str], slots: Sequence[str]
) -> Figure:
    """A bar for each contestant of each layer, from 0."""
    each, above = GAP + BAR * len(who), ABOVE + LEGEND * len(who)
    height = above + each * len(layers) + BELOW
    figure = Figure(figsize=(WIDTH / 72, height / 72))
    axes = figure.add_axes(
        (LEFT / WIDTH, BELOW / height, 1 - (LEFT + RIGHT) / WIDTH, 1 - (above + BELOW) / height),
        xlabel="ms, each layer alone (less is faster)",
        xlim=(0, _end(list(found.values()))),
        ylim=(each * len(layers), 0),
    )
    for number, layer in enumerate(layers):
        for place, one in enumerate(who):
            _bar(axes, found.get((layer, one)), each * number + GAP / 2 + BAR * (place + 0.5), style(slots, one))
    axes.set_yticks([each * (number + 0.5) for number in range(len(layers))], list(map(printable_label, layers)))
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color=svg.INK, alpha=0.15, linewidth=0.8)
    axes.locator_params(axis="x", nbins=5)
    handles = [Line2D([], [], **style(slots, one)) for one in who]
    labels = list(map(printable_label, who))
    figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(0, 1), frameon=False, fontsize=10, borderpad=0)
    return figure


def _end(own: Sequence[Row]) -> float:
    """Where the axis ends: at the longest interval, unless that is out of all proportion to the times."""
    measured = [row for row in own if row["status"] == Status.MEASURED]
    most: float = max((row["seconds"] for row in measured), default=1.0)
    highs: list[float] = [row["seconds_high"] for row in measured if not math.isnan(row["seconds_high"])]
    return 1.05 * MILLISECONDS * min(max([most, *highs]), REACH * most)


def _bar(axes: Axes, row: Row | None, y: float, look: Mapping[str, Any]) -> None:
    """With its interval, and the contestant's sign at its end: hollow where the interval is unknown."""
    if row is None or row["status"] != Status.MEASURED:
        axes.text(0, y, " not measured", va="center", fontsize=7, style="italic")
        return
    value, low, high = (MILLISECONDS * row[name] for name in ("seconds", "seconds_low", "seconds_high"))
    axes.barh([y], [value], height=BAR - 1, color=look["color"], alpha=0.4, linewidth=0)
    axes.plot([low, high], [y, y], color=look["color"], linewidth=2, solid_capstyle="butt")
    axes.plot([value], [y], clip_on=False, markerfacecolor="none" if math.isnan(low) else look["color"], **look)
