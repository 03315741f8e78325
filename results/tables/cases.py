"""Tidy pandas tables from campaigns: a row a launch (`launches`), a row a case (`cases`), a row a part (`split`).

Their columns, with units, are in `results.schema.columns`. Campaigns are never pooled: every statistic stays within
one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from results.quality.health import Disturbance, flags
from results.quality.plausibility import implausible
from results.schema.columns import CASE, DERIVED, LAUNCH, Column
from results.schema.record import Case, Parity, Record, Status, Workload
from results.stats.estimates import (
    Estimate,
    Rounds,
    TimingVerdict,
    arithmetic,
    difference,
    geometric,
    launch_time,
    launches_needed,
    ratio,
    verdict,
)
from results.stats.pairing import counted, group_by_block
from results.store.campaigns import StoredCampaign
from results.tables.limits import Limits, limits_of

PARTS = (("forward", "forward", None), ("backward", "gradient", "forward"), ("update", "train", "gradient"))
"""(part, phase it is in, phase to subtract)."""


def launches(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """One row a launch, measured or not, in the order recorded."""
    return _frame((row for campaign in campaigns for row in _launch_rows(campaign)), LAUNCH)


def _launch_rows(campaign: StoredCampaign) -> Iterator[dict[str, Any]]:
    limits = limits_of(campaign)
    known: dict[Case, dict[str, Any]] = {}
    for record in campaign.records:
        if record.case not in known:
            known[record.case] = _workload_row(campaign, record.case, limits)
        yield {**known[record.case], **_launch_row(record)}


def cases(campaigns: Iterable[StoredCampaign], reference: str | None = None) -> pd.DataFrame:
    """One row a case with its estimate, and its ratio to the reference contestant of its group.

    `reference` is a contestant's id; left out, each campaign's own (the first of its suite), or the first of the
    group where that does not take part. A group in which the reference was not measured has no ratios.
    """
    rows: list[dict[str, Any]] = []
    for campaign in campaigns:
        own_rows: list[dict[str, Any]] = []
        named, limits = reference_of(campaign), limits_of(campaign)
        for group in _groups(campaign):
            own = named if named in group else next(iter(group))
            blocks = {name: group_by_block(records) for name, records in group.items()}
            subsets = 1 + max(record.subset for records in group.values() for record in records)
            theirs = reference or own, blocks.get(reference or own, {})
            for name, records in group.items():
                row = _case_row(campaign, records, limits, blocks[name], theirs)
                own_rows.append({**row, "subsets": subsets})
        doubted = implausible(own_rows)
        rows += [{**row, "quality_flags": _and(row["quality_flags"], doubted.get(row["case"], ()))} for row in own_rows]
    return _frame(rows, CASE)


def _and(flags: str, more: Iterable[str]) -> str:
    return ", ".join(filter(None, (flags, *more)))


def split(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """Where a training step goes: forward, backward and update per network and contestant, with intervals."""
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
                    rows.append({**names, **_times(estimate)})
    return _frame(rows, DERIVED)


def _part(times: Sequence[float], less: Sequence[float] | None) -> Estimate | None:
    if less is None:
        return arithmetic(times) if times else None
    return difference(times, less)


def reference_of(campaign: StoredCampaign) -> str | None:
    """The contestant that a campaign's ratios are to: what its suite named, else the first one recorded."""
    named = campaign.system.get("reference")
    if isinstance(named, str):
        return named
    return campaign.records[0].case.contestant.id if campaign.records else None


def _groups(campaign: StoredCampaign) -> list[dict[str, list[Record]]]:
    """For each workload, the records of each contestant's id; contestants in the suite's order, not that of mishaps."""
    groups: dict[Workload, dict[str, list[Record]]] = {}
    for record in campaign.records:
        groups.setdefault(record.case.workload, {}).setdefault(record.case.contestant.id, []).append(record)
    named = campaign.system.get("contestants")
    place = {contestant: number for number, contestant in enumerate(named if isinstance(named, Mapping) else ())}
    return [dict(sorted(group.items(), key=lambda item: place.get(item[0], len(place)))) for group in groups.values()]


def _workload_row(campaign: StoredCampaign, case: Case, limits: Limits) -> dict[str, Any]:
    workload, contestant = case.workload, case.contestant
    return {
        "campaign": campaign.name,
        "case": case.id,
        "group": workload.id,
        "architecture": workload.architecture,
        "height": workload.height,
        "width": workload.width,
        "size": workload.size,
        "stream": workload.stream,
        "megapixels": sum(one.height * one.width * one.batch for one in workload.batches) / 1e6,
        "sizes": len({(one.height, one.width, one.batch) for one in workload.batches}),
        "channels": workload.channels,
        "classes": workload.classes,
        "batch": workload.batch,
        "precision": workload.precision,
        "device": workload.device,
        "phase": workload.phase,
        "contestant": contestant.id,
        "framework": contestant.framework,
        "execution": contestant.execution,
        "interpreter": contestant.interpreter,
        "setting": contestant.setting,
        "peak_probe": limits.probe(workload),
    }


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
        **_usage_row([record]),
        **_parity_row(record.parity),
    }


