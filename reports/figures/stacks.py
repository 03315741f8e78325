"""Bars of parts that add up: of a training step, and of the time to the first result."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from reports.figures.drawing import svg
from reports.figures.drawing.canvas import COLOURS, Band, Mark, bar_style, canvas, label_axis, printable_label, rows_of
from reports.figures.network import linear_axis
from reports.format.networks import Network, Row
from reports.format.numbers import MILLISECONDS, plain
from reports.format.words import NEEDS, missing

STEP = ("forward", "backward", "update")
"""The parts of a training step."""
SHADES = (0.9, 0.55, 0.3)
"""Opacity of the parts, from the left."""


@dataclass(frozen=True)
class Kind:
    """What a figure's bars are made of: the unit, the names of the parts, and that of a sum that is shorter."""

    unit: str
    parts: Sequence[str]
    again: str = ""

    def __str__(self) -> str:
        return f"{self.unit}: {', '.join(self.parts)} (dark to light)" + (
            f"; diamond: {self.again}" if self.again else ""
        )

    def words(self, stack: Stack) -> str:
        """The parts of a bar and their sum."""
        each = [f"{name} {plain(part)}" for name, part in zip(self.parts, stack.parts)]
        again = "" if math.isnan(stack.again) else f"; {self.again}: {plain(stack.again)} {self.unit}"
        return f"{printable_label(stack.contestant)}: {' + '.join(each)} = {plain(stack.total)} {self.unit}{again}"


@dataclass(frozen=True)
class Stack:
    """Parts of a contestant; without any, a note on why they are not known.

    `again`: the sum where it is shorter the next time; NaN if that is not known.
    """

    contestant: str
    parts: Sequence[float]
    note: str = ""
    again: float = math.nan

    @property
    def total(self) -> float:
        return sum(self.parts) if self.parts else math.nan


def parts(network: Network, split: Iterable[Row], slots: Sequence[str], key: str) -> str:
    """Forward, backward and update of a training step as one bar for each contestant; "" if none has all of them."""
    found = {(row["component"], row["contestant"]): row for row in split if row["network"] == network.id}
    stacks = [_step(found, network, contestant) for contestant in network.contestants]
    label = f"{network.id}: milliseconds of forward, backward and update by contestant; numbers in the table"
    return stacked({"": stacks}, Kind("ms", STEP), slots, key, label)


def _step(found: Mapping[tuple[str, str], Row], network: Network, contestant: str) -> Stack:
    rows = [found.get((part, contestant)) for part in STEP]
    for part, row in zip(STEP, rows, strict=True):
        if row is None or math.isnan(row["seconds"]):
            return Stack(contestant, (), missing(network, contestant, NEEDS[part]))
    return Stack(contestant, [MILLISECONDS * row["seconds"] for row in rows if row])


def stacked(
    stacks: Mapping[str, Sequence[Stack]],
    kind: Kind,
    slots: Sequence[str],
    key: str,
    label: str,
    parts: Mapping[str, str] | None = None,
) -> str:
    """A bar for each contestant under each title, with its total at the end; "" if no total is known.

    `parts`: the part of the page of each title. A part below 0, as noise can make it, is drawn from the right end of
    those before it to the left.
    """
    totals = [stack.total for own in stacks.values() for stack in own if not math.isnan(stack.total)]
    if not totals:
        return ""
    bands = [
        Band(title, [_mark(one, kind, slots) for one in own], {"part": (parts or {}).get(title, "")})
        for title, own in stacks.items()
    ]
    known = any(not math.isnan(stack.again) for own in stacks.values() for stack in own)
    quantity = str(kind if known else replace(kind, again=""))
    return svg.draw(lambda: _draw(stacks, bands, quantity, max(totals)), key, label)


def _mark(stack: Stack, kind: Kind, slots: Sequence[str]) -> Mark:
    tip = kind.words(stack) if stack.parts else ""
    return Mark(stack.contestant, slots.index(stack.contestant), stack.total, note=stack.note, tip=tip)


def _draw(stacks: Mapping[str, Sequence[Stack]], bands: Sequence[Band], quantity: str, most: float) -> Figure:
    figure, axes = canvas(bands, lambda mark: plain(mark.value))
    label_axis(axes, quantity)
    linear_axis(axes, most)
    drawn = (stack for own in stacks.values() for stack in own)
    for row, item in rows_of(bands):
        if isinstance(item, Mark):
            stack, left, colour = next(drawn), 0.0, COLOURS[item.slot % len(COLOURS)]
            bars: list[Rectangle] = []
            for part, shade in zip(stack.parts, SHADES):
                bars += axes.barh([row], [part], left=left, height=0.62, **bar_style(colour, shade))
                left += part
            for bar in bars:
                svg.describe(bar, **item.facts, tip=item.tip if bar is max(bars, key=Rectangle.get_width) else "")
            if not math.isnan(stack.again):
                (diamond,) = axes.plot([stack.again], [row], "D", color=svg.INK, mfc="none", markersize=5)
                svg.describe(diamond, **item.facts)
    return figure
