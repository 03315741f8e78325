"""Components of a training step: forward, backward and update."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from results.schema.columns import Column
from results.stats.estimates import Estimate, arithmetic, difference, launch_time
from results.stats.pairing import counted
from results.store.campaigns import StoredCampaign
from results.tables import CAMPAIGNS, Table
from results.tables._rows import frame, time_row

COLUMNS = (
    Column("campaign", "", "folder of the campaign"),
    Column("network", "", "the workload without its phase"),
    Column("contestant", "", "framework:execution"),
    Column("component", "", "forward, backward (gradient less forward) or update (train less gradient)"),
    Column("seconds", "s/step", "mean time of the component"),
    Column("seconds_low", "s/step", "lower end of its 95 % interval (Welch)"),
    Column("seconds_high", "s/step", "upper end of its 95 % interval (Welch)"),
)
PARTS = (("forward", "forward", None), ("backward", "gradient", "forward"), ("update", "train", "gradient"))
"""(component, phase that includes it, phase to subtract)."""


def split(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """Components of a training step (forward, backward and update) per network and contestant, with intervals."""
    rows = []
    for campaign in campaigns:
        networks: dict[tuple[str, str], dict[str, list[float]]] = {}
        for record in counted(campaign.records):
            workload = record.case.workload
            key = workload.id.removesuffix(f"-{workload.phase}"), record.case.contestant.id
            networks.setdefault(key, {}).setdefault(workload.phase, []).append(launch_time(record.seconds))
        for (network, contestant), phases in networks.items():
            for part, phase, less in PARTS:
                estimate = _part(phases.get(phase, []), None if less is None else phases.get(less, []))
                if estimate is not None:
                    names = {"campaign": campaign.name, "network": network, "contestant": contestant, "component": part}
                    rows.append({**names, **time_row(estimate)})
    return frame(rows, COLUMNS)


def _part(times: Sequence[float], less: Sequence[float] | None) -> Estimate | None:
    if less is None:
        return arithmetic(times) if times else None
    return difference(times, less)


TABLE = Table(COLUMNS, split, CAMPAIGNS)
