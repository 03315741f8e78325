"""Results of measurements: tidy tables of campaigns and reproductions.

frame = results.load()                      one row per launch of the newest campaign
frame = results.load("2026-11-22T15-00-00-quick", rows="cases")
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from impls.lazy import lazily

if TYPE_CHECKING:
    import pandas as pd

    from results.schema.record import Case, Contestant, Record, Status, Workload
    from results.store.campaigns import StoredCampaign, campaigns_in, find_campaign, latest_campaign, read_campaign
    from results.store.journal import ResultsError

__all__ = [
    "VERSION",
    "Case",
    "Contestant",
    "Record",
    "ResultsError",
    "Status",
    "StoredCampaign",
    "Workload",
    "campaigns_in",
    "find_campaign",
    "latest_campaign",
    "load",
    "read_campaign",
]

__getattr__ = lazily(
    __name__,
    {
        "results.schema.record": ("Case", "Contestant", "Record", "Status", "Workload"),
        "results.store.campaigns": (
            "StoredCampaign",
            "campaigns_in",
            "find_campaign",
            "latest_campaign",
            "read_campaign",
        ),
        "results.store.journal": ("ResultsError",),
    },
)

VERSION = "0.1.0"
"""The version of Deadheat, stored in the metadata of every campaign."""


def load(
    campaigns: str | Path | list[str | Path] | None = None,
    rows: str = "launches",
    data: str | Path = "results/data",
) -> pd.DataFrame:
    """A tidy table of one or several campaigns, each given by name (in `data`) or as a folder; the newest if left out.

    `rows` names a table, such as "launches" (one row per launch) or "cases" (one row per case, with intervals, ratio
    and verdict); some are of reproductions, not of campaigns. All of them, with columns and units: docs/results.md.
    Raises UnknownName for an unknown table, and ResultsError.
    """
    from results.tables import load_table

    table, folder = load_table(rows), Path(data)
    source = table.source
    named = _listed(campaigns) or [source.latest(folder)]
    return table.make([source.read(source.find(name, folder)) for name in named])


def _listed(names: str | Path | list[str | Path] | None) -> list[str | Path]:
    return names if isinstance(names, list) else [] if names is None else [names]
