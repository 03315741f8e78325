"""A table of workloads and contestants for the terminal: a line a workload, below the line of its network.

Contestants that do not fit the width are in further tables, each with the reference again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rich.text import Text

GAP = "  "


@dataclass(frozen=True)
class Line:
    """A workload: its network, which is the heading of all its workloads, and its phase. `group` is its id."""

    network: str
    phase: str
    group: str


@dataclass(frozen=True)
class Column:
    """A contestant's cells by group. A broken heading has two lines: the framework, and how it executes."""

    contestant: str
    cells: Mapping[str, Text]
    broken: bool = False

    @property
    def heading(self) -> tuple[str, str]:
        framework, colon, execution = self.contestant.partition(":")
        is_broken = self.broken and execution and len(self.contestant) > self._widest_cell
        return (framework + colon, execution) if is_broken else ("", self.contestant)

    @property
    def width(self) -> int:
        return max(self._widest_cell, *map(len, self.heading))

    @property
    def _widest_cell(self) -> int:
        return max((cell.cell_len for cell in self.cells.values()), default=0)


def grids(lines: Sequence[Line], reference: Column, others: Sequence[Column], width: int) -> list[Text]:
    """The tables, at most `width` wide; headings are broken only where one table would not hold all contestants."""
    room = width - _label_width(lines)
    if _needed([reference, *others]) > room:
        reference, *others = (replace(column, broken=True) for column in (reference, *others))
    return [_grid(lines, [reference, *part]) for part in _parts(others, room - _needed([reference]))]


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
    return max((len(line.phase) for line in lines), default=0)


def _grid(lines: Sequence[Line], columns: Sequence[Column]) -> Text:
    label = _label_width(lines)
    headings = [_joined("", label, [Text(column.heading[row]) for column in columns], columns) for row in (0, 1)]
    shown = [heading for heading in headings if heading.plain]
    shown.append(Text("─" * (label + _needed(columns)), style="dim"))
    network = None
    for line in lines:
        if line.network != network:
            network = line.network
            shown.append(Text(network, style="bold"))
        shown.append(_joined(line.phase, label, [column.cells.get(line.group, Text()) for column in columns], columns))
    return Text("\n").join(shown)


def _joined(phase: str, label: int, cells: Sequence[Text], columns: Sequence[Column]) -> Text:
    """One line, cells aligned left."""
    parts = [Text(phase.ljust(label))]
    for cell, column in zip(cells, columns, strict=True):
        parts.append(cell + " " * (column.width - cell.cell_len))
    found = Text(GAP).join(parts)
    found.rstrip()
    return found
