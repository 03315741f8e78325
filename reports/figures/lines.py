"""A line per contestant over an increasing quantity, on logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from matplotlib.figure import Figure

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import WIDTH, log_axis, new_figure, panel, printable_label, style
from reports.format.networks import Row
from reports.format.numbers import plain
from results.schema.record import Status

HEIGHT, LEFT, RIGHT, ABOVE, BELOW, LEGEND = 280, 62, 12, 8, 44, 16
"""Pixels: of the figure without its legend, of the margins, of a line of the legend."""

Of = Callable[[Row], float]


def lines(rows: Sequence[Row], slots: Sequence[str], x: tuple[str, Of], y: tuple[str, Of]) -> Figure:
    """`x` and `y`: an axis's label, and the function from a row of `cases` to its value. Unmeasured: no point."""
    contestants = list(dict.fromkeys(row["contestant"] for row in rows))
    below = BELOW + LEGEND * math.ceil(len(contestants) / 2)
    height = HEIGHT - BELOW + below
    figure = new_figure(height)
    width = WIDTH - LEFT - RIGHT
    axes = figure.add_axes((LEFT / WIDTH, below / height, width / WIDTH, (height - ABOVE - below) / height))
    axes.set(xscale="log", yscale="log", xlabel=x[0], ylabel=y[0])
    panel(axes)
    for contestant in contestants:
        own = [row for row in rows if row["contestant"] == contestant and row["status"] == Status.MEASURED]
        points = sorted((x[1](row), y[1](row)) for row in own)
        across, up = zip(*points) if points else ((), ())
        label, look = printable_label(contestant), style(slots, contestant)
        axes.plot(across, up, label=label, **look)
        for one, other in points:
            (point,) = axes.plot([one], [other], linestyle="none", clip_on=False, **look)
            svg.describe(point, tip=f"{label}: {plain(other)} {y[0].partition(' (')[0]} at {plain(one)} {x[0]}")
    for axis, ends in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        log_axis(axis, *ends)
    figure.legend(loc="lower center", ncols=2, fontsize=9, frameon=False, borderpad=0, labelspacing=0.3)
    return figure
