"""What it saves to compute features once for many windows of an image, against a forward pass for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from results.columns import WINDOWS
from results.limits import limits_of
from results.store import Campaign
from results.table import cases

SQUARES = "tens-"
"""The streams (bench.streams) of windows that are images of their own."""


def windows(campaigns: Iterable[Campaign]) -> pd.DataFrame:
    """One row for each contestant and number of windows that was measured both ways: results.columns.WINDOWS."""
    rows = [row for campaign in campaigns for row in _of(campaign)]
    return pd.DataFrame(rows, columns=[column.name for column in WINDOWS])


def _of(campaign: Campaign) -> list[dict[str, Any]]:
    limits = limits_of(campaign)
    if not any("windows" in facts for facts in limits.workloads.values()):
        return []
    table = [{str(name): value for name, value in row.items()} for row in cases([campaign]).to_dict("records")]
    each = {_key(row, row["batch"]): row for row in table if row["stream"].startswith(SQUARES)}
    found = []
    for row in table:
        windows = row["batch"] * limits.workloads.get(row["group"], {}).get("windows", 0)
        other = each.get(_key(row, windows))
        if not windows or other is None:
            continue
        found.append(
            {
                "campaign": campaign.name,
                "contestant": row["contestant"],
                "network": row["architecture"],
                "windows": windows,
                "size": row["size"],
                "shared_seconds": row["seconds"],
                "each_seconds": other["seconds"],
                "speed_up": other["seconds"] / row["seconds"],
            }
        )
    return found


def _key(row: dict[str, Any], images: int) -> tuple[Any, ...]:
    return row["contestant"], row["phase"], row["precision"], row["device"], images
