"""Bars of each layer's time by contestant."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import (
    REACH,
    WIDTH,
    bar_style,
    legend_above,
    new_figure,
    panel,
    printable_label,
    style,
)
from reports.format import numbers
from reports.format.networks import Row
from reports.format.numbers import MILLISECONDS
from results.schema.record import Status

ABOVE, BELOW, LEFT, RIGHT, BAR, GAP, LEGEND = 8, 40, 100, 14, 9, 6, 16
"""Pixels: of the margins, of a bar, between two layers, of a line of the legend."""


def milliseconds(seconds: float) -> tuple[float, str] | None:
    return None if math.isnan(seconds) else numbers.milliseconds(seconds)


def layer_bars(
    found: Mapping[tuple[str, str], Row], layers: Sequence[str], contestants: Sequence[str], slots: Sequence[str]
) -> Figure:
    """A bar from 0 for each contestant of each layer."""
    each, above = GAP + BAR * len(contestants), ABOVE + LEGEND * len(contestants)
    height = above + each * len(layers) + BELOW
    figure = new_figure(height)
    axes = figure.add_axes(
        (LEFT / WIDTH, BELOW / height, 1 - (LEFT + RIGHT) / WIDTH, 1 - (above + BELOW) / height),
        xlabel="ms, each layer in isolation (less is faster)",
        xlim=(0, _end(list(found.values()))),
        ylim=(each * len(layers), 0),
    )
    for number, layer in enumerate(layers):
        for place, one in enumerate(contestants):
            _bar(axes, found.get((layer, one)), each * number + GAP / 2 + BAR * (place + 0.5), style(slots, one))
    axes.set_yticks([each * (number + 0.5) for number in range(len(layers))], list(map(printable_label, layers)))
    axes.tick_params(axis="y", length=0)
    panel(axes, grid="x")
    axes.locator_params(axis="x", nbins=5)
    handles = [Line2D([], [], **style(slots, one)) for one in contestants]
    labels = list(map(printable_label, contestants))
    legend_above(figure, handles, labels)
    return figure


def _end(own: Sequence[Row]) -> float:
    """The end of the axis: the longest interval, unless it is much longer than the times."""
    measured = [row for row in own if row["status"] == Status.MEASURED]
    most: float = max((row["seconds"] for row in measured), default=1.0)
    highs: list[float] = [row["seconds_high"] for row in measured if not math.isnan(row["seconds_high"])]
    return 1.05 * MILLISECONDS * min(max([most, *highs]), REACH * most)


def _bar(axes: Axes, row: Row | None, y: float, look: Mapping[str, Any]) -> None:
    """A bar with its interval and the contestant's marker, hollow if the interval is unknown."""
    if row is None or row["status"] != Status.MEASURED:
        axes.text(0, y, " not measured", va="center", fontsize=7, style="italic")
        return
    value, low, high = (MILLISECONDS * row[name] for name in ("seconds", "seconds_low", "seconds_high"))
    (bar,) = axes.barh([y], [value], height=BAR - 2, **bar_style(look["color"], 0.3))
    shown = numbers.estimate(value, low, high)
    svg.describe(bar, tip=f"{printable_label(row['layer'])}, {printable_label(row['contestant'])}: {shown} ms")
    axes.plot([low, high], [y, y], color=look["color"], linewidth=2, solid_capstyle="butt")
    axes.plot([value], [y], clip_on=False, markerfacecolor="none" if math.isnan(low) else look["color"], **look)
