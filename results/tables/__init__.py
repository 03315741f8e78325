"""The tidy tables. This folder is their registry: a module that defines `TABLE` is a table of the module's name.

A module with a leading underscore in its name is no table. The names are known without importing a module, so that
`python -m bench --help` imports no pandas.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impls import registry
from impls.errors import UnknownName
from results.schema.columns import Column
from results.store import campaigns, reproductions

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Source:
    """The kind of data that a table is made from, and the functions that find and read it."""

    kind: str
    latest: Callable[[Path], Path]
    find: Callable[[str | Path, Path], Path]
    read: Callable[[Path], Any]


CAMPAIGNS = Source("campaign", campaigns.latest_campaign, campaigns.find_campaign, campaigns.read_campaign)
REPRODUCTIONS = Source("reproduction", reproductions.latest, reproductions.find, reproductions.read)


@dataclass(frozen=True)
class Table:
    """A tidy table: its columns in order, and the function that makes it from the data of its source.

    The first line of the docstring of `make` says what a row is.
    """

    columns: tuple[Column, ...]
    make: Callable[[Iterable[Any]], pd.DataFrame]
    source: Source


def table_names() -> list[str]:
    """The names of all tables, sorted."""
    return registry.module_names(__name__)


def load_table(name: str) -> Table:
    """The table of that name; UnknownName if there is none."""
    if name not in table_names():
        raise UnknownName("table", name, table_names())
    table: Table = importlib.import_module(f"{__name__}.{name}").TABLE
    return table