def _case_row(
    campaign: StoredCampaign,
    records: Sequence[Record],
    limits: Limits,
    launches: Mapping[object, Rounds],
    theirs: tuple[str, Mapping[object, Rounds]],
) -> dict[str, Any]:
    """`launches` of the case by block; `theirs` are the reference's name and its launches."""
    reference = theirs[0]
    measured, last = counted(records), records[-1]
    case = last.case
    row = {
        **_workload_row(campaign, case, limits),
        "status": (Status.MEASURED if measured else last.status).value,
        "reason": "" if measured else last.reason,
        "log": "" if measured else last.log,
        "launches": len(measured),
        "repeated_launches": sum(record.status is Status.MEASURED for record in records) - len(measured),
        "reference": reference,
        "pairs": 0,
        "quality_flags": "",
        **_parity_row(last.parity),
    }
    if not measured:
        return row
    estimate = geometric([launch_time(record.seconds) for record in measured])
    batch, used = case.workload.batch, _usage_row(measured)
    compared = ratio(launches, theirs[1])
    judged = verdict(compared) if compared and case.contestant.id != reference else None
    # Of all that were measured: a launch that was made again may have found compiled what the first one compiled.
    tried = [record.first_call_seconds for record in records if record.status is Status.MEASURED]
    first_calls = [seconds for seconds in tried if seconds is not None]
    disturbed = [Disturbance.of(record.conditions) for record in measured]
    return {
        **row,
        **_times(estimate),
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
        "verdict": judged.value if judged else "",
        "launches_needed": launches_needed(compared) if judged is TimingVerdict.UNCLEAR else math.nan,
        "quality_flags": ", ".join(flags(measured)),
        "other_cpus_used": float(np.mean([one.other_cpus_used for one in disturbed])),
        "process_cpus_used": float(np.mean([one.process_cpus_used for one in disturbed])),
        "device_seconds": _device_seconds(measured),
        "effective_precision": ", ".join(
            dict.fromkeys(record.effective_precision for record in measured if record.effective_precision)
        ),
        **limits.columns(case.workload, estimate.value),
        **used,
        "memory_bytes": _memory(used, case.workload.device),
    }


def _device_seconds(measured: Sequence[Record]) -> float:
    own = [launch_time(record.device_seconds) for record in measured if record.device_seconds]
    return geometric(own).value if own else math.nan


def _memory(used: Mapping[str, Any], device: str) -> float:
    names = ("peak_rss_step_bytes",) if device == "cpu" else ("gpu_memory_bytes", "allocator_bytes")
    return next((used[name] for name in names if name in used), math.nan)


def _usage_row(records: Sequence[Record]) -> dict[str, Any]:
    """The median of each quantity over the launches that know it, and the reasons for those that none knows."""
    used = [record.usage for record in records if record.usage]
    values = {name: [one.values[name] for one in used if name in one.values] for one in used for name in one.values}
    reasons: dict[str, list[str]] = {}
    for one in used:
        for name, reason in one.missing.items():
            if name not in values and name not in reasons.setdefault(reason, []):
                reasons[reason].append(name)
    sources = dict.fromkeys(source for one in used for source in one.sources.values())
    missing = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
    return {
        **{name: float(median(known)) for name, known in values.items()},
        "usage_missing": missing,
        "allocator_source": ", ".join(sources),
    }


def _times(estimate: Estimate) -> dict[str, float]:
    return {"seconds": estimate.value, "seconds_low": estimate.low, "seconds_high": estimate.high}


def _parity_row(parity: Parity | None) -> dict[str, Any]:
    if parity is None:
        return {}
    return {
        "parity_scores": parity.scores,
        "parity_loss": parity.loss,
        "parity_gradients": parity.gradients,
        "parity_worst_gradient": parity.worst_gradient,
        "parity_contestants": parity.contestants,
        "parity_shows_nothing": parity.shows_nothing,
    }


def _frame(rows: Iterable[Mapping[str, Any]], columns: Sequence[Column]) -> pd.DataFrame:
    """Column by column, so that the rows are never there all at once: of many launches they would take a gigabyte."""
    values: dict[str, list[Any]] = {column.name: [] for column in columns}
    for row in rows:
        for name, into in values.items():
            into.append(row.get(name, math.nan))
    return pd.DataFrame(values) if any(values.values()) else pd.DataFrame(columns=list(values))
