"""A figure of the bins of a pyramid."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import COLOURS, new_figure, panel
from results.schema.system import Bins, Pyramid

COLOUR = COLOURS[4]
"""Grey: no contestant's of the usual four."""
ROW, LETTERS, LINES = 60, 26, 5
"""Pixels of a level; maximum letters per line, and lines, of a reason."""


def bins_figure(pyramids: Sequence[Pyramid], key: str) -> Markup:
    """The bins of a pyramid under each rule, as in the paper's figures 3 and 4: one side of one map.

    If a rule has none, the reason. Shows the first map on which rules differ; "" without any map.
    """
    if not pyramids:
        return Markup("")
    chosen = next((one for one in pyramids if _differ(one)), pyramids[0])
    label = f"bins of each level on a side of {chosen.side} cells, under each rule"
    return Markup(svg.draw(lambda: _bins(chosen), key, label))


def _differ(pyramid: Pyramid) -> bool:
    shapes = list(pyramid.rules.values())
    return any(shape != shapes[0] for shape in shapes[1:])


def _bins(pyramid: Pyramid) -> Figure:
    """A line per bin, a row per level, a column per rule; overlapping bins are staggered."""
    side, levels, rules = pyramid.side or 0, [str(level) for level in pyramid.levels], pyramid.rules
    figure = new_figure(ROW * (len(levels) + 1), layout="constrained")
    grid = figure.subplots(len(levels), len(rules), squeeze=False)
    for (row, level), (column, (rule, found)) in itertools.product(enumerate(levels), enumerate(rules.items())):
        axes = grid[row, column]
        _bins_of_level(axes, found.get(level, "not recorded"), side)
        if row == 0:
            axes.set_title(rule, fontsize=9)
        if column == 0:
            axes.set_ylabel(f"{level} × {level}", rotation=0, ha="right", va="center")
        axes.set_xticks([0, side] if row == len(levels) - 1 else [])
    return figure


def _bins_of_level(axes: Axes, found: Bins, side: float) -> None:
    axes.set(xlim=(0, side), ylim=(0, 2), yticks=[])
    panel(axes, grid=None, left=False)
    if isinstance(found, str):
        lines = textwrap.wrap(svg.printable(found), LETTERS, max_lines=LINES, placeholder="…")
        axes.text(side / 2, 1, "\n".join(lines), ha="center", va="center", style="italic", fontsize=7.5)
        return
    for place, (start, end) in enumerate(found):
        bin_ = Rectangle((start, place % 2 + 0.1), end - start, 0.8, color=COLOUR, linewidth=0)
        svg.describe(bin_, tip=f"bin {place + 1} of {len(found)}: cells {start:g} to {end:g}")
        axes.add_patch(bin_)
