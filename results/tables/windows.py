"""Speed-up from computing features once for many windows of an image, against a forward pass per window."""

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
    Column("network", "", "network that pools all windows from one feature map"),
    Column("windows", "", "number of windows of an image"),
    Column("size", "", "size of the image"),
    Column("each_network", "", "network with a forward pass per window"),
    Column("each_stream", "", "stream of that network: windows as square images of one size"),
    Column("shared_seconds", "s", "time with features computed once"),
    Column("each_seconds", "s", "time with a forward pass per window, in batches of ten"),
    Column("speed_up", "", "each_seconds over shared_seconds"),
)


@dataclass(frozen=True)
class Published:
    """A paper's time per image both ways, on its GPU; `each` is the network with a forward pass per window."""

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
    """One row for each contestant, number of windows, and measured stream with a pass per window."""
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
    """What both ways have in common. Networks and sizes differ: a window is a part of a map, or an image."""
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
