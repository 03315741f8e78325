"""The largest batch that ran within a campaign's memory, for each contestant of each network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from impls.frameworks import is_card
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
    Column(
        "limited_by",
        "",
        "memory, time, budget, search (its largest batch ran), failure or unknown (no driver described the card); with "
        "anything but memory, the largest batch that fits may be larger",
    ),
)

MAX_BATCH = 2**16
"""The largest batch that a search tries, in images."""


CLOSE = 32
"""The search ends when failing and running batch differ by at most 1/CLOSE of the running batch."""


def next_try(runs: int, fails: int) -> int | None:
    """The batch between the largest that ran and the smallest that did not; None if these are close.

    Twice the one that ran as long as none has failed: `fails` is then MAX_BATCH + 1.
    """
    if fails - runs <= max(1, runs // CLOSE):
        return None
    return min(2 * runs, MAX_BATCH) if fails > MAX_BATCH else (runs + fails) // 2


def card_memory(cards: Iterable[float | None]) -> float | None:
    """The memory that a card has for itself, in bytes, from what the driver reports of each; the largest of several.

    None where it reports none of one of them: such a card (Jetson, GB10) shares the host's memory. None without a card,
    too: of one that no driver describes nothing is known, and a new search is refused (bench.session).
    """
    found = list(cards)
    known = [card for card in found if card is not None]
    return max(known, default=None) if len(known) == len(found) else None


def fits(record: Record, memory: float, card: float | None = None) -> bool:
    """Whether a launch ran, using at most `memory` bytes above those of its process with the framework imported.

    With memory of its own (`card`, in bytes), a card is the limit itself: what ran fits, unless it used more than there
    is, as a driver may spill to the host's memory (WSL2). A card without any takes of the host's, in addition to what
    the process does.
    """
    if record.status is not Status.MEASURED:
        return False
    used = record.usage.values if record.usage else {}
    host = used.get("peak_rss_launch_bytes")
    if record.case.workload.device == "cpu":
        return host is not None and host <= memory
    taken = max((used[name] for name in ("gpu_memory_bytes", "allocator_bytes") if name in used), default=None)
    if card is not None:
        return taken is None or taken <= card
    return taken is not None and taken + (host or 0.0) <= memory


def is_too_long(record: Record, batch: int, time_limit: float) -> bool:
    """Whether a launch of a larger batch, which takes longer in proportion, may reach its time limit in seconds.

    It would then end for its duration, which says nothing about memory.
    """
    return sum(record.block_seconds.values()) * batch / record.case.workload.batch > time_limit


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
        cards = campaign.system.machine.cards or ()
        limit = Limit(memory, card_memory(gpu.memory_bytes for gpu in cards), bool(cards))
        rows += [_row(campaign, case, records, limit) for case, records in tries.items()]
    return frame(rows, COLUMNS)


def _without_batch(case: Case) -> Case:
    return replace(case, workload=replace(case.workload, batch=0))


@dataclass(frozen=True)
class Limit:
    """Bytes: the suite's, and those of the card's own memory. `is_described`: the driver has told of a card."""

    memory: float
    card: float | None
    is_described: bool


def _row(campaign: StoredCampaign, case: Case, records: list[Record], limit: Limit) -> dict[str, Any]:
    good = [record for record in records if fits(record, limit.memory, limit.card)]
    best = max(good, key=lambda record: record.case.workload.batch, default=None)
    worse = [record for record in records if not fits(record, limit.memory, limit.card)]
    beyond = min(worse, key=lambda record: record.case.workload.batch, default=None)
    workload = case.workload
    limited_by, why = _too_long(campaign, best, beyond) or (_failed(beyond) if beyond else _end(campaign, best))
    on_card = is_card(workload.device)
    is_own = on_card and limit.card is not None
    said = beyond is not None and beyond.status is Status.OUT_OF_MEMORY
    if limited_by == "memory" and on_card and not limit.is_described and not said:
        limited_by, why = "unknown", "the driver told of no card: the limit was the suite's, not that of the card"
    return {
        "campaign": campaign.name,
        "architecture": workload.architecture,
        "size": workload.size,
        "precision": workload.precision,
        "device": workload.device,
        "phase": workload.phase,
        "contestant": case.contestant.id,
        "memory_bytes": limit.card if is_own else limit.memory,
        "largest_batch": best.case.workload.batch if best else None,
        "peak_rss_launch_bytes": best.usage.values.get("peak_rss_launch_bytes") if best and best.usage else None,
        "smallest_failing_batch": beyond.case.workload.batch if beyond else None,
        "failure": why,
        "limited_by": limited_by,
    }


LIMITED_BY = {Status.OUT_OF_MEMORY: "memory", Status.TIMED_OUT: "time"}
"""By the status of the smallest batch that did not run; others are failures."""


def _failed(record: Record) -> tuple[str, str]:
    """(limited_by, failure) of a batch that did not run within the limit."""
    if record.status is not Status.MEASURED:
        return LIMITED_BY.get(record.status, "failure"), words.status(record.status, record.reason)
    name = "peak_rss_launch_bytes" if record.case.workload.device == "cpu" else "gpu_memory_bytes"
    unknown = record.usage.missing.get(name) if record.usage else "its memory was not measured"
    return ("failure", unknown) if unknown else ("memory", "exceeded the memory limit")


def _end(campaign: StoredCampaign, best: Record | None) -> tuple[str, str]:
    """(limited_by, failure) where no larger batch was tried."""
    if best and best.case.workload.batch >= MAX_BATCH:
        return "search", f"{MAX_BATCH} is the largest batch that is tried"
    if campaign.system.stop != "complete":
        return "budget", f"the search ended before the limit was found ({campaign.system.stop})"
    return "memory", "the next batch needs more memory than the limit, by the network's table"


def _too_long(campaign: StoredCampaign, best: Record | None, beyond: Record | None) -> tuple[str, str] | None:
    """(limited_by, failure) where the next batch was not tried for its time; None where time did not end the search."""
    limit = campaign.system.suite.time_limit
    if best is None or limit is None:
        return None
    batch = next_try(best.case.workload.batch, beyond.case.workload.batch if beyond else MAX_BATCH + 1)
    if batch is None or not is_too_long(best, batch, limit):
        return None
    return "time", f"a launch of {batch} images may take longer than the time limit of {limit:g} s"


TABLE = Table(COLUMNS, largest, CAMPAIGNS)
