"""The figures: what the tables say, drawn; one function a figure, from rows to SVG.

Each is narrow enough for a phone and names its rows beside them, so that no legend and no colour has to be matched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from reports import svg
from reports.matrix import MILLISECONDS
from reports.networks import Network, Row
from reports.tables import NEEDS, missing
from results.record import Status

WIDTH, ROW, ABOVE, ABOVE_BARE, BELOW, RIGHT, LETTER = 420, 16, 46, 4, 40, 12, 6.4
"""Pixels: of the figure, of a row, of the margins (with and without an upper axis), of a letter."""

LONGEST_LABEL, MOST_TICKS = 24, 5
FLOOR, MEGA = "floor of the table", 1e-6
REACH = 3.0
"""An interval is drawn up to this many times beyond the values; a wider one runs off the edge."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b8628f", "#3a9bdc", "#c78500", "#8a5cc2", "#7a7a7a")
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "h", "d")
"""Eight colours that colour-blind people tell apart, and a number of shapes that only meet again after 72."""


@dataclass(frozen=True)
class Mark:
    """One row of a figure, in milliseconds; without a value, `note` says why."""

    label: str
    slot: int
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    note: str = ""


@dataclass(frozen=True)
class Band:
    """Rows under one heading."""

    title: str
    marks: Sequence[Mark]


def times(network: Network, slots: Sequence[str], key: str) -> str:
    """Time per step of every case of a network, on one logarithmic axis with images/s along its upper side."""
    bands = [_band(phase, network.rows, (phase,), network, slots) for phase in network.phases]
    batch = next(iter(network.rows.values()))["batch"]
    label = f"{network.id}: milliseconds per step and images per second by phase and contestant; numbers in the table"
    return svg.draw(lambda: _times(bands, batch), key, label)


def parts(network: Network, split: Iterable[Row], slots: Sequence[str], key: str) -> str:
    """Forward, backward and update beside infer, from 0 on a linear axis: parts of a step add up."""
    found = {(row["component"], row["contestant"]): row for row in split if row["network"] == network.id}
    found |= {key: row for key, row in network.rows.items() if key[0] == "infer"}
    bands = [_band(part, found, needs, network, slots) for part, needs in NEEDS.items()]
    label = f"{network.id}: milliseconds of infer, forward, backward and update by contestant; numbers in the table"
    return svg.draw(lambda: _parts(bands), key, label)


def memory(network: Network, slots: Sequence[str], key: str) -> str:
    """Memory of a step of every case of a network, on a linear axis from 0, with the floor of its table above them.

    "" where nobody's is known.
    """
    bands = [_memory_band(phase, network, slots) for phase in network.phases]
    if not any(not math.isnan(mark.value) for band in bands for mark in band.marks[1:]):
        return ""
    label = f"{network.id}: megabytes resident during a step by phase and contestant; numbers in the table"
    return svg.draw(lambda: _memory(bands), key, label)


def _memory_band(phase: str, network: Network, slots: Sequence[str]) -> Band:
    own = {who: network.rows[phase, who] for who in network.contestants if (phase, who) in network.rows}
    floors = [row["min_memory_bytes"] for row in own.values() if not math.isnan(row["min_memory_bytes"])]
    floor = floors[0] * MEGA if floors else math.nan
    marks = [Mark(FLOOR, len(slots), floor, note="" if floors else "not known")]
    for who, row in own.items():
        known = not math.isnan(row["memory_bytes"])
        note = "" if known else "not known" if row["status"] == Status.MEASURED else missing(network, who, (phase,))
        marks.append(Mark(who, slots.index(who), row["memory_bytes"] * MEGA, note=note))
    return Band(phase, marks)


def _band(
    title: str, found: Mapping[tuple[str, str], Row], needs: Sequence[str], network: Network, slots: Sequence[str]
) -> Band:
    marks = []
    for who in network.contestants:
        row = found.get((title, who))
        if row is None or math.isnan(row["seconds"]):
            marks.append(Mark(who, slots.index(who), note=missing(network, who, needs)))
        else:
            value, low, high = (row[name] * MILLISECONDS for name in ("seconds", "seconds_low", "seconds_high"))
            marks.append(Mark(who, slots.index(who), value, low, high))
    return Band(title, marks)


