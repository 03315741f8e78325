"""Figures of a network's tables; one function per figure, from rows to SVG.

Each fits the width of a phone and has labels beside its rows, so that no legend or colour is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import (
    ABOVE,
    ABOVE_BARE,
    COLOURS,
    MARKERS,
    MOST_TICKS,
    REACH,
    Band,
    Mark,
    canvas,
    fixed_ticks,
    log_ticks,
    rows_of,
)
from reports.format.networks import Network, Row
from reports.format.numbers import MILLISECONDS
from reports.format.words import NEEDS, missing
from results.schema.record import Status

Bar = Callable[[Axes, Mark, int, tuple[float, float]], None]

FLOOR, MEGA = "minimum memory", 1e-6


def times(network: Network, slots: Sequence[str], key: str) -> str:
    """Time per step of every case of a network, on one logarithmic axis with images/s along its upper side."""
    bands = [_band(phase, network.rows, (phase,), network, slots) for phase in network.phases]
    batch = next(iter(network.rows.values()))["batch"]
    label = f"{network.id}: milliseconds per step and images per second by phase and contestant; numbers in the table"
    return svg.draw(lambda: _times(bands, batch), key, label)


def parts(network: Network, split: Iterable[Row], slots: Sequence[str], key: str) -> str:
    """Forward, backward and update beside infer, on a linear axis from 0, as components of a step add up."""
    found = {(row["component"], row["contestant"]): row for row in split if row["network"] == network.id}
    found |= {key: row for key, row in network.rows.items() if key[0] == "infer"}
    bands = [_band(part, found, needs, network, slots) for part, needs in NEEDS.items()]
    label = f"{network.id}: milliseconds of infer, forward, backward and update by contestant; numbers in the table"
    return svg.draw(lambda: _bars(bands, "ms per step", _bar), key, label)


def memory(network: Network, slots: Sequence[str], key: str) -> str:
    """Memory of a step of every case of a network, on a linear axis from 0, with the minimum by its table above them.

    "" if none is known.
    """
    bands = [_memory_band(phase, network, slots) for phase in network.phases]
    if not any(not math.isnan(mark.value) for band in bands for mark in band.marks[1:]):
        return ""
    label = f"{network.id}: peak resident megabytes of a step by phase and contestant; numbers in the table"
    return svg.draw(lambda: _bars(bands, "MB during a step (less is better)", _solid_bar), key, label)


def _memory_band(phase: str, network: Network, slots: Sequence[str]) -> Band:
    own = {
        contestant: network.rows[phase, contestant]
        for contestant in network.contestants
        if (phase, contestant) in network.rows
    }
    floors = [row["min_memory_bytes"] for row in own.values() if not math.isnan(row["min_memory_bytes"])]
    floor = floors[0] * MEGA if floors else math.nan
    marks = [Mark(FLOOR, len(slots), floor, note="" if floors else "not known")]
    for contestant, row in own.items():
        known = not math.isnan(row["memory_bytes"])
        note = (
            "" if known else "not known" if row["status"] == Status.MEASURED else missing(network, contestant, (phase,))
        )
        marks.append(Mark(contestant, slots.index(contestant), row["memory_bytes"] * MEGA, note=note))
    return Band(phase, marks)


def _band(
    title: str, found: Mapping[tuple[str, str], Row], needs: Sequence[str], network: Network, slots: Sequence[str]
) -> Band:
    marks = []
    for contestant in network.contestants:
        row = found.get((title, contestant))
        if row is None or math.isnan(row["seconds"]):
            marks.append(Mark(contestant, slots.index(contestant), note=missing(network, contestant, needs)))
        else:
            value, low, high = (row[name] * MILLISECONDS for name in ("seconds", "seconds_low", "seconds_high"))
            marks.append(Mark(contestant, slots.index(contestant), value, low, high))
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


def _bars(bands: Sequence[Band], quantity: str, bar: Bar) -> Figure:
    """Rows of bars on a linear axis from 0 with the label `quantity`."""
    figure, axes = canvas(bands, ABOVE_BARE)
    axes.set_xlabel(quantity)
    limits = _linear_limits(_known(bands))
    if limits is None:
        return figure
    axes.set_xlim(limits)
    _ticks(axes, MaxNLocator(MOST_TICKS - 1).tick_values(*limits))
    axes.axvline(0, color=svg.INK, linewidth=0.8)
    _place(bands, lambda mark, y: bar(axes, mark, y, limits))
    return figure


def _solid_bar(axes: Axes, mark: Mark, row: int, limits: tuple[float, float]) -> None:
    colour = svg.INK if mark.label == FLOOR else COLOURS[mark.slot % len(COLOURS)]
    axes.barh([row], [mark.value], height=0.62, color=colour, alpha=0.75, linewidth=0)


def _place(bands: Sequence[Band], paint: Callable[[Mark, int], None]) -> None:
    for row, item in rows_of(bands):
        if isinstance(item, Mark) and not math.isnan(item.value):
            paint(item, row)


def _dot(axes: Axes, mark: Mark, row: int, limits: tuple[float, float]) -> None:
    """The value on the line of its interval; hollow if the interval is unknown."""
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
    """One end of every interval, or the value if the interval is unknown."""
    return [mark.value if math.isnan(end := getattr(mark, name)) else end for mark in marks]


def _ticks(axes: Axes, ticks: Sequence[float]) -> None:
    fixed_ticks(axes.xaxis, ticks)
