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
    Column(
        "subset",
        "",
        "number of the subset, of a group that did not fit in memory together; ratios are paired within a subset",
    ),
    Column(
        "node", "", "the machine that it ran on, a key of `nodes` in system.json; empty in campaigns of one machine"
    ),
    Column("attempt", "", "number of earlier attempts at this launch, which were disturbed; the last attempt is valid"),
    *OUTCOME,
    Column("seconds", "s/step", "median of the launch's rounds"),
    Column("rounds", "", "number of recorded rounds"),
    Column("steps", "", "number of steps in a round"),
    Column("first_call_seconds", "s", "time of the first step, tracing and compiling included"),
    Column("build_seconds", "s", "time to build the model and load its weights"),
    Column("start_seconds", "s", "time from requesting the process until it responds"),
    Column("started", "UTC", "when the launch began"),
    Column(
        "warmup_converged",
        "",
        "whether step times had converged at the end of warm-up; empty if rounds are too few for the test",
    ),
    Column(
        "pinned_threads", "", "number of its threads that were pinned to a core each; empty if threads were not pinned"
    ),
    Column("other_cpus_used", "cores", "CPUs used by other processes during its rounds"),
    Column("steal", "share", "of its cores' time, given to other guests by the hypervisor"),
    Column("pressure", "share", "of the time in which any task on the machine waited for a core"),
    Column("process_cpus_used", "cores", "CPUs used by its own threads during its rounds"),
    Column("minor_faults", "", "number of minor page faults (pages new to the process) during its rounds"),
    Column("major_faults", "", "number of major page faults (pages read from disk) during its rounds"),
    Column("runnable", "tasks", "tasks running or ready to run on the whole machine, mean over its rounds"),
    Column(
        "throttled", "share", "of its cores' time, withheld because the CPU quota was used up; empty if no quota is set"
    ),
    Column("throttled_periods", "", "number of periods in which the quota was used up"),
    Column("device_seconds", "s/step", "median of the launch's rounds by the device's own clock"),
    Column(
        "effective_precision", "", "precision in which its products were computed, as detected, whatever was requested"
    ),
    Column("compilations", "", "number of times that its steps were traced or compiled"),
    Column("fallback", "", "why it was not executed as requested; empty if it was"),
    *USAGE,
    Column("allocator_source", "", "which statistic of the framework allocator_bytes is, and since when"),
    Column("usage_missing", "", "why some of these quantities are missing"),
    *PARITY,
)


def launches(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """One row per launch, measured or not, in the order recorded."""
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
        "node": record.node,
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
