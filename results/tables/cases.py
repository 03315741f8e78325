"""Every case of a campaign with its estimate, ratio, verdict and flags.

Campaigns are never pooled: every statistic stays within one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from results import quality
from results.compare.limits import Limits, limits_of
from results.quality.interference import Disturbance
from results.schema.columns import LIMITS, MEMORY, OUTCOME, PARITY, USAGE, WORKLOAD, Column, device_columns
from results.schema.record import Case, Contestant, Record, Status, Workload
from results.schema.system import ContestantFacts
from results.stats.campaign_ratios import judged_ratios
from results.stats.estimates import Estimate, geometric, launch_time
from results.stats.nodes import time_over_nodes
from results.stats.pairing import counted
from results.stats.verdicts import DECIDED_PERCENT, WIDEST_PERCENT, Judgement, TimingVerdict, judge, launches_needed
from results.store.campaigns import StoredCampaign
from results.tables import CAMPAIGNS, Table
from results.tables._rows import blank, frame, parity_row, time_row, usage_row, workload_row

Groups = dict[Workload, dict[str, list[Record]]]
"""The records of each workload by contestant."""
COLUMNS = (
    *WORKLOAD,
    Column("level", "", "how the contestant is written: tuned, or idiomatic; empty in campaigns that do not say"),
    *OUTCOME,
    Column("launches", "", "number of valid launches"),
    Column("repeated_launches", "", "number of launches that were disturbed and repeated"),
    Column("seconds", "s/step", "geometric mean of the launches' medians"),
    Column("seconds_low", "s/step", "lower end of its 95 % interval over launches; over nodes, from three on"),
    Column("seconds_high", "s/step", "upper end of its 95 % interval over launches; over nodes, from three on"),
    Column("images_per_second", "images/s", "batch over seconds"),
    Column("images_per_second_low", "images/s", "lower end of its interval"),
    Column("images_per_second_high", "images/s", "upper end of its interval"),
    Column("first_call_seconds", "s", "longest first step of its launches, tracing and compiling included"),
    Column("compilations", "", "largest number of times that a launch traced or compiled its steps"),
    Column("fallback", "", "why a launch was not executed as requested; empty if all were"),
    Column("reference", "", "reference contestant of the ratio"),
    Column("ratio", "", "time over the reference's time, paired by block: below 1 is faster"),
    Column("ratio_low", "", "lower end of its 95 % interval over blocks; over nodes, from three on"),
    Column("ratio_high", "", "upper end of its 95 % interval over blocks; over nodes, from three on"),
    Column("pairs", "", "number of blocks in the ratio"),
    Column("verdict", "", "faster, slower, dead heat (interval within 2 % of 1), within (`within_percent`) or unclear"),
    Column(
        "within_percent",
        "%",
        f"of the verdict within: smallest whole percent of 1 that holds the interval, at most {WIDEST_PERCENT}",
    ),
    Column(
        "launches_needed",
        "",
        f"of unclear, and of within more than {DECIDED_PERCENT} %: estimated total number of launches to decide it; of "
        "three nodes or more, as many on each further node",
    ),
    Column("subsets", "", "number of subsets in which the group was measured, as it did not fit in memory together"),
    Column(
        "quality_flags",
        "",
        "names of the quality flags of the case (docs/results.md explains each)",
    ),
    Column("other_cpus_used", "cores", "CPUs used by other processes during its rounds, mean over its launches"),
    Column("process_cpus_used", "cores", "CPUs used by its own threads during its rounds, mean over its launches"),
    Column("device_seconds", "s/step", "geometric mean of its launches by the device's own clock"),
    Column(
        "effective_precision", "", "precision in which its products were computed, as detected, whatever was requested"
    ),
    *LIMITS,
    MEMORY,
    *USAGE,
    Column("allocator_source", "", "which statistic of the framework allocator_bytes is, and since when"),
    Column("usage_missing", "", "why some of these quantities are missing"),
    *PARITY,
)


def cases(campaigns: Iterable[StoredCampaign], reference: str | None = None) -> pd.DataFrame:
    """One row a case with its estimate, and its ratio to the reference contestant of its group.

    `reference` is a contestant's id; left out, each campaign's own (the first of its suite), or the first of the
    group where that does not take part. A group in which the reference was not measured has no ratios.
    """
    rows: list[dict[str, Any]] = []
    for campaign in campaigns:
        own_rows: list[dict[str, Any]] = []
        measured: list[quality.MeasuredCase] = []
        named, limits = reference_of(campaign), limits_of(campaign)
        groups = _groups(campaign)
        references = {workload: reference or _reference(group, named) for workload, group in groups.items()}
        ratios, believable = _ratios(campaign, groups, references)
        for workload, group in groups.items():
            subsets = 1 + max(record.subset for records in group.values() for record in records)
            for records in group.values():
                row = _case_row(
                    campaign, records, limits, ratios.get(records[0].case), references[workload], believable
                )
                own_rows.append({**row, "subsets": subsets})
                if launches := counted(records):
                    measured.append(quality.MeasuredCase(row, launches))
        raised = quality.raised(measured)
        rows += [{**row, "quality_flags": ", ".join(raised.get(row["case"], ()))} for row in own_rows]
    return frame(rows, COLUMNS)


def judgement(row: Mapping[Any, Any]) -> Judgement | None:
    """The verdict in a row of this table; None where it has none."""
    if not isinstance(row["verdict"], str) or not row["verdict"]:  # NaN where the case was not measured
        return None
    percent = row["within_percent"]
    return Judgement(TimingVerdict(row["verdict"]), None if math.isnan(percent) else int(percent))


def judgements(frame: pd.DataFrame) -> list[Judgement]:
    """The verdicts in a table of cases: one for each ratio to a reference, those of the machine's peaks included.

    The reference itself has no verdict.
    """
    found = map(judgement, frame[["verdict", "within_percent"]].to_dict("records"))
    return [one for one in found if one]


def reference_of(campaign: StoredCampaign) -> str | None:
    """The contestant that a campaign's ratios are to: what its suite named, else the first one recorded."""
    if campaign.system.reference is not None:
        return campaign.system.reference
    return campaign.records[0].case.contestant.id if campaign.records else None


