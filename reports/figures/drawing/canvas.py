"""Shared by figures: size, colours, rows with labels, ticks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from reports.figures.drawing import svg

WIDTH, ROW, ABOVE, BELOW, RIGHT, LETTER = 380, 16, 4, 40, 46, 6.4
"""Pixels: of the figure, of a row, of the margins, of a letter. The values stand in the right margin.

The width is about that of a phone, and a third of a large screen: there, letters have their size.
"""


LONGEST_LABEL, LONGEST_TITLE, MOST_TICKS = 24, 56, 5


REACH = 3.0
"""An interval is drawn up to this many times beyond the values; a wider one runs off the edge."""


COLOURS = ("#0072b2", "#c78500", "#8a5cc2", "#00889a", "#5a6b7c", "#a0522d", "#3a9bdc", "#7a7a7a")


MARKERS = ("o", "s", "D", "^", "v", "P", "X", "h", "d")
"""Eight colours, none of them a verdict's green or red, and shapes: combinations repeat after 72.

Each colour has a contrast of 3 or more to the page's paper, light and dark.
"""


@dataclass(frozen=True)
class Mark:
    """One row of a figure; `note`: why there is no value; `peak`: a larger value at another time, as of memory.

    `tip`: its values in words, for the pointer. `facts`: those of its band.
    """

    label: str
    slot: int
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    note: str = ""
    peak: float = math.nan
    tip: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Band:
    """Rows under one heading; `facts`: the phase or part of the page that they are of (reports.figures.drawing.svg)."""

    title: str
    marks: Sequence[Mark]
    facts: Mapping[str, str] = field(default_factory=dict)


def new_figure(height: float, width: float = WIDTH, layout: Literal["constrained"] | None = None) -> Figure:
    """An empty figure of the given pixels. layout: "constrained" if Matplotlib is to place the axes."""
    return Figure(figsize=(width / 72, height / 72), layout=layout)


def panel(
    axes: Axes, grid: Literal["both", "x", "y"] | None = "both", left: bool = True, title: str = "", **style: Any
) -> None:
    """Common style of axes: no frame but the lower and, with `left`, the left line; a faint grid; a title at the left.

    style: further properties of the grid's lines.
    """
    axes.spines[["top", "right"] if left else ["top", "left", "right"]].set_visible(False)
    if grid:
        axes.grid(axis=grid, color=svg.INK, alpha=0.15, linewidth=0.8, **style)
    if title:
        axes.set_title(title, fontsize=10, loc="left", pad=4)


def legend_above(figure: Figure, handles: Sequence[Artist], labels: Sequence[str]) -> None:
    """A legend with one entry per line, in the figure's upper left corner."""
    figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(0, 1), frameon=False, fontsize=10, borderpad=0)


def canvas(bands: Sequence[Band], shown: Callable[[Mark], str]) -> tuple[Figure, Axes]:
    """Headings and labels on the left, `shown` values on the right, or a note; faint lines between the bands."""
    rows = sum(1 + len(band.marks) for band in bands)
    left = 10 + LETTER * max((len(printable_label(mark.label)) for band in bands for mark in band.marks), default=0)
    height = ABOVE + BELOW + ROW * rows
    figure = new_figure(height)
    plot = WIDTH - left - RIGHT
    axes = figure.add_axes((left / WIDTH, BELOW / height, plot / WIDTH, ROW * rows / height))
    axes.set_ylim(rows - 0.5, -0.5)
    panel(axes, grid="x", left=False, clip_on=False)
    axes.set_yticks([])  # labels as plain text: a tick takes ten times as long to make
    beside = axes.get_yaxis_transform()
    for row, item in rows_of(bands):
        if isinstance(item, Band):
            axes.axhline(row - 0.5, color=svg.INK, alpha=0.3, linewidth=0.6, clip_on=False)
            title = printable_label(item.title, LONGEST_TITLE)
            texts = [axes.text(-left / plot, row, title, transform=beside, weight="bold", va="center")]
        else:
            texts = [axes.text(-0.01, row, printable_label(item.label), transform=beside, va="center", ha="right")]
            at_end: dict[str, Any] = {"transform": beside, "va": "center", "ha": "right", "fontsize": 10}
            if not math.isnan(item.value):
                texts.append(axes.text(1 + RIGHT / plot, row, shown(item), **at_end))
            if item.note:
                texts.append(axes.text(0.02, row, item.note, transform=beside, va="center", style="italic", alpha=0.75))
        for one in texts:
            svg.describe(one, **item.facts)
    return figure, axes


