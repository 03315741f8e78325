"""Every case of a campaign with its estimate, ratio, verdict and flags.

Campaigns are never pooled: every statistic stays within one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from results import quality
from results.compare.limits import Limits, limits_of
from results.compare.ratios import judged_ratios
from results.quality.interference import Disturbance
from results.schema.columns import LIMITS, MEMORY, OUTCOME, PARITY, USAGE, WORKLOAD, Column, device_columns
from results.schema.record import Case, Contestant, Status, Workload
from results.schema.system import ContestantFacts
from results.stats.estimates import Estimate, geometric
from results.stats.launches import Launches
from results.stats.nodes import time_over_nodes
from results.stats.verdicts import DECIDED_PERCENT, WIDEST_PERCENT, Judgement, TimingVerdict, judge, launches_needed
from results.store.campaigns import StoredCampaign, computed_once
from results.tables import CAMPAIGNS, Table
from results.tables._rows import blank, frame, known, parity_row, time_row, usage_row, whole, workload_row

Groups = dict[Workload, dict[Contestant, Launches]]
TOLD_APART = 7
"""The schema from which on a first call is recorded as such only where it found no compiled code."""
"""The launches of each workload by contestant."""
COLUMNS = (
    *WORKLOAD,
    Column("level", "", "how the contestant is written: tuned, idiomatic, or published by others; else empty"),
    *OUTCOME,
    Column("launches", "", "number of valid launches"),
    Column("repeated_launches", "", "number of launches that were disturbed and repeated"),
    Column("seconds", "s/step", "geometric mean of the launches' medians"),
    Column("seconds_low", "s/step", "lower end of its 95 % interval over launches; over nodes, from three on"),
    Column("seconds_high", "s/step", "upper end of its 95 % interval over launches; over nodes, from three on"),
    Column("images_per_second", "images/s", "batch over seconds"),
    Column("images_per_second_low", "images/s", "lower end of its interval"),
    Column("images_per_second_high", "images/s", "upper end of its interval"),
    Column(
        "first_call_seconds",
        "s",
        "first step without compiled code, with tracing and compiling; median over its launches",
    ),
    Column("cached_first_call_seconds", "s", "first step of the launch that was the first to find compiled code"),
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
    made = (_rows(campaign, reference) if reference else _own_rows(campaign) for campaign in campaigns)
    return frame((row for rows in made for row in rows), COLUMNS)


@computed_once
def _own_rows(campaign: StoredCampaign) -> list[dict[str, Any]]:
    return _rows(campaign, None)


def _rows(campaign: StoredCampaign, reference: str | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    measured: list[quality.MeasuredCase] = []
    named, limits = reference_of(campaign), limits_of(campaign)
    groups = _groups(campaign)
    references = {workload: reference or _reference(group, named).id for workload, group in groups.items()}
    ratios, believable = _ratios(campaign, groups, references)
    for workload, group in groups.items():
        subsets = 1 + max(int(launches["subset"].max()) for launches in group.values())
        for contestant, launches in group.items():
            case = Case(workload, contestant)
            row = _case_row(campaign, case, launches, limits, ratios.get(case), references[workload], believable)
            rows.append({**row, "subsets": subsets})
            if len(launches.counted):
                measured.append(quality.MeasuredCase(row, launches.counted))
    raised = quality.raised(measured)
    return [{**row, "quality_flags": ", ".join(raised.get(row["case"], ()))} for row in rows]


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
    return next((case.contestant.id for case in campaign.launches), None)


def references_in(campaign: StoredCampaign) -> dict[Workload, Contestant]:
    """The contestant that the ratios of each workload are to."""
    named = reference_of(campaign)
    return {workload: _reference(group, named) for workload, group in _groups(campaign).items()}


def _reference(group: Mapping[Contestant, Launches], named: str | None) -> Contestant:
    return next((contestant for contestant in group if contestant.id == named), next(iter(group)))


def _ratios(
    campaign: StoredCampaign, groups: Groups, references: Mapping[Workload, str]
) -> tuple[Mapping[Case, Estimate], bool]:
    """The ratio of each case to the reference of its group (its own is 1); and whether controls allow verdicts."""
    known = {
        workload: contestant
        for workload, group in groups.items()
        for contestant in group
        if contestant.id == references[workload]
    }
    (judged,) = judged_ratios(campaign, known)
    launches = {Case(workload, one): len(groups[workload][one].counted) for workload, one in known.items()}
    own_ratios = {case: geometric([1.0] * count) for case, count in launches.items() if count}
    return {**judged.ratios, **own_ratios}, judged.control.believable


def _groups(campaign: StoredCampaign) -> Groups:
    """The launches of each workload by contestant, in the suite's order, not in order of records."""
    groups: Groups = {}
    for case in campaign.by_suite(campaign.launches):
        groups.setdefault(case.workload, {})[case.contestant] = campaign.launches[case]
    place = {contestant: number for number, contestant in enumerate(campaign.system.contestants)}
    return {
        workload: dict(sorted(group.items(), key=lambda item: place.get(item[0].id, len(place))))
        for workload, group in groups.items()
    }


