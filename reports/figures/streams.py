"""Time of the first and of later passes over each stream, by contestant."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import log_axis, new_figure, panel, printable_label, style
from reports.format.networks import Row
from reports.format.numbers import plain


def stream_figure(own: Sequence[Row], slots: Sequence[str]) -> Figure:
    """A row per contestant below each stream: hollow for the first pass, solid for warm."""
    found: dict[str, list[Row]] = {}
    for row in own:
        found.setdefault(row["group"], []).append(row)
    lines: list[Row | str] = []
    for together in found.values():
        lines += [_heading(together[0]), *together]
    figure = new_figure(60 + 16 * len(lines), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xscale="log", xlabel="images/s (more is faster)\nhollow: cold, solid: warm")
    axes.set_ylim(len(lines) - 0.5, -0.5)
    panel(axes, grid="x", left=False)
    axes.tick_params(axis="y", length=0)
    for place, line in enumerate(lines):
        if isinstance(line, str):
            continue
        own_style = style(slots, line["contestant"])
        ends = [line["cold_images_per_second"], line["images_per_second"]]
        axes.plot(ends, [place, place], color=own_style["color"], linewidth=1.2)
        axes.plot(ends[:1], [place], **{**own_style, "markerfacecolor": "none"})
        (warm,) = axes.plot(ends[1:], [place], **own_style)
        rates = f"{plain(ends[0])} images/s cold, {plain(ends[1])} warm"
        svg.describe(warm, tip=f"{printable_label(line['stream'])}, {printable_label(line['contestant'])}: {rates}")
    axes.set_yticks(range(len(lines)), [printable_label(_label(line)) for line in lines])
    for tick, line in zip(axes.get_yticklabels(), lines):
        tick.set_fontweight("bold" if isinstance(line, str) else "normal")
    log_axis(axes.xaxis, *axes.get_xlim())
    return figure


def _heading(row: Row) -> str:
    return f"{row['stream']}, {row['images']} images"


def _label(line: Row | str) -> str:
    return line if isinstance(line, str) else str(line["contestant"])
