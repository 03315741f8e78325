"""Launch times: a strip per case, and all of a campaign in the order in which they ran."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import (
    COLOURS,
    Band,
    Mark,
    canvas,
    fixed_ticks,
    label_axis,
    new_figure,
    panel,
    printable_label,
    rows_of,
)
from reports.format.networks import Network
from results.schema.record import Status
from results.stats.estimates import BAND

TALL, WIDE = 0.3, 3
COLUMNS, HEIGHT = 150, 220
"""Of the figure of all launches: maximum number of points, and pixels."""
MOST_LINES, MOST_CROSSES = 150, 30
"""Launches of a case that are drawn: more could not be told apart, and would make the page as large as the campaign."""
NEEDED = ["phase", "contestant", "status", "seconds", "superseded"]
"""Columns of launches that strips need."""
STEPS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4)
REACH = 1.5
"""A launch further than this from its case's mean is drawn at the edge."""


def strips(network: Network, launches: pd.DataFrame, slots: Sequence[str], key: str) -> str:
    """Each launch of every case of a network over the case's mean; "" if no case has two."""
    measured = launches.loc[launches["status"] == Status.MEASURED, NEEDED]
    times = {
        (str(phase), str(contestant)): part[["seconds", "superseded"]]
        for (phase, contestant), part in measured.groupby(["phase", "contestant"], sort=False)
        if (~part["superseded"]).sum() > 1  # a single launch is its own mean, which would look steady
    }
    if not times:
        return ""
    bands = [
        Band(
            phase,
            [
                Mark(contestant, slots.index(contestant))
                for contestant in network.contestants
                if (phase, contestant) in times
            ],
            {"phase": phase},
        )
        for phase in network.phases
    ]
    means = {key: row["seconds"] for key, row in network.rows.items()}
    label = f"{network.id}: each launch's time over its case's mean, by phase and contestant"
    return svg.draw(lambda: _strips([band for band in bands if band.marks], times, means), key, label)


def _strips(
    bands: Sequence[Band], times: Mapping[tuple[str, str], pd.DataFrame], means: Mapping[tuple[str, str], float]
) -> Figure:
    figure, axes = canvas(bands, lambda mark: "")
    label_axis(axes, "launch's time / mean of its case")
    over = {key: own["seconds"].to_numpy() / means[key] for key, own in times.items()}
    _ratio_axis(axes, np.concatenate(list(over.values())))
    phase = ""
    for row, item in rows_of(bands):
        if isinstance(item, Band):
            phase = item.title
        else:
            own, again = over[phase, item.label], times[phase, item.label]["superseded"].to_numpy()
            colour = COLOURS[item.slot % len(COLOURS)]
            ticks = _ticks(axes, own[~again], row, colour)
            crosses = _spread(own[again], MOST_CROSSES)
            if len(crosses):
                ticks += axes.plot(_clip(crosses), np.full(len(crosses), row), "x", color=colour, markersize=5)
            svg.describe(ticks[0], tip=_words(phase, item.label, own[~again]), **item.facts)
            for one in ticks[1:]:
                svg.describe(one, **item.facts)
    return figure


def _words(phase: str, contestant: str, over: np.ndarray) -> str:
    launches = f"{len(over)} launches, {over.min():.3f} to {over.max():.3f} of their mean"
    return f"{phase}, {printable_label(contestant)}: {launches}"


def _ticks(axes: Axes, values: np.ndarray, row: int, colour: str) -> list[Line2D]:
    """A short vertical line at each value, as one path."""
    drawn = _spread(values, MOST_LINES)
    x = np.repeat(_clip(drawn), WIDE)
    y = np.tile([row - TALL, row + TALL, np.nan], len(drawn))
    return axes.plot(x, y, color=colour, linewidth=1.4, clip_on=False)


def _spread(values: np.ndarray, most: int) -> np.ndarray:
    """Of more values, so many at even distances in their order of size, the extremes included."""
    if len(values) <= most:
        return values
    return np.asarray(np.sort(values)[np.linspace(0, len(values) - 1, most).round().astype(int)])


def run_order(over: np.ndarray, key: str) -> str:
    """All launches of a campaign in order, each over its case's mean and whether it was repeated: (launches, 2).

    "" if there are too few.
    """
    if len(over) < 6:
        return ""
    label = "each launch's time over its case's mean, in the order in which they ran"
    return svg.draw(lambda: _run_order(over), key, label)


def _run_order(over: np.ndarray) -> Figure:
    """A dot is the median of adjacent launches; its line spans their 10th to 90th percentile."""
    figure = new_figure(HEIGHT, layout="constrained")
    axes = figure.add_subplot()
    superseded = over[:, 1] == 1
    places = np.flatnonzero(~superseded)
    values = _clip(over[places, 0])
    parts = np.array_split(np.arange(len(values)), min(len(values), COLUMNS))
    middle = np.array([places[part].mean() for part in parts])
    low, median, high = np.array([np.percentile(values[part], (10, 50, 90)) for part in parts]).T
    axes.plot(np.repeat(middle, WIDE), np.ravel(np.column_stack((low, high, np.full(len(low), np.nan)))),
              color=COLOURS[0], linewidth=1)  # fmt: skip
    for part, across, *up in zip(parts, middle, low, median, high):
        (dot,) = axes.plot([across], up[1:2], "o", color=COLOURS[0], markersize=2.5, clip_on=False)
        svg.describe(dot, tip=_neighbours(places[part] + 1, *up))
    again = np.flatnonzero(superseded)
    if len(again):
        again = again[:: math.ceil(len(again) / COLUMNS)]
        axes.plot(again, _clip(over[again, 0]), "x", color=COLOURS[1], markersize=5)
    axes.axhspan(1 - BAND, 1 + BAND, color=svg.INK, alpha=0.08, linewidth=0)
    axes.set(xlabel="launches, first to last", ylabel="time / mean of its case", yscale="log")
    _around_one(axes.yaxis, max(1 / low.min(), high.max()))
    panel(axes, grid=None)
    return figure


def _neighbours(numbers: np.ndarray, low: float, median: float, high: float) -> str:
    """Adjacent launches in words; a single one has no range."""
    if len(numbers) == 1:
        return f"launch {numbers[0]}: {median:.3f}"
    return f"launches {numbers[0]} to {numbers[-1]}: {median:.3f} [{low:.3f}, {high:.3f}]"


def _ratio_axis(axes: Axes, over: np.ndarray) -> None:
    far = max(1 + BAND, *np.exp(np.abs(np.log(_clip(over))))) ** 1.08
    axes.set(xscale="log", xlim=(1 / far, far))
    _around_one(axes.xaxis, far)
    axes.axvspan(1 - BAND, 1 + BAND, color=svg.INK, alpha=0.08, linewidth=0)


def _around_one(axis: Axis, far: float) -> None:
    """Symmetric limits around 1, at a round distance."""
    step = max((step for step in STEPS if 1 + step <= far), default=BAND)
    fixed_ticks(axis, (1 - step, 1, 1 + step))


def _clip(over: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(over, 1 / REACH, REACH))