def label_axis(axes: Axes, quantity: str) -> None:
    """Name the horizontal axis of a canvas, from the right edge of the figure: below the axis alone, it may not fit."""
    axes.set_xlabel(quantity, x=1 + RIGHT / (WIDTH * axes.get_position().width), ha="right")


def rows_of(bands: Sequence[Band]) -> Iterator[tuple[int, Band | Mark]]:
    """Headings and marks with their row numbers, from the top; the marks with the facts of their band."""
    row = 0
    for band in bands:
        yield row, band
        yield from enumerate((replace(mark, facts=band.facts) for mark in band.marks), row + 1)
        row += 1 + len(band.marks)


def dot(axes: Axes, mark: Mark, row: int, limits: tuple[float, float]) -> None:
    """The value on the line of its interval; hollow if the interval is unknown."""
    colour, known = COLOURS[mark.slot % len(COLOURS)], not math.isnan(mark.low)
    if known:
        ends = [min(max(end, limits[0]), limits[1]) for end in (mark.low, mark.high)]
        (line,) = axes.plot(ends, [row, row], color=colour, linewidth=2.5, solid_capstyle="butt", clip_on=False)
        svg.describe(line, **mark.facts)
    marker = MARKERS[mark.slot % len(MARKERS)]
    face = colour if known else "none"
    (point,) = axes.plot([mark.value], [row], marker, color=colour, markersize=6, markerfacecolor=face, clip_on=False)
    svg.describe(point, tip=mark.tip, **mark.facts)


def bar_style(colour: str, shade: float) -> dict[str, Any]:
    """Of a bar that is paler than its colour: an outline in the full colour, as a shade has too little contrast."""
    return {"facecolor": to_rgba(colour, shade), "edgecolor": colour, "linewidth": 1, "clip_on": False}


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers between the limits, as many of them as fit; at least two."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 1.5, 2, 3, 4, 5, 7), (1, 2, 5), (1, 3), (1,)):
        found = [step * 10.0**decade for decade in decades for step in steps if low <= step * 10.0**decade <= high]
        if len(found) <= MOST_TICKS:
            break
    if len(found) > MOST_TICKS:
        return found[:: math.ceil(len(found) / MOST_TICKS)]
    if len(found) > 1:
        return found
    return [tick for tick in MaxNLocator(MOST_TICKS - 1).tick_values(low, high) if low <= tick <= high]


def style(slots: Sequence[str], contestant: str) -> dict[str, Any]:
    """Colour and shape of a contestant, the same in every figure of a campaign."""
    slot = slots.index(contestant)
    return {"color": COLOURS[slot % len(COLOURS)], "marker": MARKERS[slot % len(MARKERS)], "markersize": 5}


def log_axis(axis: Axis, low: float, high: float) -> None:
    """Round numbers along a logarithmic axis."""
    fixed_ticks(axis, log_ticks(low, high))


def fixed_ticks(axis: Axis, ticks: Sequence[float]) -> None:
    """Set exactly these ticks, labelled with round numbers."""
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FixedFormatter([tick_label(tick) for tick in ticks]))


def tick_label(tick: float) -> str:
    """A round number as a short label."""
    for least, unit, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(tick) >= least:
            return f"{tick / unit:g}{letter}"
    return f"{tick:,g}"


def printable_label(label: str, longest: int = LONGEST_LABEL) -> str:
    """A name shortened to fit beside the rows; the tables have the full name."""
    half = longest // 2
    short = label if len(label) <= longest else f"{label[:half]}…{label[1 - half :]}"
    return svg.printable(short)
