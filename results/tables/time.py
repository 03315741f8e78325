"""Where the time of a campaign went."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import pandas as pd

from results.schema.columns import Column
from results.store.campaigns import StoredCampaign
from results.tables import CAMPAIGNS, Table
from results.tables._rows import frame

PARTS = ("import", "gate", "build", "first_call", "warm_up", "settling", "rounds", "other")
"""import: of frameworks. gate: precision probes and parity. build: processes, models and weights. other: memory,
meters, checks of outputs, and what is in no part, such as writing records."""
COLUMNS = (
    Column("campaign", "", "folder of the campaign"),
    Column("component", "", ", ".join(PARTS)),
    Column("seconds", "s", "wall time of the measuring spent in the part; empty: an older campaign does not say"),
    Column("share", "", "of the whole"),
)


def time(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """One row for each part of a campaign's measuring time."""
    rows = []
    for campaign in campaigns:
        seconds = seconds_by_part(campaign)
        whole = sum(seconds.values())
        for part in PARTS:
            spent = seconds.get(part, math.nan)
            share = spent / whole if whole else math.nan
            rows.append({"campaign": campaign.name, "component": part, "seconds": spent, "share": share})
    return frame(rows, COLUMNS)


def seconds_by_part(campaign: StoredCampaign) -> dict[str, float]:
    """Seconds by part, which add up to the measuring time where that is known; empty for an older campaign."""
    spent: Counter[str] = Counter()
    for parts in filter(None, campaign.source.column("block_seconds")):  # in the first record of each block
        for part, seconds in parts.items():
            spent[part if part in PARTS else "other"] += seconds  # type: ignore[assignment]
    if not spent:
        return {}
    spent.update(campaign.system.preparation_seconds)
    if campaign.system.measuring_seconds is not None:
        spent["other"] += max(campaign.system.measuring_seconds - sum(spent.values()), 0.0)  # type: ignore[assignment]
    return {part: round(float(spent[part]), 1) for part in PARTS}


TABLE = Table(COLUMNS, time, CAMPAIGNS)
