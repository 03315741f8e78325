"""A line a contestant over something that grows, both axes logarithmic."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.figure import Figure

from reports import svg
from reports.figures import WIDTH, log_axis, printable_label, style
from reports.networks import Row
from results.record import Status

HEIGHT = 300

Of = Callable[[Row], float]


def lines(rows: Sequence[Row], slots: Sequence[str], x: tuple[str, Of], y: tuple[str, Of]) -> Figure:
    """`x` and `y`: what an axis is called, and its value of a row of `cases`. What was not measured has no point."""
    figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xscale="log", yscale="log", xlabel=x[0], ylabel=y[0])
    axes.grid(color=svg.INK, alpha=0.15, linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    for who in dict.fromkeys(row["contestant"] for row in rows):
        own = [row for row in rows if row["contestant"] == who and row["status"] == Status.MEASURED]
        points = sorted((x[1](row), y[1](row)) for row in own)
        across, up = zip(*points) if points else ((), ())
        axes.plot(across, up, label=printable_label(who), **style(slots, who))
    for axis, ends in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        log_axis(axis, *ends)
    figure.legend(loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    return figure