def _times(bands: Sequence[Band], batch: int) -> Figure:
    figure, axes = canvas(bands, ABOVE)
    axes.set_xlabel("ms per step (less is faster)")
    limits = _log_limits(_known(bands))
    if limits is None:
        return figure
    axes.set(xscale="log", xlim=limits)
    _ticks(axes, log_ticks(*limits))
    upper = axes.twiny()
    upper.set(xscale="log", xlim=[batch * MILLISECONDS / limit for limit in limits])
    upper.set_xlabel("images/s (more is faster)")
    upper.spines[:].set_visible(False)
    _ticks(upper, log_ticks(*sorted(upper.get_xlim())))
    _place(bands, lambda mark, y: _dot(axes, mark, y, limits))
    return figure


def _parts(bands: Sequence[Band]) -> Figure:
    figure, axes = canvas(bands, ABOVE_BARE)
    axes.set_xlabel("ms per step")
    limits = _linear_limits(_known(bands))
    if limits is None:
        return figure
    axes.set_xlim(limits)
    _ticks(axes, MaxNLocator(MOST_TICKS - 1).tick_values(*limits))
    axes.axvline(0, color=svg.INK, linewidth=0.8)
    _place(bands, lambda mark, y: _bar(axes, mark, y, limits))
    return figure


def _memory(bands: Sequence[Band]) -> Figure:
    figure, axes = canvas(bands, ABOVE_BARE)
    axes.set_xlabel("MB during a step (less is better)")
    limits = _linear_limits(_known(bands))
    if limits is None:
        return figure
    axes.set_xlim(limits)
    _ticks(axes, MaxNLocator(MOST_TICKS - 1).tick_values(*limits))
    _place(bands, lambda mark, y: _solid_bar(axes, mark, y))
    return figure


def _solid_bar(axes: Axes, mark: Mark, row: int) -> None:
    colour = svg.INK if mark.label == FLOOR else COLOURS[mark.slot % len(COLOURS)]
    axes.barh([row], [mark.value], height=0.62, color=colour, alpha=0.75, linewidth=0)


def canvas(bands: Sequence[Band], above: int) -> tuple[Figure, Axes]:
    """Headings and labels on the left, a note where a value is missing, faint lines between the bands."""
    rows = sum(1 + len(band.marks) for band in bands)
    left = 10 + LETTER * max((len(printable_label(mark.label)) for band in bands for mark in band.marks), default=0)
    height = above + BELOW + ROW * rows
    figure = Figure(figsize=(WIDTH / 72, height / 72))
    plot = WIDTH - left - RIGHT
    axes = figure.add_axes((left / WIDTH, BELOW / height, plot / WIDTH, ROW * rows / height))
    axes.set_ylim(rows - 0.5, -0.5)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.grid(axis="x", color=svg.INK, alpha=0.15, linewidth=0.8, clip_on=False)
    axes.set_yticks([])  # labels as plain text: a tick takes ten times as long to make
    beside = axes.get_yaxis_transform()
    for row, item in rows_of(bands):
        if isinstance(item, Band):
            axes.axhline(row - 0.5, color=svg.INK, alpha=0.3, linewidth=0.6, clip_on=False)
            axes.text(-left / plot, row, printable_label(item.title), transform=beside, weight="bold", va="center")
        else:
            axes.text(-0.01, row, printable_label(item.label), transform=beside, va="center", ha="right")
            if item.note:
                axes.text(0.02, row, item.note, transform=beside, va="center", style="italic", alpha=0.75)
    return figure, axes


def rows_of(bands: Sequence[Band]) -> Iterator[tuple[int, Band | Mark]]:
    """Headings and marks with the row that each stands in, from the top."""
    row = 0
    for band in bands:
        yield row, band
        yield from enumerate(band.marks, row + 1)
        row += 1 + len(band.marks)


