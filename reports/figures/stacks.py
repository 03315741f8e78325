"""Bars of parts that add up: of a training step, and of the time to the first result."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import COLOURS, Band, Mark, canvas, rows_of
from reports.figures.network import linear_axis
from reports.format.networks import Network, Row
from reports.format.numbers import MILLISECONDS, plain
from reports.format.words import NEEDS, missing

STEP = ("forward", "backward", "update")
"""The parts of a training step."""
SHADES = (0.9, 0.55, 0.3)
"""Opacity of the parts, from the left."""


@dataclass(frozen=True)
class Stack:
    """Parts of a contestant; without any, a note on why they are not known."""

    contestant: str
    parts: Sequence[float]
    note: str = ""

    @property
    def total(self) -> float:
        return sum(self.parts) if self.parts else math.nan


def parts(network: Network, split: Iterable[Row], slots: Sequence[str], key: str) -> str:
    """Forward, backward and update of a training step as one bar for each contestant; "" if none has all of them."""
    found = {(row["component"], row["contestant"]): row for row in split if row["network"] == network.id}
    stacks = [_step(found, network, contestant) for contestant in network.contestants]
    label = f"{network.id}: milliseconds of forward, backward and update by contestant; numbers in the table"
    return stacked({"": stacks}, "ms: forward, backward, update", slots, key, label)


def _step(found: Mapping[tuple[str, str], Row], network: Network, contestant: str) -> Stack:
    rows = [found.get((part, contestant)) for part in STEP]
    for part, row in zip(STEP, rows, strict=True):
        if row is None or math.isnan(row["seconds"]):
            return Stack(contestant, (), missing(network, contestant, NEEDS[part]))
    return Stack(contestant, [MILLISECONDS * row["seconds"] for row in rows if row])


def stacked(stacks: Mapping[str, Sequence[Stack]], quantity: str, slots: Sequence[str], key: str, label: str) -> str:
    """A bar for each contestant under each title, with its total at the end; "" if no total is known.

    A part below 0, as noise can make it, is drawn from the right end of those before it to the left.
    """
    totals = [stack.total for own in stacks.values() for stack in own if not math.isnan(stack.total)]
    if not totals:
        return ""
    return svg.draw(lambda: _draw(stacks, quantity, slots, max(totals)), key, label)


def _draw(stacks: Mapping[str, Sequence[Stack]], quantity: str, slots: Sequence[str], most: float) -> Figure:
    bands = [
        Band(title, [Mark(one.contestant, slots.index(one.contestant), one.total, note=one.note) for one in own])
        for title, own in stacks.items()
    ]
    figure, axes = canvas(bands, lambda mark: plain(mark.value))
    axes.set_xlabel(f"{quantity} (dark to light)")
    linear_axis(axes, most)
    drawn = (stack for own in stacks.values() for stack in own)
    for row, item in rows_of(bands):
        if isinstance(item, Mark):
            left, colour = 0.0, COLOURS[item.slot % len(COLOURS)]
            for part, shade in zip(next(drawn).parts, SHADES):
                axes.barh([row], [part], left=left, height=0.62, color=colour, alpha=shade, linewidth=0)
                left += part
    return figure
