"""What it saves to compute features once for many windows of an image, against a forward pass for each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from results.compare.limits import limits_of
from results.schema.columns import Column
from results.schema.streams import StreamKind, stream_kind
from results.store.campaigns import StoredCampaign
from results.tables import CAMPAIGNS, Table
from results.tables._rows import frame
from results.tables.cases import cases

COLUMNS = (
    Column("campaign", "", "folder of the campaign"),
    Column("contestant", "", "framework:execution"),
    Column("network", "", "name of the table that pools windows from one map"),
    Column("windows", "", "windows of an image"),
    Column("size", "", "size of that image"),
    Column("each_network", "", "name of the table that takes a forward pass for each window"),
    Column("each_stream", "", "the windows as its images: squares of one side"),
    Column("shared_seconds", "s", "time with features computed once"),
    Column("each_seconds", "s", "time with a forward pass for each window, ten at a time"),
    Column("speed_up", "", "the latter over the former"),
)


@dataclass(frozen=True)
class Published:
    """What a paper took for an image both ways, on the GPU that it had; `each` is the network that went over each."""

    source: str
    scales: int
    each: str
    windows: int
    shared_seconds: float
    each_seconds: float

    @property
    def speed_up(self) -> float:
        return self.each_seconds / self.shared_seconds


PUBLISHED = (
    Published("He et al. 2015, table 9", 1, "R-CNN's AlexNet", 2000, 0.142, 9.03),
    Published("He et al. 2015, table 9", 5, "R-CNN's AlexNet", 2000, 0.382, 9.03),
    Published("He et al. 2015, table 10", 1, "R-CNN with ZF-5", 2000, 0.142, 14.46),
    Published("He et al. 2015, table 10", 5, "R-CNN with ZF-5", 2000, 0.382, 14.46),
)
"""SPP-net's ZF-5 over R-CNN, convolutions and full connections; windows are about 2,000 an image (section 4.1)."""


def windows(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """One row for each contestant and number of windows, and each way to take a pass for every one of them that was
    measured beside it."""
    rows = [row for campaign in campaigns for row in _of(campaign)]
    return frame(rows, COLUMNS)


def _of(campaign: StoredCampaign) -> list[dict[str, Any]]:
    limits = limits_of(campaign)
    if not any(facts.windows is not None for facts in limits.workloads.values()):
        return []
    table = [{str(name): value for name, value in row.items()} for row in cases([campaign]).to_dict("records")]
    each: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in table:
        if stream_kind(row["stream"]) is StreamKind.TENS:
            each.setdefault(_key(row, row["batch"]), []).append(row)
    counted = [(row, row["batch"] * (limits.facts(row["group"]).windows or 0)) for row in table]
    return [_row(row, windows, other) for row, windows in counted for other in each.get(_key(row, windows), ())]


def _key(row: dict[str, Any], images: int) -> tuple[Any, ...]:
    """What both ways have in common. Networks and sizes differ: a window is a part of a map here, an image there."""
    return row["contestant"], row["phase"], row["precision"], row["device"], images


def _row(shared: dict[str, Any], windows: int, each: dict[str, Any]) -> dict[str, Any]:
    return {
        "campaign": shared["campaign"],
        "contestant": shared["contestant"],
        "network": shared["architecture"],
        "windows": windows,
        "size": shared["size"],
        "each_network": each["architecture"],
        "each_stream": each["stream"],
        "shared_seconds": shared["seconds"],
        "each_seconds": each["seconds"],
        "speed_up": each["seconds"] / shared["seconds"],
    }


TABLE = Table(COLUMNS, windows, CAMPAIGNS)