def _place(bands: Sequence[Band], paint: Callable[[Mark, int], None]) -> None:
    for row, item in rows_of(bands):
        if isinstance(item, Mark) and not math.isnan(item.value):
            paint(item, row)


def _dot(axes: Axes, mark: Mark, row: int, limits: tuple[float, float]) -> None:
    """The value, hollow if its interval is unknown, on the line of its interval."""
    colour, known = COLOURS[mark.slot % len(COLOURS)], not math.isnan(mark.low)
    if known:
        ends = [min(max(end, limits[0]), limits[1]) for end in (mark.low, mark.high)]
        axes.plot(ends, [row, row], color=colour, linewidth=2.5, solid_capstyle="butt", clip_on=False)
    marker = MARKERS[mark.slot % len(MARKERS)]
    face = colour if known else "none"
    axes.plot([mark.value], [row], marker, color=colour, markersize=6, markerfacecolor=face, clip_on=False)


def _bar(axes: Axes, mark: Mark, row: int, limits: tuple[float, float]) -> None:
    axes.barh([row], [mark.value], height=0.62, color=COLOURS[mark.slot % len(COLOURS)], alpha=0.35, linewidth=0)
    _dot(axes, mark, row, limits)


def _known(bands: Sequence[Band]) -> list[Mark]:
    return [mark for band in bands for mark in band.marks if not math.isnan(mark.value)]


def _log_limits(marks: Sequence[Mark]) -> tuple[float, float] | None:
    if not marks:
        return None
    least, most = min(mark.value for mark in marks), max(mark.value for mark in marks)
    low = max(min(_ends(marks, "low")), least / REACH)
    high = min(max(_ends(marks, "high")), most * REACH)
    return low / 1.15, high * 1.15


def _linear_limits(marks: Sequence[Mark]) -> tuple[float, float] | None:
    if not marks:
        return None
    size = max(abs(mark.value) for mark in marks) or max(_ends(marks, "high")) or 1.0
    low = max(min(0.0, *_ends(marks, "low")), min(0.0, *(mark.value for mark in marks)) - size)
    high = min(max(0.0, *_ends(marks, "high")), max(0.0, *(mark.value for mark in marks)) + size)
    margin = 0.04 * (high - low)
    return low - (margin if low < 0 else 0.0), high + margin


def _ends(marks: Sequence[Mark], name: str) -> list[float]:
    """One end of every interval, the value where the interval is unknown."""
    return [mark.value if math.isnan(end := getattr(mark, name)) else end for mark in marks]


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


def _ticks(axes: Axes, ticks: Sequence[float]) -> None:
    fixed_ticks(axes.xaxis, ticks)


def style(slots: Sequence[str], who: str) -> dict[str, Any]:
    """Colour and shape of a contestant, the same in every figure of a campaign."""
    slot = slots.index(who)
    return {"color": COLOURS[slot % len(COLOURS)], "marker": MARKERS[slot % len(MARKERS)], "markersize": 5}


def log_axis(axis: Axis, low: float, high: float) -> None:
    """Round numbers along a logarithmic axis."""
    fixed_ticks(axis, log_ticks(low, high))


def fixed_ticks(axis: Axis, ticks: Sequence[float]) -> None:
    """These and no others, each as a round number."""
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FixedFormatter([tick_label(tick) for tick in ticks]))


def tick_label(tick: float) -> str:
    """A round number, short enough to stand beside its neighbours."""
    for least, unit, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(tick) >= least:
            return f"{tick / unit:g}{letter}"
    return f"{tick:,g}"


def printable_label(label: str) -> str:
    """A name that fits beside the rows; the tables have all of it."""
    half = LONGEST_LABEL // 2
    short = label if len(label) <= LONGEST_LABEL else f"{label[:half]}…{label[1 - half :]}"
    return svg.printable(short)
