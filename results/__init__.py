"""What was measured.

frame = results.load()                      a row a launch of the newest campaign
frame = results.load("2026-11-22T15-00-00-quick", rows="cases")
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["VERSION", "load"]

VERSION = "0.1.0"
"""Of Deadheat: what measured says so in what it writes."""


def load(
    campaigns: str | Path | list[str | Path] | None = None,
    rows: Literal["launches", "cases", "split", "largest", "streams", "windows"] = "launches",
    data: str | Path = "results/data",
) -> pd.DataFrame:
    """A tidy table of one or several campaigns, each given by name (in `data`) or as a folder; the newest if left out.

    `rows`: "launches" (one row a launch), "cases" (one row a case, with intervals, ratio and verdict), "split"
    (forward, backward, update), "largest" (the largest batch of each contestant, of suites that look for it),
    "streams" (cold and warm, of suites that have images of many sizes) or "windows" (of suites that pool many windows
    of an image).
    Columns and units: results.columns, docs/results.md. Raises ResultsError.
    """
    from impls.errors import UnknownName
    from results import store, table
    from results.largest import largest
    from results.streams import streams
    from results.windows import windows

    makers = {
        "launches": table.launches,
        "cases": table.cases,
        "split": table.split,
        "largest": largest,
        "streams": streams,
        "windows": windows,
    }
    if rows not in makers:
        raise UnknownName("kind of rows", rows, makers)
    names = [store.latest_campaign(Path(data))] if campaigns is None else campaigns
    wanted = names if isinstance(names, list) else [names]
    return makers[rows]([store.read_campaign(store.find_campaign(name, Path(data))) for name in wanted])
