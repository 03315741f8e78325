"""A table for the terminal with short lines: those that have something in common stand below a heading of their own.

Columns that do not fit the width are in further tables, each with the leading column again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rich.text import Text

GAP = "  "


@dataclass(frozen=True)
class Line:
    """`heading` is that of consecutive lines, `label` what the line begins with, `key` finds its cells."""

    heading: str
    label: str
    key: str


@dataclass(frozen=True)
class Column:
    """Cells by the key of their line. A broken title has two lines, parted after its colon."""

    title: str
    cells: Mapping[str, Text]
    right: bool = False
    broken: bool = False

    @property
    def titles(self) -> tuple[str, str]:
        first, colon, second = self.title.partition(":")
        is_broken = self.broken and second and len(self.title) > self._widest_cell
        return (first + colon, second) if is_broken else ("", self.title)

    @property
    def width(self) -> int:
        return max(self._widest_cell, *map(len, self.titles))

    @property
    def _widest_cell(self) -> int:
        return max((cell.cell_len for cell in self.cells.values()), default=0)

    def padded(self, cell: Text) -> Text:
        space = " " * (self.width - cell.cell_len)
        return Text.assemble(space, cell) if self.right else cell + space


def grids(lines: Sequence[Line], leading: Column, others: Sequence[Column], width: int) -> list[Text]:
    """The tables, at most `width` wide if two columns fit; titles are broken only where one table would not do."""
    room = width - _label_width(lines)
    if _needed([leading, *others]) > room:
        leading, *others = (replace(column, broken=True) for column in (leading, *others))
    return [_grid(lines, [leading, *part]) for part in _parts(others, room - _needed([leading]))]


def _parts(columns: Sequence[Column], room: int) -> Iterator[list[Column]]:
    """As many columns in each part as the room holds, at least one; one empty part without columns."""
    part: list[Column] = []
    for column in columns:
        if part and _needed([*part, column]) > room:
            yield part
            part = []
        part.append(column)
    yield part


def _needed(columns: Sequence[Column]) -> int:
    return sum(len(GAP) + column.width for column in columns)


def _label_width(lines: Sequence[Line]) -> int:
    return max((len(line.label) for line in lines), default=0)


def _grid(lines: Sequence[Line], columns: Sequence[Column]) -> Text:
    label = _label_width(lines)
    titles = [_joined(" " * label, columns, [Text(column.titles[row]) for column in columns]) for row in (0, 1)]
    shown = [title for title in titles if title.plain]
    shown.append(Text("─" * (label + _needed(columns)), style="dim"))
    heading = None
    for line in lines:
        if line.heading != heading:
            heading = line.heading
            shown.append(Text(heading, style="bold"))
        cells = [column.cells.get(line.key, Text()) for column in columns]
        shown.append(_joined(line.label.ljust(label), columns, cells))
    return Text("\n").join(shown)


def _joined(label: str, columns: Sequence[Column], cells: Sequence[Text]) -> Text:
    line = Text(GAP).join([Text(label), *(column.padded(cell) for column, cell in zip(columns, cells, strict=True))])
    line.rstrip()
    return line