def references_in(campaign: StoredCampaign) -> dict[Workload, Contestant]:
    """The contestant that the ratios of each workload are to."""
    named = reference_of(campaign)
    return {
        workload: group[_reference(group, named)][0].case.contestant for workload, group in _groups(campaign).items()
    }


def _reference(group: Mapping[str, Sequence[Record]], named: str | None) -> str:
    return named if named is not None and named in group else next(iter(group))


def _ratios(
    campaign: StoredCampaign, groups: Groups, references: Mapping[Workload, str]
) -> tuple[Mapping[Case, Estimate], bool]:
    """The ratio of each case to the reference of its group (its own is 1); and whether controls allow verdicts."""
    own = {workload: groups[workload][name] for workload, name in references.items() if name in groups[workload]}
    known = {workload: records[0].case.contestant for workload, records in own.items()}
    judged = judged_ratios((*campaign.records, *campaign.copies), known)
    launches = {records[0].case: len(counted(records)) for records in own.values()}
    own_ratios = {case: geometric([1.0] * count) for case, count in launches.items() if count}
    return {**judged.ratios, **own_ratios}, judged.control.believable


def _groups(campaign: StoredCampaign) -> Groups:
    """The records of each workload by contestant id; contestants in the suite's order, not in order of records."""
    groups: dict[Workload, dict[str, list[Record]]] = {}
    for record in campaign.in_suite_order:
        groups.setdefault(record.case.workload, {}).setdefault(record.case.contestant.id, []).append(record)
    place = {contestant: number for number, contestant in enumerate(campaign.system.contestants)}
    return {
        workload: dict(sorted(group.items(), key=lambda item: place.get(item[0], len(place))))
        for workload, group in groups.items()
    }


def _case_row(
    campaign: StoredCampaign,
    records: Sequence[Record],
    limits: Limits,
    compared: Estimate | None,
    reference: str,
    believable: bool,
) -> dict[str, Any]:
    """`compared`: the ratio to the contestant `reference`; its verdict is unclear unless it is `believable`."""
    measured, last = counted(records), records[-1]
    case = last.case
    row = {
        **workload_row(campaign, case, limits),
        "level": campaign.system.contestants.get(case.contestant.id, ContestantFacts()).level or "",
        "status": (Status.MEASURED if measured else last.status).value,
        "reason": "" if measured else last.reason,
        "log": "" if measured else last.log,
        "launches": len(measured),
        "repeated_launches": sum(record.status is Status.MEASURED for record in records) - len(measured),
        "reference": reference,
        "pairs": 0,
        **parity_row(last.parity),
    }
    if not measured:
        return {**blank(COLUMNS), **row}
    estimate = time_over_nodes(measured)
    batch, used = case.workload.batch, usage_row(measured)
    judged = judge(compared if believable else None) if compared and case.contestant.id != reference else None
    # Of all that were measured: a launch that was made again may have found compiled what the first one compiled.
    tried = [record.first_call_seconds for record in records if record.status is Status.MEASURED]
    first_calls = [seconds for seconds in tried if seconds is not None]
    disturbed = [Disturbance.of(record.conditions) for record in measured]
    return {
        **row,
        **time_row(estimate),
        "images_per_second": batch / estimate.value,
        "images_per_second_low": batch / estimate.high,
        "images_per_second_high": batch / estimate.low,
        "first_call_seconds": max(first_calls, default=math.nan),
        "compilations": max((one.compilations for one in measured if one.compilations is not None), default=math.nan),
        "fallback": next((record.fallback for record in measured if record.fallback), ""),
        "ratio": compared.value if compared else math.nan,
        "ratio_low": compared.low if compared else math.nan,
        "ratio_high": compared.high if compared else math.nan,
        "pairs": compared.launches if compared else 0,
        "verdict": judged.verdict.value if judged else "",
        "within_percent": judged.percent if judged and judged.percent is not None else math.nan,
        "launches_needed": launches_needed(compared) if judged and not judged.is_decided else math.nan,
        "other_cpus_used": float(np.mean([one.other_cpus_used for one in disturbed])),
        "process_cpus_used": float(np.mean([one.process_cpus_used for one in disturbed])),
        "device_seconds": _device_seconds(measured),
        "effective_precision": ", ".join(
            dict.fromkeys(record.effective_precision for record in measured if record.effective_precision)
        ),
        **blank(LIMITS),
        **limits.columns(case.workload, estimate.value),
        **used,
        "memory_bytes": _memory(used, case.workload.device),
    }


def _device_seconds(measured: Sequence[Record]) -> float:
    own = [launch_time(record.device_seconds) for record in measured if record.device_seconds]
    return geometric(own).value if own else math.nan


def _memory(used: Mapping[str, Any], device: str) -> float:
    known = (used[name] for name in device_columns(device).step_memory)
    return next((value for value in known if not math.isnan(value)), math.nan)


TABLE = Table(COLUMNS, cases, CAMPAIGNS)
