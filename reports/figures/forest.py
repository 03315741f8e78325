"""Forest plot: values with their intervals, the claimed ranges, and the paper's values, each below its description."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import COLOURS, REACH, WIDTH, log_axis, new_figure, panel, printable_label
from reports.format.numbers import estimate
from results.schema.findings import ClaimResult, ContrastResult

LETTERS, LINE, BAR, AXIS, MARGIN = 70, 15, 22, 38, 10
"""Letters of a line of text; pixels of a line, of an interval, of the axis below, of the margins."""

LONGEST_TIP = 120
"""Letters of a row's text in a tip."""
FIGURE = re.compile(r"(?:about |≈ ?)?([+\-−]?\d+(?:\.\d+)?) ?(.*)")
SAME_UNIT = {
    "ratio": {"times", "x", "×", "-fold"},
    "%": {"points", "percent"},
    "points": {"%", "point", "percentage points"},
    "percentage points": {"%", "point", "points"},
}


@dataclass(frozen=True)
class Row:
    """A value in `unit` with its interval, None if unknown; `band`: the claimed range, None for an open end.

    `other`: another source's value for the same quantity. `equal`: the value of no difference, drawn as a line.
    `facts`: the phase or part of the page that it is of (reports.figures.drawing.svg).
    """

    words: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    band: tuple[float | None, float | None]
    other: float | None = None
    equal: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def forest(claim: ClaimResult, key: str) -> Markup:
    """A claim's comparisons, their claimed ranges, and the paper's own values; "" without any value."""
    rows = [
        Row(one.statement, one.unit, _value(one), one.low, one.high, one.claimed, papers_own(one))
        for one in claim.contrasts
    ]
    label = f"{claim.id}: each comparison's value and interval against the range that is claimed; numbers in the table"
    return draw(rows, key, label)


def draw(rows: Sequence[Row], key: str, label: str) -> Markup:
    """One axis per unit; "" without any value."""
    units = dict.fromkeys(row.unit for row in rows if row.value is not None)
    if not units:
        return Markup("")
    groups = {unit: [row for row in rows if row.unit == unit] for unit in units}
    return Markup(svg.draw(lambda: _forest(groups), key, label))


def papers_own(contrast: ContrastResult) -> float | None:
    """The paper's value, if it is a single number in the contrast's unit; else None."""
    found = FIGURE.fullmatch(contrast.paper.strip())
    if not found or found[2] not in {"", contrast.unit, *SAME_UNIT.get(contrast.unit, ())}:
        return None
    return float(found[1].replace("−", "-"))


def _value(contrast: ContrastResult) -> float | None:
    return contrast.value if contrast.value is not None and math.isfinite(contrast.value) else None


def _forest(groups: dict[str, list[Row]]) -> Figure:
    heights = {unit: sum(map(_height, rows)) for unit, rows in groups.items()}
    height = sum(heights.values()) + AXIS * len(groups)
    figure, top = new_figure(height), 0
    for unit, rows in groups.items():
        bottom = height - top - heights[unit]
        place = (MARGIN / WIDTH, bottom / height, 1 - 2 * MARGIN / WIDTH, heights[unit] / height)
        _group(figure.add_axes(place), unit, rows)
        top += heights[unit] + AXIS
    return figure


def _height(row: Row) -> int:
    return LINE * len(_lines(row)) + BAR


def _lines(row: Row) -> list[str]:
    return textwrap.wrap(svg.printable(row.words), LETTERS, max_lines=3, placeholder=" …") or [""]


def _group(axes: Axes, unit: str, rows: Sequence[Row]) -> None:
    """Text above each interval; a unit of y is a pixel."""
    axes.set_ylim(sum(map(_height, rows)), 0)
    limits = _limits(unit, rows)
    if unit == "ratio" and limits[0] > 0:
        axes.set(xscale="log", xlim=limits)
        log_axis(axes.xaxis, *limits)
    else:
        axes.set_xlim(limits)
        axes.locator_params(axis="x", nbins=5)
    axes.set(yticks=[], xlabel=svg.printable(unit))
    panel(axes, grid=None, left=False)
    top = 0
    for row in rows:
        lines = _lines(row)
        beside = axes.get_yaxis_transform()
        axes.text(0, top + 2, "\n".join(lines), transform=beside, va="top", fontsize=10, linespacing=1.15)
        _interval(axes, row, top + LINE * len(lines), limits)
        top += _height(row)


def _interval(axes: Axes, row: Row, top: int, limits: tuple[float, float]) -> None:
    """The shaded band with a line at each end; the value as a dot, hollow without an interval."""
    ends = [limit if end is None else end for end, limit in zip(row.band, limits, strict=True)]
    low, high = (min(max(end, limits[0]), limits[1]) for end in ends)
    if row.band != (None, None):
        axes.add_patch(Rectangle((low, top + 3), high - low, BAR - 6, color=COLOURS[2], alpha=0.2, linewidth=0))
    for end in row.band:
        if end is not None:
            axes.plot([end, end], [top + 3, top + BAR - 3], color=COLOURS[2], linewidth=1.5)
    if row.equal is not None:
        axes.plot([row.equal, row.equal], [top + 1, top + BAR - 1], color=svg.INK, linewidth=0.8)
    middle, value = top + BAR / 2, row.value
    if value is None:
        axes.text(0.02, middle, "no value", transform=axes.get_yaxis_transform(), va="center", style="italic")
        return
    known = row.low is not None and row.high is not None
    if row.low is not None and row.high is not None:
        inside = [min(max(end, limits[0]), limits[1]) for end in (row.low, row.high)]
        (line,) = axes.plot(inside, [middle, middle], color=COLOURS[0], linewidth=2.5, solid_capstyle="butt")
        svg.describe(line, **row.facts)
    face = COLOURS[0] if known else "none"
    (point,) = axes.plot([value], [middle], "o", color=COLOURS[0], markersize=7, markerfacecolor=face)
    shown = estimate(value, math.nan if row.low is None else row.low, math.nan if row.high is None else row.high)
    words = textwrap.shorten(row.words, LONGEST_TIP, placeholder=" …")
    svg.describe(point, tip=f"{words}: {shown} {printable_label(row.unit)}", **row.facts)
    if row.other is not None:
        axes.plot(
            [row.other], [middle], "D", color=COLOURS[1], markersize=7, markerfacecolor="none", markeredgewidth=1.8
        )


def _limits(unit: str, rows: Sequence[Row]) -> tuple[float, float]:
    """Axis limits: all values and ends of bands, and intervals unless they are much wider than those."""
    values = [row.value for row in rows if row.value is not None]
    marks = [*values, 1.0] if unit == "ratio" else list(values)
    marks += [end for row in rows for end in row.band if end is not None]
    marks += [row.other for row in rows if row.other is not None]
    ends = [end for row in rows for end in (row.low, row.high) if end is not None]
    if unit == "ratio" and min(marks) > 0:
        low = max(min([*marks, *(end for end in ends if end > 0)]), min(marks) / REACH)
        return low / 1.15, min(max([*marks, *ends]), max(marks) * REACH) * 1.15
    widths = sorted(row.high - row.low for row in rows if row.low is not None and row.high is not None)
    usual = widths[len(widths) // 2] if widths else 0.0
    size = max(max(marks) - min(marks), usual) or max(map(abs, marks)) or 1.0
    low, high = max(min([*marks, *ends]), min(marks) - size), min(max([*marks, *ends]), max(marks) + size)
    margin = 0.08 * ((high - low) or size)
    return low - margin, high + margin
