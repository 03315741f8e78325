"""The largest batch that ran within a campaign's memory, for each contestant of each network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pandas as pd

from results import words
from results.schema.columns import Column
from results.schema.record import Case, Record, Status
from results.store.campaigns import StoredCampaign
from results.tables import CAMPAIGNS, Table
from results.tables._rows import frame

COLUMNS = (
    Column("campaign", "", "folder of the campaign"),
    Column("architecture", "", "name of the network's table"),
    Column("size", "", "size of the images"),
    Column("precision", "", "arithmetic"),
    Column("device", "", "cpu or cuda"),
    Column("phase", "", "infer, forward, gradient or train"),
    Column("contestant", "", "framework:execution"),
    Column("memory_bytes", "bytes", "memory limit of a launch"),
    Column("largest_batch", "images", "largest batch that ran within the limit"),
    Column("peak_rss_launch_bytes", "bytes", "peak resident memory of that launch, building and first call included"),
    Column("smallest_failing_batch", "images", "smallest tried batch that did not run within the limit"),
    Column("failure", "", "how that batch failed, or why no larger batch was tried"),
)

MAX_BATCH = 2**16
"""The largest batch that a search tries, in images."""


def fits(record: Record, memory: float) -> bool:
    """Whether a launch ran, using at most `memory` bytes above those of its process with the framework imported.

    On a GPU, every launch that ran fits, as no process can use more memory than the GPU has.
    """
    if record.status is not Status.MEASURED:
        return False
    taken = record.usage.values.get("peak_rss_launch_bytes") if record.usage else None
    return record.case.workload.device != "cpu" or (taken is not None and taken <= memory)


def is_search(campaign: StoredCampaign) -> bool:
    """Whether a campaign searched for largest batches."""
    return bool(campaign.system.suite.largest_batch)


def largest(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """One row for each contestant of each network and phase."""
    rows = []
    for campaign in filter(is_search, campaigns):
        memory = float(campaign.system.suite.memory or 0)
        tries: dict[Case, list[Record]] = {}
        for record in campaign.records:
            tries.setdefault(_without_batch(record.case), []).append(record)
        rows += [_row(campaign, case, records, memory) for case, records in tries.items()]
    return frame(rows, COLUMNS)


def _without_batch(case: Case) -> Case:
    return replace(case, workload=replace(case.workload, batch=0))


def _row(campaign: StoredCampaign, case: Case, records: list[Record], memory: float) -> dict[str, Any]:
    good = [record for record in records if fits(record, memory)]
    best = max(good, key=lambda record: record.case.workload.batch, default=None)
    worse = [record for record in records if not fits(record, memory)]
    beyond = min(worse, key=lambda record: record.case.workload.batch, default=None)
    workload = case.workload
    return {
        "campaign": campaign.name,
        "architecture": workload.architecture,
        "size": workload.size,
        "precision": workload.precision,
        "device": workload.device,
        "phase": workload.phase,
        "contestant": case.contestant.id,
        "memory_bytes": memory,
        "largest_batch": best.case.workload.batch if best else None,
        "peak_rss_launch_bytes": best.usage.values.get("peak_rss_launch_bytes") if best and best.usage else None,
        "smallest_failing_batch": beyond.case.workload.batch if beyond else None,
        "failure": _why(beyond) if beyond else _end(campaign, best),
    }


def _why(record: Record) -> str:
    if record.status is not Status.MEASURED:
        return words.status(record.status, record.reason)
    unknown = record.usage.missing.get("peak_rss_launch_bytes") if record.usage else "its memory was not measured"
    return unknown or "exceeded the memory limit"


def _end(campaign: StoredCampaign, best: Record | None) -> str:
    """Why no larger batch was tried."""
    if best and best.case.workload.batch >= MAX_BATCH:
        return f"{MAX_BATCH} is the largest batch that is tried"
    if campaign.system.stop != "complete":
        return f"the search ended before the limit was found ({campaign.system.stop})"
    return "the next batch needs more memory than the limit, by the network's table"


TABLE = Table(COLUMNS, largest, CAMPAIGNS)
