"""Scaling with image size: a panel per quantity, a line per network and contestant."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import WIDTH, log_axis, new_figure, panel, printable_label, style
from reports.format.networks import Row
from reports.format.numbers import MILLISECONDS, estimate, plain
from results.schema.record import Status

PANEL, GAP, ABOVE, BELOW, LEFT, RIGHT, LEGEND = 130, 30, 22, 44, 46, 12, 16
"""Pixels: of a panel, between two, above the first, below the last, beside them, of a line of the legend."""


STRETCH = 1.5
"""An interval is drawn up to this many times beyond the values; a wider one runs off the edge."""


LINESTYLES: Sequence[Any] = ("-", "--", ":", "-.")
"""Line styles of networks, if a figure has several."""


Values = tuple[float, float, float]
"""A value and its interval; NaN if there is none."""


def images(row: Row) -> Values:
    return row["images_per_second"], row["images_per_second_low"], row["images_per_second_high"]


def milliseconds(row: Row) -> Values:
    scale = MILLISECONDS / row["megapixels"]
    return scale * row["seconds"], scale * row["seconds_low"], scale * row["seconds_high"]


def _first_call(row: Row) -> Values:
    """The maximum has no interval, as it is no mean."""
    return row["first_call_seconds"], math.nan, math.nan


def _memory(row: Row) -> Values:
    """The median over launches."""
    return row["memory_bytes"] / 1e6, math.nan, math.nan


PANELS: Mapping[str, Callable[[Row], Values]] = {
    "images/s (more is faster)": images,
    "ms per megapixel (less is faster)": milliseconds,
    "first call, s (maximum over launches)": _first_call,
    "memory of a step, MB": _memory,
}


UNITS = dict(zip(PANELS, ("images/s", "ms per megapixel", "s", "MB")))


def pixels(row: Row) -> float:
    """Megapixels of an image."""
    return float(row["megapixels"] / row["batch"])


def size_sweep(own: Sequence[Row], networks: Sequence[str], slots: Sequence[str]) -> Figure:
    """Panels below each other, over the same sizes: a colour and marker per contestant, a line style per network.

    A quantity that no case has is left out.
    """
    panels = {name: of for name, of in PANELS.items() if any(of(row)[0] > 0 for row in own)}
    strokes = {name: LINESTYLES[place % len(LINESTYLES)] for place, name in enumerate(networks)}
    legend = {
        contestant: Line2D([], [], linestyle="none", **style(slots, contestant))
        for contestant in dict.fromkeys(row["contestant"] for row in own)
    }
    if len(networks) > 1:
        legend |= {name: Line2D([], [], color=svg.INK, linestyle=stroke) for name, stroke in strokes.items()}
    below = BELOW + LEGEND * math.ceil(len(legend) / 2)
    height = ABOVE + len(panels) * PANEL + (len(panels) - 1) * GAP + below
    figure = new_figure(height)
    for place, (name, of) in enumerate(panels.items()):
        bottom = height - ABOVE - (place + 1) * PANEL - place * GAP
        axes = figure.add_axes((LEFT / WIDTH, bottom / height, 1 - (LEFT + RIGHT) / WIDTH, PANEL / height))
        axes.set(xscale="log", yscale="log")
        panel(axes, title=name)
        _panel(axes, own, strokes, slots, of, UNITS[name])
        axes.tick_params(axis="x", labelbottom=place == len(panels) - 1)
    axes.set_xlabel("megapixels per image")
    labels = [printable_label(name) for name in legend]
    look = {"fontsize": 9, "frameon": False, "borderpad": 0, "labelspacing": 0.3}
    figure.legend(list(legend.values()), labels, loc="lower center", ncols=2, **look)
    return figure


def _panel(
    axes: Axes,
    own: Sequence[Row],
    strokes: Mapping[str, Any],
    slots: Sequence[str],
    of: Callable[[Row], Values],
    unit: str,
) -> None:
    """A line for each network and contestant; unmeasured cases have no point. Hollow: without an interval."""
    lines: dict[tuple[str, str], list[tuple[float, *Values]]] = {}
    for row in own:
        if row["status"] == Status.MEASURED and of(row)[0] > 0:
            lines.setdefault((row["architecture"], row["contestant"]), []).append((pixels(row), *of(row)))
    for (network, contestant), points in lines.items():
        look = {**style(slots, contestant), "markersize": 4, "linewidth": 1.2}
        across, up, lows, _ = zip(*sorted(points))
        face = "none" if all(map(math.isnan, lows)) else look["color"]
        axes.plot(across, up, linestyle=strokes[network], **{**look, "marker": ""})
        for x, y, low, high in sorted(points):
            (point,) = axes.plot([x], [y], linestyle="none", markerfacecolor=face, clip_on=False, **look)
            where = f"{printable_label(network)}, {x:.3g} megapixels, {printable_label(contestant)}"
            svg.describe(point, tip=f"{where}: {_words(y, low, high)} {unit}")
        if intervals := [(x, low, high) for x, _, low, high in points if low < high]:
            axes.vlines(*zip(*intervals), color=look["color"], linewidth=1.2)
    if lines:
        _limit(axes, [values for points in lines.values() for _, *values in points])
    log_axis(axes.xaxis, *axes.get_xlim())


def _words(value: float, low: float, high: float) -> str:
    return plain(value) if math.isnan(low) else str(estimate(value, low, high))


def _limit(axes: Axes, drawn: Sequence[Sequence[float]]) -> None:
    """Axis limits: all values, and intervals unless they are much wider."""
    values = [value for value, _, _ in drawn]
    ends = [end for one in drawn for end in one if not math.isnan(end)]
    low, high = max(min(ends), min(values) / STRETCH), min(max(ends), max(values) * STRETCH)
    axes.set_ylim(low / 1.1, high * 1.1)
    log_axis(axes.yaxis, *axes.get_ylim())
