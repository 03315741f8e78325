"""Forest plot of a phase: each contestant's ratio to the reference on each workload, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.figure import Figure

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import (
    LONGEST_TITLE,
    REACH,
    Band,
    Mark,
    canvas,
    dot,
    label_axis,
    log_axis,
    printable_label,
    rows_of,
)
from reports.format.networks import Network, Row
from reports.format.numbers import estimate, ratio
from results.stats.estimates import BAND
from results.tables.cases import judgement

AT_LEAST = 1.25
"""The axis reaches so far to both sides of 1, so that small differences look small."""


def ratios(
    networks: Sequence[tuple[str, str, Network]], phase: str, slots: Sequence[str], control: float, key: str
) -> Markup:
    """The ratios of all workloads of a phase, each (part of the page, title, network); "" without any.

    `control`: the largest difference of the same code from itself, shaded beside the band of a dead heat; NaN without.
    """
    bands = [Band(title, _marks(title, network, phase, slots), {"part": part}) for part, title, network in networks]
    bands = [band for band in bands if band.marks]
    if not any(not math.isnan(mark.value) for band in bands for mark in band.marks):
        return Markup("")
    label = f"{phase}: time of each contestant relative to the reference by workload; numbers in the table"
    return Markup(svg.draw(lambda: _draw(bands, control), key, label))


def by_node(bands: Sequence[Band], key: str) -> Markup:
    """The ratios of cases on nodes, a mark for each node; "" without any."""
    if not bands:
        return Markup("")
    label = "ratio of each case to the reference on every node; numbers in the table"
    return Markup(svg.draw(lambda: _draw(bands, math.nan), key, label))


def _marks(title: str, network: Network, phase: str, slots: Sequence[str]) -> list[Mark]:
    """A mark for each contestant but the reference; a note where it has no ratio."""
    rows = [network.rows[phase, one] for one in slots if (phase, one) in network.rows]
    return [_mark(title, row, slots) for row in rows if row["contestant"] != row["reference"]]


def _mark(title: str, row: Row, slots: Sequence[str]) -> Mark:
    slot = slots.index(row["contestant"])
    if math.isnan(row["ratio"]):
        return Mark(row["contestant"], slot, note="no ratio")
    judged, shown = judgement(row), estimate(row["ratio"], row["ratio_low"], row["ratio_high"])
    tip = f"{printable_label(title, LONGEST_TITLE)}, {printable_label(row['contestant'])}: {shown}, {judged}"
    return Mark(row["contestant"], slot, row["ratio"], row["ratio_low"], row["ratio_high"], tip=tip)


def _draw(bands: Sequence[Band], control: float) -> Figure:
    figure, axes = canvas(bands, lambda mark: ratio(mark.value))
    known = [mark for band in bands for mark in band.marks if not math.isnan(mark.value)]
    limits = _limits(known)
    axes.set(xscale="log", xlim=limits)
    log_axis(axes.xaxis, *limits)
    label_axis(axes, "time relative to the reference (logarithmic; less is faster)")
    for difference, alpha in ((control, 0.07), (BAND, 0.15)):
        if not math.isnan(difference):
            ends = [min(max(end, limits[0]), limits[1]) for end in (1 / (1 + difference), 1 + difference)]
            axes.axvspan(*ends, color=svg.INK, alpha=alpha, linewidth=0)
    axes.axvline(1, color=svg.INK, linewidth=0.8)
    for row, item in rows_of(bands):
        if isinstance(item, Mark) and not math.isnan(item.value):
            dot(axes, item, row, limits)
    return figure


def _limits(marks: Sequence[Mark]) -> tuple[float, float]:
    """All values, and intervals unless they are much wider; 1 in the middle of at least AT_LEAST to both sides."""
    least, most = min(mark.value for mark in marks), max(mark.value for mark in marks)
    low = min(mark.value if math.isnan(mark.low) else mark.low for mark in marks)
    high = max(mark.value if math.isnan(mark.high) else mark.high for mark in marks)
    return (
        min(max(low, least / REACH) / 1.05, 1 / AT_LEAST),
        max(min(high, most * REACH) * 1.15, AT_LEAST),
    )
