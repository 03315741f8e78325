"""Speedup over the devices that a step is divided over, with the ideal line."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import WIDTH, fixed_ticks, log_ticks, new_figure, panel, printable_label, style
from reports.format.networks import Row

HEIGHT, LEFT, RIGHT, ABOVE, BELOW, LEGEND = 280, 62, 12, 8, 44, 16
"""Pixels: of the figure without its legend, of the margins, of a line of the legend."""
MARGIN = 1.1
"""Factor of the vertical axis beyond what is drawn."""


def speedups(rows: Sequence[Row], slots: Sequence[str]) -> Figure:
    """A line per contestant, with intervals. `rows`: those of results.tables.scaling that have a speedup."""
    contestants = list(dict.fromkeys(row["contestant"] for row in rows))
    below = BELOW + LEGEND * math.ceil((len(contestants) + 1) / 2)
    height = HEIGHT - BELOW + below
    figure = new_figure(height)
    width = WIDTH - LEFT - RIGHT
    axes = figure.add_axes((LEFT / WIDTH, below / height, width / WIDTH, (height - ABOVE - below) / height))
    axes.set(xscale="log", yscale="log", xlabel="devices", ylabel="speedup (more is faster)")
    panel(axes)
    counts = sorted({row["devices"] for row in rows} | {1})
    axes.plot(counts, counts, color=svg.INK, linestyle="--", linewidth=1, alpha=0.6, label="ideal")
    for contestant in contestants:
        own = sorted((row for row in rows if row["contestant"] == contestant), key=lambda row: row["devices"])
        look = style(slots, contestant)
        across, up = [row["devices"] for row in own], [row["speedup"] for row in own]
        axes.plot(across, up, label=printable_label(contestant), **look)
        if known := [row for row in own if row["speedup_low"] < row["speedup_high"]]:
            ends = zip(*((row["devices"], row["speedup_low"], row["speedup_high"]) for row in known))
            axes.vlines(*ends, color=look["color"], linewidth=1.2)
    fixed_ticks(axes.xaxis, counts)
    drawn = [row["speedup"] for row in rows]
    low, high = min(1, *drawn) / MARGIN, max(*counts, *drawn) * MARGIN
    axes.set_ylim(low, high)
    fixed_ticks(axes.yaxis, log_ticks(low, high))
    figure.legend(loc="lower center", ncols=2, fontsize=9, frameon=False, borderpad=0, labelspacing=0.3)
    return figure
