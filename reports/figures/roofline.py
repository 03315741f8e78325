"""The roofline: work per second over work per byte that must be moved, below the machine's measured peaks.

After Williams, Waterman and Patterson (2009). A case of which data stay in caches between steps may lie above the
slope, which is the bound for fetching all data from memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import log_axis, new_figure, panel, printable_label, style
from reports.format.networks import Row
from reports.format.numbers import plain
from results.compare.limits import Kind, Limits, roof

HEIGHT, LINE = 360, 14
"""Pixels of the figure with a legend of up to 4 lines, and of a further line."""
GIGA = 1e-9


def roofline(rows: Sequence[Row], limits: Limits, kind: Kind, slots: Sequence[str], key: str) -> str:
    """The figure of one precision and device; "" without a measured peak or a case."""
    known = [
        row
        for row in rows
        if (row["precision"], row["device"]) == kind and not row["peak_probe"] and row["macs_per_second"] > 0
    ]
    if not known or math.isnan(roof(limits, kind, 1.0)):
        return ""
    label = f"{kind[0]} on {kind[1]}: multiply-accumulates per second over those per byte; numbers in the tables"
    return svg.draw(lambda: _draw(known, limits, kind, slots), key, label)


def _draw(rows: Sequence[Row], limits: Limits, kind: Kind, slots: Sequence[str]) -> Figure:
    contestants = len({row["contestant"] for row in rows})
    figure = new_figure(HEIGHT + LINE * max(math.ceil(contestants / 2) - 4, 0), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xscale="log", yscale="log", xlabel="MAC per byte moved", ylabel="GMAC/s (more is faster)")
    panel(axes)
    intensities = [row["macs_per_byte"] for row in rows]
    line = np.geomspace(min(intensities) / 3, max(intensities) * 3, 100)
    axes.plot(line, [GIGA * roof(limits, kind, float(one)) for one in line], color=svg.INK, linewidth=1.5)
    for contestant in dict.fromkeys(row["contestant"] for row in rows):
        name = printable_label(contestant)
        look = {**style(slots, contestant), "linestyle": "none", "clip_on": False}
        axes.plot([], [], label=name, **look)
        for row in (row for row in rows if row["contestant"] == contestant):
            across, up = row["macs_per_byte"], GIGA * row["macs_per_second"]
            (point,) = axes.plot([across], [up], **look)
            where = f"{printable_label(row['architecture'])}, {row['phase']}, {name}"
            svg.describe(point, tip=f"{where}: {plain(up)} GMAC/s, {plain(across)} MAC per byte", phase=row["phase"])
    for network in dict.fromkeys(row["architecture"] for row in rows):
        own = [row for row in rows if row["architecture"] == network]
        highest = max(own, key=lambda row: row["macs_per_second"])
        place = highest["macs_per_byte"], GIGA * highest["macs_per_second"]
        axes.annotate(
            printable_label(network), place, (0, 7), textcoords="offset points", ha="center", fontsize=9, alpha=0.9
        )
    for axis, ends in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        log_axis(axis, *ends)
    figure.legend(loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    return figure
