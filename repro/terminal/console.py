"""Tables on a terminal, or wherever else the output goes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from impls.terminal import console


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Text that is too long for its column goes on in the next line; nothing in it is taken for markup."""
    table = Table(show_edge=False, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    console().print(table)
