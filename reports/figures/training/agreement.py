"""Agreement of the frameworks' losses over steps, from the same weights, images and order."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import COLOURS, WIDTH, legend_above, log_axis, new_figure, panel
from reports.figures.training.curves import BELOW, GAP, LEFT, LEGEND, LONGEST, PANEL, RIGHT, TITLE
from results.schema.findings import Agreement
from results.schema.trial import Trial


def agreement(found: Agreement, trials: Mapping[str, Trial], key: str) -> Markup:
    """Every framework's loss at each step, and below it their relative difference; "" unless two are known."""
    losses = {
        framework: trials[name].losses
        for framework, name in found.trials.items()
        if name in trials and trials[name].losses
    }
    if len(losses) < 2:
        return Markup("")
    label = f"loss of the first {found.steps} steps in {', '.join(losses)}, and their relative difference"
    return Markup(svg.draw(lambda: _agreement(found, losses), key, label))


def _agreement(found: Agreement, losses: Mapping[str, Sequence[float]]) -> Figure:
    above = LEGEND * len(losses) + TITLE
    height = above + 2 * PANEL + GAP + BELOW
    figure = new_figure(height)
    beside = LEFT / WIDTH, 1 - (LEFT + RIGHT) / WIDTH
    upper = figure.add_axes((beside[0], (BELOW + PANEL + GAP) / height, beside[1], PANEL / height))
    lower = figure.add_axes((beside[0], BELOW / height, beside[1], PANEL / height), sharex=upper)
    for slot, values in enumerate(losses.values()):  # decreasing widths, so that overlapping lines remain visible
        width, dashes = max(5.5 - 1.5 * slot, 1.0), "-" if slot < 3 else "--"
        upper.plot(range(1, len(values) + 1), values, dashes, color=COLOURS[slot % len(COLOURS)], linewidth=width)
    handles = [Line2D([], [], color=line.get_color(), linewidth=line.get_linewidth()) for line in upper.lines]
    labels = [svg.printable(framework[:LONGEST]) for framework in losses]
    legend_above(figure, handles, labels)
    apart = [(step, spread) for step, spread in enumerate(map(_spread, zip(*losses.values())), 1) if spread > 0]
    if apart:
        lower.plot(*zip(*apart, strict=True), color=svg.INK, linewidth=1.2)
        ends = [spread for _, spread in apart] + [100 * found.tolerance] * (found.tolerance > 0)
        low, high = min(ends) / 2, max(ends) * 2
        lower.set(yscale="log", ylim=(low, high))
        log_axis(lower.yaxis, low, high)
    lower.axhline(100 * found.tolerance, color=COLOURS[1], linestyle="--", linewidth=1.5)
    for axes, name in ((upper, "loss"), (lower, f"difference, % (dashed: {100 * found.tolerance:g} %)")):
        panel(axes, title=name)
        if found.together < found.steps:
            axes.axvline(found.together + 0.5, color=COLOURS[1], linewidth=1.5)
    upper.tick_params(axis="x", labelbottom=False)
    lower.set_xlabel("step")
    return figure


def _spread(values: Sequence[float]) -> float:
    """The largest less the smallest, in per cent of the value closest to 0; 0 if undefined."""
    least = min(map(abs, values))
    spread = 100 * (max(values) - min(values)) / least if least else 0.0
    return spread if math.isfinite(spread) else 0.0
