"""Every launch of a campaign, measured or not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import pandas as pd

from results.compare.limits import limits_of
from results.quality.interference import Disturbance
from results.schema.columns import OUTCOME, PARITY, USAGE, WORKLOAD, Column
from results.schema.record import Case, Record
from results.stats.estimates import launch_time
from results.store.campaigns import StoredCampaign
from results.tables import CAMPAIGNS, Table
from results.tables._rows import frame, parity_row, usage_row, workload_row

COLUMNS = (
    *WORKLOAD,
    Column("launch", "", "number of the launch (of the block), from 0"),
    Column("subset", "", "which part of a group that did not fit in memory together; ratios pair within one"),
    Column("attempt", "", "how often this launch had been made before, and was contaminated; the last attempt counts"),
    *OUTCOME,
    Column("seconds", "s/step", "median of the launch's rounds"),
    Column("rounds", "", "counted rounds"),
    Column("steps", "", "steps in a round"),
    Column("first_call_seconds", "s", "the first step: tracing and compiling included"),
    Column("build_seconds", "s", "building the model and loading its weights"),
    Column("start_seconds", "s", "from asking for the process until it answers"),
    Column("started", "UTC", "when the launch began"),
    Column("warmup_converged", "", "whether its warm-up had settled; empty: too few rounds to tell"),
    Column("pinned_threads", "", "how many of its threads were bound to a core each; empty: all were left alone"),
    Column("other_cpus_used", "cores", "processors' time of other processes during its rounds"),
    Column("steal", "share", "of its cores' time, taken by the hypervisor for others"),
    Column("pressure", "share", "of the time, in which anything on the machine waited for a core"),
    Column("process_cpus_used", "cores", "processors' time of its own threads during its rounds"),
    Column("major_faults", "", "times that memory had to come from a disk during its rounds"),
    Column("runnable", "tasks", "tasks running or ready to, on the whole machine, mean over its rounds"),
    Column("throttled", "share", "of its cores' time, withheld as a CPU quota was used up; empty: no quota is set"),
    Column("throttled_periods", "", "periods of that quota in which it was used up"),
    Column("device_seconds", "s/step", "median of the launch's rounds by the device's own clock"),
    Column("effective_precision", "", "what its products were seen to be computed in, whatever was asked for"),
    Column("compilations", "", "how often its steps were traced or compiled"),
    Column("fallback", "", "why it went on in another way than it was asked to execute in"),
    *USAGE,
    Column("allocator_source", "", "which figure of the framework's allocator_bytes is, and since when"),
    Column("usage_missing", "", "why quantities of these are empty"),
    *PARITY,
)


def launches(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """One row a launch, measured or not, in the order recorded."""
    return frame((row for campaign in campaigns for row in _launch_rows(campaign)), COLUMNS)


def _launch_rows(campaign: StoredCampaign) -> Iterator[dict[str, Any]]:
    limits = limits_of(campaign)
    known: dict[Case, dict[str, Any]] = {}
    for record in campaign.records:
        if record.case not in known:
            known[record.case] = workload_row(campaign, record.case, limits)
        yield {**known[record.case], **_launch_row(record)}


def _launch_row(record: Record) -> dict[str, Any]:
    return {
        "launch": record.launch,
        "subset": record.subset,
        "attempt": record.attempt,
        "status": record.status.value,
        "reason": record.reason,
        "log": record.log,
        "seconds": launch_time(record.seconds) if record.seconds else math.nan,
        "rounds": len(record.seconds),
        "steps": record.steps,
        "first_call_seconds": record.first_call_seconds,
        "build_seconds": record.build_seconds,
        "start_seconds": record.start_seconds,
        "started": record.started,
        "warmup_converged": record.warmup_converged,
        "pinned_threads": record.pinned_threads,
        **asdict(Disturbance.of(record.conditions)),
        "device_seconds": launch_time(record.device_seconds) if record.device_seconds else math.nan,
        "effective_precision": record.effective_precision,
        "compilations": record.compilations,
        "fallback": record.fallback,
        **usage_row([record]),
        **parity_row(record.parity),
    }


TABLE = Table(COLUMNS, launches, CAMPAIGNS)
