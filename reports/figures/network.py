"""Figures of a network's tables; one function per figure, from rows to SVG.

Each fits the width of a phone and has labels beside its rows and values at their ends, so that no legend is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import (
    COLOURS,
    MOST_TICKS,
    REACH,
    Band,
    Mark,
    canvas,
    dot,
    fixed_ticks,
    label_axis,
    log_ticks,
    printable_label,
    rows_of,
)
from reports.format.networks import Network, Row
from reports.format.numbers import MILLISECONDS, estimate, plain
from reports.format.words import missing
from results.schema.columns import device_columns
from results.schema.record import Status

FLOOR, MEGA = "minimum memory", 1e-6


def times(network: Network, slots: Sequence[str], key: str) -> str:
    """Time per step of every case of a network, on one logarithmic axis."""
    bands = [_band(phase, network, slots) for phase in network.phases]
    label = f"{network.id}: milliseconds per step by phase and contestant; numbers in the table"
    return svg.draw(lambda: _times(bands), key, label)


def memory(network: Network, slots: Sequence[str], key: str) -> str:
    """Memory of a step of every case of a network, with a line to the peak of its launch, on a linear axis from 0.

    The minimum by the network's table is above them. "" if none is known.
    """
    bands = [_memory_band(phase, network, slots) for phase in network.phases]
    if not any(not math.isnan(mark.value) for band in bands for mark in band.marks[1:]):
        return ""
    label = f"{network.id}: peak resident megabytes of a step by phase and contestant; numbers in the table"
    return svg.draw(lambda: _memory(bands), key, label)


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
        value, peak = (row[name] * MEGA for name in ("memory_bytes", device_columns(row["device"]).launch_memory))
        tip = f"{phase}, {printable_label(contestant)}: {plain(value)} MB in a step"
        tip += "" if math.isnan(peak) else f", {plain(peak)} MB at the peak of the launch"
        marks.append(Mark(contestant, slots.index(contestant), value, note=note, peak=peak, tip=tip))
    return Band(phase, marks, {"phase": phase})


def _band(phase: str, network: Network, slots: Sequence[str]) -> Band:
    marks = []
    for contestant in network.contestants:
        row, slot = network.rows.get((phase, contestant)), slots.index(contestant)
        if row is None or math.isnan(row["seconds"]):
            marks.append(Mark(contestant, slot, note=missing(network, contestant, (phase,))))
        else:
            value, low, high = (row[name] * MILLISECONDS for name in ("seconds", "seconds_low", "seconds_high"))
            launches = f"{row['launches']} launch{'es' if row['launches'] > 1 else ''}"
            tip = f"{phase}, {printable_label(contestant)}: {in_ms(row)}, {launches}"
            marks.append(Mark(contestant, slot, value, low, high, tip=tip))
    return Band(phase, marks, {"phase": phase})


def in_ms(row: Row) -> str:
    """ "16.2 ms per step [15.1, 17.3]" of a row of `cases`."""
    found = estimate(row["seconds"], row["seconds_low"], row["seconds_high"], MILLISECONDS)
    return f"{found.text} ms per step {found.interval}" if found else ""


def _times(bands: Sequence[Band]) -> Figure:
    figure, axes = canvas(bands, lambda mark: plain(mark.value))
    label_axis(axes, "ms per step (logarithmic; less is faster)")
    limits = _log_limits(_known(bands))
    if limits is None:
        return figure
    axes.set(xscale="log", xlim=limits)
    fixed_ticks(axes.xaxis, log_ticks(*limits))
    _place(bands, lambda mark, row: dot(axes, mark, row, limits))
    return figure


def _memory(bands: Sequence[Band]) -> Figure:
    figure, axes = canvas(bands, lambda mark: plain(mark.value))
    label_axis(axes, "MB during a step; line: peak of the launch")
    most = max(max(mark.value, mark.value if math.isnan(mark.peak) else mark.peak) for mark in _known(bands))
    linear_axis(axes, most)
    _place(bands, lambda mark, row: _bar_with_peak(axes, mark, row))
    return figure


def linear_axis(axes: Axes, most: float) -> None:
    """From 0 to a little more than `most`."""
    axes.set_xlim(0, 1.04 * most or 1.0)
    fixed_ticks(axes.xaxis, [tick for tick in MaxNLocator(MOST_TICKS - 1).tick_values(0, most) if tick <= 1.04 * most])
    axes.axvline(0, color=svg.INK, linewidth=0.8)


def _bar_with_peak(axes: Axes, mark: Mark, row: int) -> None:
    colour = svg.INK if mark.label == FLOOR else COLOURS[mark.slot % len(COLOURS)]
    (bar,) = axes.barh([row], [mark.value], height=0.62, color=colour, linewidth=0, clip_on=False)
    svg.describe(bar, tip=mark.tip, **mark.facts)
    if mark.peak > mark.value:
        (tail,) = axes.plot([mark.value, mark.peak], [row, row], color=colour, linewidth=2, clip_on=False)
        svg.describe(tail, **mark.facts)


def _place(bands: Sequence[Band], paint: Callable[[Mark, int], None]) -> None:
    for row, item in rows_of(bands):
        if isinstance(item, Mark) and not math.isnan(item.value):
            paint(item, row)


def _known(bands: Sequence[Band]) -> list[Mark]:
    return [mark for band in bands for mark in band.marks if not math.isnan(mark.value)]


def _log_limits(marks: Sequence[Mark]) -> tuple[float, float] | None:
    if not marks:
        return None
    least, most = min(mark.value for mark in marks), max(mark.value for mark in marks)
    low = max(min(_ends(marks, "low")), least / REACH)
    high = min(max(_ends(marks, "high")), most * REACH)
    return low / 1.15, high * 1.15


def _ends(marks: Sequence[Mark], name: str) -> list[float]:
    """One end of every interval, or the value if the interval is unknown."""
    return [mark.value if math.isnan(end := getattr(mark, name)) else end for mark in marks]
