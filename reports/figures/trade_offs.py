"""Time against memory of a network's contestants; those that another beats in both are hollow."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import fixed_ticks, log_ticks, new_figure, panel, printable_label, style
from reports.format.networks import Network, Row
from reports.format.numbers import MILLISECONDS, plain

HEIGHT, PLOT, LINE = 260, 200, 12
"""Pixels of the figure, of its axes, and of a line of text."""
MARGIN = 1.25
MOST = 12
"""The labels of more contestants would cover each other."""
MEGA = 1e-6


def trade_offs(network: Network, phase: str, slots: Sequence[str], key: str) -> str:
    """The figure of a phase; "" if time and memory of fewer than two contestants are known, or of more than MOST."""
    rows = [network.rows[phase, one] for one in network.contestants if (phase, one) in network.rows]
    known = [row for row in rows if row["seconds"] > 0 and row["memory_bytes"] > 0]
    if not 2 <= len(known) <= MOST:
        return ""
    label = f"{network.id}, {phase}: milliseconds of a step against its megabytes; numbers in the tables"
    return svg.draw(lambda: _draw(known, slots), key, label)


def is_on_frontier(row: Row, rows: Sequence[Row]) -> bool:
    """Whether no other row is as good in both time and memory and better in one."""
    own = row["seconds"], row["memory_bytes"]
    others = [(one["seconds"], one["memory_bytes"]) for one in rows]
    return not any(other != own and other[0] <= own[0] and other[1] <= own[1] for other in others)


def _shifts(limits: tuple[float, float], values: Sequence[float]) -> list[float]:
    """Points by which labels move up so that they do not cover those of lower values."""
    scale = PLOT / math.log(limits[1] / limits[0])
    shifts, free = [0.0] * len(values), -math.inf
    for place in sorted(range(len(values)), key=lambda place: values[place]):
        own = scale * math.log(values[place])
        shifts[place] = max(free - own, 0.0)
        free = own + shifts[place] + LINE
    return shifts


def _draw(rows: Sequence[Row], slots: Sequence[str]) -> Figure:
    figure = new_figure(HEIGHT, layout="constrained")
    axes = figure.add_subplot()
    points = [(MILLISECONDS * row["seconds"], MEGA * row["memory_bytes"]) for row in rows]
    axes.set(xscale="log", yscale="log", xlabel="ms per step (logarithmic)", ylabel="MB of a step (logarithmic)")
    axes.set_xlim(min(x for x, _ in points) / MARGIN, max(x for x, _ in points) * MARGIN**2)
    axes.set_ylim(min(y for _, y in points) / MARGIN, max(y for _, y in points) * MARGIN)
    for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        fixed_ticks(axis, log_ticks(*limits))
    panel(axes)
    for row, (x, y), shift in zip(rows, points, _shifts(axes.get_ylim(), [y for _, y in points]), strict=True):
        look = style(slots, row["contestant"])
        face = look["color"] if is_on_frontier(row, rows) else "none"
        (point,) = axes.plot([x], [y], linestyle="none", markerfacecolor=face, **{**look, "markersize": 7})
        label = printable_label(row["contestant"])
        svg.describe(point, tip=f"{label}: {plain(x)} ms, {plain(y)} MB")
        axes.annotate(label, (x, y), (7, shift), textcoords="offset points", va="center", fontsize=10)
    frontier = sorted(point for point, row in zip(points, rows, strict=True) if is_on_frontier(row, rows))
    axes.step(*zip(*frontier), where="post", color=svg.INK, linewidth=0.8, alpha=0.5)
    return figure