def _case_row(
    campaign: StoredCampaign,
    case: Case,
    launches: Launches,
    limits: Limits,
    compared: Estimate | None,
    reference: str,
    believable: bool,
) -> dict[str, Any]:
    """`compared`: the ratio to the contestant `reference`; its verdict is unclear unless it is `believable`."""
    measured = launches.counted
    row = {
        **workload_row(campaign, case, limits),
        "level": campaign.system.contestants.get(case.contestant.id, ContestantFacts()).level or "",
        "status": Status.MEASURED.value if len(measured) else launches["status"][-1],
        "reason": "" if len(measured) else launches["reason"][-1],
        "log": "" if len(measured) else launches["log"][-1],
        "launches": len(measured),
        "repeated_launches": len(launches.measured) - len(measured),
        "reference": reference,
        "pairs": 0,
        **parity_row(launches),
    }
    if not len(measured):
        return {**blank(COLUMNS), **row}
    estimate = time_over_nodes(measured)
    batch, used = case.workload.batch, usage_row(measured)
    judged = judge(compared if believable else None) if compared and case.contestant.id != reference else None
    disturbed = Disturbance.each(measured)
    return {
        **row,
        **time_row(estimate),
        "images_per_second": batch / estimate.value,
        "images_per_second_low": batch / estimate.high,
        "images_per_second_high": batch / estimate.low,
        "first_call_seconds": _first_call(launches.measured, "first_call_seconds"),
        "cached_first_call_seconds": _first_call(launches.measured, "cached_first_call_seconds"),
        "compilations": whole(_largest(measured["compilations"])),
        "fallback": next(filter(None, measured["fallback"]), ""),
        "ratio": compared.value if compared else math.nan,
        "ratio_low": compared.low if compared else math.nan,
        "ratio_high": compared.high if compared else math.nan,
        "pairs": compared.launches if compared else 0,
        "verdict": judged.verdict.value if judged else "",
        "within_percent": judged.percent if judged and judged.percent is not None else math.nan,
        "launches_needed": launches_needed(compared) if judged and not judged.is_decided else math.nan,
        "other_cpus_used": float(np.mean(disturbed.other_cpus_used)),
        "process_cpus_used": float(np.mean(disturbed.process_cpus_used)),
        "device_seconds": _mean(measured["device_seconds"]),
        "effective_precision": ", ".join(filter(None, dict.fromkeys(measured["effective_precision"]))),
        **blank(LIMITS),
        **limits.columns(case.workload, estimate.value),
        **used,
        "memory_bytes": used[device_columns(case.workload.device).step_memory],
    }


def _first_call(measured: Launches, name: str) -> float:
    """The median over first attempts: one that is repeated may find what the first one compiled.

    Records before schema 7 do not tell launches that found compiled code from others: of them the longest.
    """
    first = measured.where(measured["attempt"] == 0)
    seconds = known(first[name]) or known(measured[name])
    if min(measured["schema"], default=TOLD_APART) < TOLD_APART:
        return max(seconds, default=math.nan)
    return float(np.median(seconds)) if seconds else math.nan


def _largest(values: np.ndarray) -> float:
    """Of those that are known; NaN if none is."""
    return max(known(values), default=math.nan)


def _mean(values: np.ndarray) -> float:
    """The geometric mean of those that are known; NaN if none is."""
    return geometric(own).value if (own := known(values)) else math.nan


TABLE = Table(COLUMNS, cases, CAMPAIGNS)
