"""Learning curves: errors over passes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import COLOURS, MARKERS, WIDTH, legend_above, log_axis, new_figure, panel
from reports.format.numbers import plain
from results.schema.findings import ClaimResult
from results.schema.trial import Outcome, Point, Trial

PANEL, BELOW, LEFT, RIGHT, GAP, LEGEND, TITLE = 150, 44, 52, 12, 28, 16, 26
"""Pixels: of a panel, below the last, beside them, between two, of a line of the legend, above the first."""

LONGEST, WIDE_RANGE = 52, 10.0
"""Maximum letters of an arm's name; minimum ratio of the largest to the smallest error for a logarithmic axis."""

PANELS: Mapping[str, Callable[[Point], float | None]] = {
    "test error, %": lambda point: point.test_error,
    "training error, %": lambda point: point.training_error,
}
Curve = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Arm:
    """Trials that are drawn as one line, and failed ones."""

    label: str
    finished: Sequence[Trial]
    broken: Sequence[Trial]


def learning(claim: ClaimResult, trials: Mapping[str, Trial], key: str) -> Markup:
    """Errors over passes for each arm of a claim: mean over seeds, band from minimum to maximum; "" without any."""
    arms = _arms(claim, trials)
    panels = {name: of for name, of in PANELS.items() if any(_curve(one, of) for arm in arms for one in _drawn(arm))}
    if not panels:
        return Markup("")
    label = f"{claim.id}: {' and '.join(panels)} over passes for {', '.join(arm.label for arm in arms)}"
    return Markup(svg.draw(lambda: _learning(arms, panels), key, label))


def _arms(claim: ClaimResult, trials: Mapping[str, Trial]) -> list[Arm]:
    """Arms of the same trials, evaluated on several views, are one line."""
    names: dict[tuple[str, ...], list[str]] = {}
    for name, ids in claim.arms.items():
        names.setdefault(tuple(ids), []).append(name)
    arms = []
    for ids, those in names.items():
        found = [trials[one] for one in ids if one in trials]
        finished = [trial for trial in found if trial.outcome is Outcome.FINISHED]
        arms.append(Arm(" = ".join(those), finished, [trial for trial in found if trial not in finished]))
    return [arm for arm in arms if _drawn(arm)]


def _drawn(arm: Arm) -> list[Trial]:
    return [*arm.finished, *arm.broken]


def _curve(trial: Trial, of: Callable[[Point], float | None]) -> Curve:
    found = [(point.passes, of(point)) for point in trial.points]
    return [(passes, 100 * value) for passes, value in found if value is not None and math.isfinite(value)]


def _learning(arms: Sequence[Arm], panels: Mapping[str, Callable[[Point], float | None]]) -> Figure:
    above = LEGEND * len(arms) + TITLE
    height = above + len(panels) * PANEL + (len(panels) - 1) * GAP + BELOW
    figure = new_figure(height)
    handles = [_handle(slot) for slot in range(len(arms))]
    labels = [_label(arm) for arm in arms]
    legend_above(figure, handles, labels)
    for number, (name, of) in enumerate(panels.items()):
        bottom = height - above - (number + 1) * PANEL - number * GAP
        axes = figure.add_axes((LEFT / WIDTH, bottom / height, 1 - (LEFT + RIGHT) / WIDTH, PANEL / height))
        values = [value for slot, arm in enumerate(arms) for value in _paint(axes, slot, arm, of)]
        _error_axis(axes, values)
        axes.set_xlim(*_passes(arms))
        axes.tick_params(axis="x", labelbottom=number == len(panels) - 1)
        panel(axes, title=name)
    axes.set_xlabel("passes over the training images")
    return figure


def _passes(arms: Sequence[Arm]) -> tuple[float, float]:
    """From the beginning of the training to the end of the longest."""
    end = max(point.passes for arm in arms for trial in _drawn(arm) for point in trial.points)
    return 0.0, 1.04 * end if end > 0 else 1.0


def _handle(slot: int) -> Line2D:
    return Line2D([], [], color=COLOURS[slot % len(COLOURS)], marker=MARKERS[slot % len(MARKERS)], markersize=5)


def _label(arm: Arm) -> str:
    name = arm.label if len(arm.label) <= LONGEST else f"{arm.label[: LONGEST - 1]}…"
    seeds = f"{len(arm.finished)} seed{'' if len(arm.finished) == 1 else 's'}"
    return svg.printable(f"{name} ({seeds}{f', {len(arm.broken)} failed' if arm.broken else ''})")


def _paint(axes: Axes, slot: int, arm: Arm, of: Callable[[Point], float | None]) -> list[float]:
    """Draw an arm's line, band and failed trials; return all values, for the axis. Means exclude failed trials."""
    colour, marker = COLOURS[slot % len(COLOURS)], MARKERS[slot % len(MARKERS)]
    curves = [dict(_curve(trial, of)) for trial in arm.finished]
    shared = sorted(set.intersection(*map(set, curves))) if curves else []
    if shared:
        columns = [[curve[passes] for curve in curves] for passes in shared]
        means = [sum(column) / len(column) for column in columns]
        axes.fill_between(
            shared, list(map(min, columns)), list(map(max, columns)), color=colour, alpha=0.2, linewidth=0
        )
        axes.plot(shared, means, color=colour)
        for place in range(0, len(shared), max(1, len(shared) // 8)):
            (point,) = axes.plot(shared[place], means[place], marker, color=colour, markersize=4)
            svg.describe(point, tip=f"{_label(arm)}, pass {shared[place]:g}: {_spread(columns[place])} %")
    for trial in arm.broken:
        if curve := _curve(trial, of):
            axes.plot(*zip(*curve, strict=True), color=colour, linestyle=":", linewidth=1.2)
            axes.plot(*curve[-1], "x", color=colour, markersize=7, markeredgewidth=1.8)
    broken = [value for trial in arm.broken for _, value in _curve(trial, of)]
    return [*(curve[passes] for curve in curves for passes in shared), *broken]


def _spread(errors: Sequence[float]) -> str:
    """The mean over seeds, and the range if there are several."""
    mean = plain(sum(errors) / len(errors))
    return mean if len(errors) == 1 else f"{mean} ({plain(min(errors))} to {plain(max(errors))})"


def _error_axis(axes: Axes, values: Sequence[float]) -> None:
    """An axis from 0, or a logarithmic one if errors fall so far that the end would be illegible."""
    axes.locator_params(axis="x", nbins=7)
    if values and min(values) > 0 and max(values) / min(values) > WIDE_RANGE:
        low, high = min(values) / 1.2, max(values) * 1.2
        axes.set(yscale="log", ylim=(low, high))
        log_axis(axes.yaxis, low, high)
    else:
        axes.set_ylim(0, 1.08 * (max(values, default=0) or 1))
        axes.locator_params(axis="y", nbins=5)
