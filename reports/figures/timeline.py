"""A workload's times over campaigns, a panel per contestant, with levels, steps and changes of version."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import COLOURS, MARKERS, MOST_TICKS, WIDTH, new_figure, panel, printable_label
from reports.format.numbers import MILLISECONDS, estimate
from results.compare.history import MACHINE, Entry, Series
from results.stats.estimates import Estimate
from results.stats.verdicts import TimingVerdict
from results.words import VERDICT_MARKS

PANEL, GAP, BELOW, LEFT, RIGHT, LETTER = 74, 26, 30, 52, 10, 5.2
"""Pixels: of a panel, above each, below the last, beside them, of a letter of a change."""
MOST_PANELS = 8
LEAST_RANGE = 0.05
"""Minimum range of a panel to each side, as a share of the time: noise must not look like steps."""
LONGEST = 30
"""Maximum letters of a change that is written into a panel."""


def timeline(campaigns: Sequence[Entry], series: Sequence[Series], key: str) -> Markup:
    """Milliseconds over campaigns for each series of one workload."""
    count = sum(len(one.steps) for one in series)
    steps = "1 step" if count == 1 else f"{count or 'no'} steps"
    label = (
        f"{series[0].case.workload.id}: milliseconds per step in {len(campaigns)} campaigns for "
        f"{', '.join(one.case.contestant.id for one in series)}; {steps}; numbers in the tables"
    )
    return Markup(svg.draw(lambda: _timeline(campaigns, series), key, label))


def _timeline(campaigns: Sequence[Entry], series: Sequence[Series]) -> Figure:
    height = (GAP + PANEL) * len(series) + BELOW
    figure = new_figure(height)
    for number, one in enumerate(series):
        bottom = height - (number + 1) * (GAP + PANEL)
        axes = figure.add_axes((LEFT / WIDTH, bottom / height, 1 - (LEFT + RIGHT) / WIDTH, PANEL / height))
        panel(axes, grid="y", title=f"{printable_label(one.case.contestant.id)}, ms")
        axes.set(xlim=(-0.6, len(campaigns) - 0.4), ylim=_limits(one))
        axes.yaxis.set_major_locator(MaxNLocator(3))
        _changes(axes, campaigns, one)
        _levels(axes, one)
        _points(axes, campaigns, one, number)
        _dates(axes, campaigns, number == len(series) - 1)
    return figure


def _limits(series: Series) -> tuple[float, float]:
    """Axis limits: all times and levels, and intervals unless they are much wider."""
    values = [MILLISECONDS * point.seconds.value for point in series.points]
    least, most = min(values), max(values)
    reach = max(most - least, LEAST_RANGE * most)
    ends = [MILLISECONDS * end for point in series.points for end in _ends(point.seconds)]
    low, high = max(min([*ends, least]), least - reach), min(max([*ends, most]), most + reach)
    middle = (low + high) / 2
    half = max(0.56 * (high - low), LEAST_RANGE * middle)
    return middle - half, middle + half


def _ends(estimate: Estimate) -> tuple[float, ...]:
    return () if math.isnan(estimate.low) else (estimate.low, estimate.high)


def _points(axes: Axes, campaigns: Sequence[Entry], series: Series, number: int) -> None:
    """Dots on their intervals, hollow if the interval is unknown."""
    colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
    low, high = axes.get_ylim()
    across, up = [], []  # all intervals are one broken line, too
    for point in series.points:
        if not math.isnan(point.seconds.low):
            across += [point.campaign, point.campaign, math.nan]
            up += [*(min(max(MILLISECONDS * end, low), high) for end in _ends(point.seconds)), math.nan]
    axes.plot(across, up, color=colour, linewidth=1.6, solid_capstyle="butt")
    for point in series.points:
        face = "none" if math.isnan(point.seconds.low) else colour
        value = MILLISECONDS * point.seconds.value
        (dot,) = axes.plot([point.campaign], [value], marker, color=colour, markersize=4.5, markerfacecolor=face)
        shown = estimate(point.seconds.value, point.seconds.low, point.seconds.high, MILLISECONDS)
        svg.describe(dot, tip=f"{printable_label(campaigns[point.campaign].name, LONGEST)}: {shown} ms")


def _levels(axes: Axes, series: Series) -> None:
    """A line per level, and a vertical one with its ratio at each step."""
    for level in series.levels:
        ends = series.points[level.begin].campaign - 0.4, series.points[level.end - 1].campaign + 0.4
        axes.plot(ends, [MILLISECONDS * level.seconds] * 2, color=svg.INK, alpha=0.55, linewidth=1.2)
    _vlines(axes, [step.campaign - 0.5 for step in series.steps], "-", alpha=1.0, width=1.4)
    for step in series.steps:
        verdict = TimingVerdict.SLOWER if step.ratio.value > 1 else TimingVerdict.FASTER
        words = f"{VERDICT_MARKS[verdict]} ×{step.ratio.value:.2f}"
        axes.text(step.campaign - 0.5, 1.03, words, transform=axes.get_xaxis_transform(), fontsize=9, weight="bold")


def _changes(axes: Axes, campaigns: Sequence[Entry], series: Series) -> None:
    """A dashed line at changes of the contestant's versions, with as many words as fit; a dotted one at changes of the
    machine."""
    changed = {number: entry.changed.get(series.case.contestant.id, ()) for number, entry in enumerate(campaigns)}
    own = [number - 0.5 for number, what in changed.items() if what]
    _vlines(axes, [number - 0.5 for number, entry in enumerate(campaigns) if entry.changed.get(MACHINE)], ":")
    _vlines(axes, own, "--")
    free = -math.inf
    for at in own:
        free = _written(axes, at, svg.printable(", ".join(changed[int(at + 0.5)])), free)


def _vlines(axes: Axes, places: Sequence[float], dashes: str, alpha: float = 0.6, width: float = 1.0) -> None:
    """Vertical lines over the full height, as one path with gaps: there can be hundreds."""
    across = [value for place in places for value in (place, place, math.nan)]
    beside = axes.get_xaxis_transform()
    axes.plot(across, [0, 1, math.nan] * len(places), dashes, color=svg.INK, alpha=alpha, lw=width, transform=beside)


def _written(axes: Axes, at: float, words: str, free: float) -> float:
    """Write beside `at` if it fits right of `free` and within the panel; return where the next may begin."""
    words = words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
    left, right = axes.get_xlim()
    width = LETTER * len(words) / (WIDTH - LEFT - RIGHT) * (right - left)
    begin = at if at + width <= right else at - width
    if begin < max(free, left):
        return free
    side = "left" if begin == at else "right"
    axes.annotate(
        words, (at, 0.04), xycoords=axes.get_xaxis_transform(), xytext=(3 if side == "left" else -3, 0),
        textcoords="offset points", ha=side, va="bottom", fontsize=8.5,
    )  # fmt: skip
    return begin + width


def _dates(axes: Axes, campaigns: Sequence[Entry], labelled: bool) -> None:
    """The axis of campaigns: spaced by index, some labelled with their date."""
    places = sorted({round(part * (len(campaigns) - 1) / (MOST_TICKS - 1)) for part in range(MOST_TICKS)})
    same_day = campaigns[0].started.date() == campaigns[-1].started.date()
    form = "%H:%M" if same_day else "%Y-%m-%d"
    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{campaigns[place].started:{form}}" for place in places]))
    axes.tick_params(axis="x", labelbottom=labelled, labelsize=9)
    if labelled:
        first, *_, last = axes.get_xticklabels()
        first.set(horizontalalignment="left")
        last.set(horizontalalignment="right")
