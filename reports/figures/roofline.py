"""The roofline: work per second over work per byte that must be moved, below the machine's measured peaks.

After Williams, Waterman and Patterson (2009). A case of which data stay in caches between steps may lie above the
slope, which is the bound for fetching all data from memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import WIDTH, log_axis, new_figure, panel, printable_label, style
from reports.format.networks import Row
from reports.format.numbers import plain
from results.compare.limits import Kind, Limits, roof

HEIGHT, LEFT, RIGHT, ABOVE, BELOW, LINE = 290, 52, 10, 8, 42, 14
"""Pixels: of the figure without its legend and what is below the axes, of the margins, of a line of the legend."""
SIDES = ((0, np.argmax), (0, np.argmin), (1, np.argmax), (1, np.argmin))
"""Axis of pixels, and the function that finds the point farthest on its right, left, upper and lower side."""
Pixels = np.ndarray[Any, np.dtype[np.float64]]
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
    below = BELOW + LINE * math.ceil(contestants / 2)
    height = HEIGHT + below
    figure = new_figure(height)
    width = WIDTH - LEFT - RIGHT
    axes = figure.add_axes((LEFT / WIDTH, below / height, width / WIDTH, (HEIGHT - ABOVE) / height))
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
    for axis, ends in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        log_axis(axis, *ends)
    _name_clusters(axes, rows)
    figure.legend(loc="lower center", ncols=2, fontsize=9, frameon=False, borderpad=0, labelspacing=0.3)
    return figure


def _name_clusters(axes: Axes, rows: Sequence[Row]) -> None:
    """Write each network's name on the side of its points that is farthest from other points and from the roof."""
    (roof_line, *_) = axes.lines
    to_pixels = axes.transData.transform
    taken = list(to_pixels(np.column_stack(roof_line.get_data())))
    points = {
        network: to_pixels([(row["macs_per_byte"], GIGA * row["macs_per_second"]) for row in own])
        for network, own in _by_network(rows).items()
    }
    taken += [point for own in points.values() for point in own]
    for network, own in points.items():
        label = printable_label(network)
        half = 2.5 * len(label)
        right, left, top, bottom = (own[find(own[:, axis])] for axis, find in SIDES)
        sides = [top + (0, 10), bottom - (0, 10), right + (half + 6, 0), left - (half + 6, 0)]
        x, y = max(sides, key=lambda side: _free(side, half, taken, axes))
        taken += [np.array((x + shift, y)) for shift in (-half, 0, half)]
        axes.text(x, y, label, transform=None, ha="center", va="center", fontsize=9)


def _free(side: Pixels, half: float, taken: Sequence[Pixels], axes: Axes) -> float:
    """Pixels between a label of that half width and what is drawn; less than 0 where it would leave the axes."""
    (x, y), box = side, axes.bbox
    if not (box.x0 < x - half and x + half < box.x1 and box.y0 + 6 < y < box.y1 - 6):
        return -1.0
    return min(math.hypot(max(abs(one[0] - x) - half, 0.0), one[1] - y) for one in taken)


def _by_network(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["architecture"], []).append(row)
    return found
