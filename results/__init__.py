"""What was measured.

frame = results.load()                      a row a launch of the newest campaign
frame = results.load("2026-11-22T15-00-00-quick", rows="cases")
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["VERSION", "load"]

VERSION = "0.1.0"
"""Of Deadheat: what measured says so in what it writes."""


def load(
    campaigns: str | Path | list[str | Path] | None = None,
    rows: str = "launches",
    data: str | Path = "results/data",
) -> pd.DataFrame:
    """A tidy table of one or several campaigns, each given by name (in `data`) or as a folder; the newest if left out.

    `rows` names a table, such as "launches" (one row a launch) or "cases" (one row a case, with intervals, ratio and
    verdict); some are of reproductions, not of campaigns. All of them, with columns and units: docs/results.md.
    Raises UnknownName for a table that is not there, and ResultsError.
    """
    from results.tables import load_table

    table, folder = load_table(rows), Path(data)
    source = table.source
    named = _listed(campaigns) or [source.latest(folder)]
    return table.make([source.read(source.find(name, folder)) for name in named])


def _listed(names: str | Path | list[str | Path] | None) -> list[str | Path]:
    return names if isinstance(names, list) else [] if names is None else [names]
