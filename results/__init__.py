"""What was measured.

frame = results.load()                      a row a launch of the newest campaign
frame = results.load("2026-11-22T15-00-00-quick", rows="cases")
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

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
"""Of Deadheat: what measured says so in what it writes."""


Rows = Literal[
    "launches", "cases", "split", "largest", "streams", "switches", "windows", "layers", "trials", "curves", "claims"
]  # fmt: skip


def load(
    campaigns: str | Path | list[str | Path] | None = None,
    rows: Rows = "launches",
    data: str | Path = "results/data",
) -> pd.DataFrame:
    """A tidy table of one or several campaigns, each given by name (in `data`) or as a folder; the newest if left out.

    `rows`: "launches" (one row a launch), "cases" (one row a case, with intervals, ratio and verdict), "split"
    (forward, backward, update), "largest" (the largest batch of each contestant, of suites that look for it),
    "streams" (cold and warm, of suites that have images of many sizes), "switches" (two sizes by turns against staying
    at each), "windows" (of suites that pool many windows of an image) or "layers" (each layer alone, of suites that ask
    for it); of reproductions "trials", "curves" (one row a measurement) or "claims".
    Columns and units: results.schema.columns, docs/results.md. Raises ResultsError.
    """
    from impls.errors import UnknownName
    from results.store import campaigns as store
    from results.store import reproductions as reproduction
    from results.tables import cases
    from results.tables import reproductions as reproduced
    from results.tables.largest import largest
    from results.tables.layers import layers
    from results.tables.streams import streams
    from results.tables.switches import switches
    from results.tables.windows import windows

    makers = {
        "launches": cases.launches,
        "cases": cases.cases,
        "split": cases.split,
        "largest": largest,
        "streams": streams,
        "switches": switches,
        "windows": windows,
        "layers": layers,
    }
    of_reproductions = {"trials": reproduced.trials, "curves": reproduced.curves, "claims": reproduced.claims}
    if rows not in {**makers, **of_reproductions}:
        raise UnknownName("kind of rows", rows, {**makers, **of_reproductions})
    folder = Path(data)
    if rows in of_reproductions:
        named = _listed(campaigns) or [reproduction.latest(folder)]
        return of_reproductions[rows]([reproduction.read(reproduction.find(name, folder)) for name in named])
    named = _listed(campaigns) or [store.latest_campaign(folder)]
    return makers[rows]([store.read_campaign(store.find_campaign(name, folder)) for name in named])


def _listed(names: str | Path | list[str | Path] | None) -> list[str | Path]:
    return names if isinstance(names, list) else [] if names is None else [names]
