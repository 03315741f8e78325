"""Scaling over devices: the same step on one device and divided over several.

One device and several are different workloads, so they never run concurrently. They are paired by launch: a campaign
gives all numbers of devices of a network their first launch, then their second, and so on
(bench/scheduling/allocation.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from results.schema.columns import Column
from results.schema.record import Case, Contestant, Status, Workload
from results.stats.launches import Launches
from results.stats.nodes import geometric_over_nodes, time_over_nodes
from results.store.campaigns import StoredCampaign
from results.tables import CAMPAIGNS, Table
from results.tables._rows import blank, frame

COLUMNS = (
    Column("campaign", "", "folder of the campaign"),
    Column("architecture", "", "name of the network's table"),
    Column("size", "", "size of the network's images"),
    Column("batch", "images", "images per step, on all devices together"),
    Column("precision", "", "arithmetic"),
    Column("device", "", "cpu or cuda; devices of a CPU share its cores"),
    Column("phase", "", "infer, forward, gradient or train"),
    Column("contestant", "", "framework:execution"),
    Column("devices", "", "devices that a step is divided over"),
    Column("status", "", "measured, skipped, mismatch, out_of_memory, crashed, timed_out or failed"),
    Column("reason", "", "why the row was not measured"),
    Column("seconds", "s/step", "geometric mean time of a step over launches"),
    Column("seconds_low", "s/step", "lower end of its 95 % interval"),
    Column("seconds_high", "s/step", "upper end of its 95 % interval"),
    Column("speedup", "", "the same contestant's time on one device over that on all, paired by launch; 1: no gain"),
    Column("speedup_low", "", "lower end of its 95 % interval over launches"),
    Column("speedup_high", "", "upper end of its 95 % interval over launches"),
    Column("efficiency", "", "speedup over devices; 1: ideal"),
    Column("efficiency_low", "", "lower end of its 95 % interval over launches"),
    Column("efficiency_high", "", "upper end of its 95 % interval over launches"),
    Column("pairs", "", "number of launches that were measured on one device and on all"),
)

Work = tuple[Workload, Contestant]
"""A workload on one device, and a contestant."""


def scaling(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """One row for each number of devices of each contestant and workload that has several numbers."""
    return frame([row for campaign in campaigns for row in _of(campaign)], COLUMNS)


def _of(campaign: StoredCampaign) -> list[dict[str, Any]]:
    found: dict[Work, dict[int, Case]] = {}
    for case in campaign.by_suite(campaign.launches):
        if not case.contestant.copy:
            on_one = replace(case.workload, devices=1)
            found.setdefault((on_one, case.contestant), {})[case.workload.devices] = case
    return [
        {**blank(COLUMNS), **_names(campaign, case), **_scaled(devices, campaign.launches[case], one)}
        for cases in found.values()
        if max(cases) > 1
        for one in [campaign.launches[cases[1]] if 1 in cases else None]
        for devices, case in sorted(cases.items())
    ]


def _names(campaign: StoredCampaign, case: Case) -> dict[str, Any]:
    workload = case.workload
    return {
        "campaign": campaign.name,
        "architecture": workload.architecture,
        "size": workload.size,
        "batch": workload.batch,
        "precision": workload.precision,
        "device": workload.device,
        "phase": workload.phase,
        "contestant": case.contestant.id,
        "devices": workload.devices,
    }


def _scaled(devices: int, launches: Launches, one: Launches | None) -> dict[str, Any]:
    measured = launches.counted
    if not len(measured):
        return {"status": launches["status"][-1], "reason": launches["reason"][-1], "pairs": 0}
    seconds = time_over_nodes(measured)
    times, before = launches.passes, one.passes if one is not None else {}
    speedups = {number: before[number] / time for number, time in times.items() if number in before}
    return {
        "status": Status.MEASURED.value,
        "reason": "",
        "seconds": seconds.value,
        "seconds_low": seconds.low,
        "seconds_high": seconds.high,
        **_gain(speedups, devices),
        "pairs": len(speedups),
    }


def _gain(speedups: Mapping[tuple[str, int], float], devices: int) -> dict[str, float]:
    """The columns of speedup and efficiency; without an interval for one device, which is the unit."""
    if not speedups:
        return {}
    found = geometric_over_nodes(speedups)
    low, high = (math.nan, math.nan) if devices == 1 else (found.low, found.high)
    values = {"": found.value, "_low": low, "_high": high}
    return {
        **{f"speedup{end}": value for end, value in values.items()},
        **{f"efficiency{end}": value / devices for end, value in values.items()},
    }


TABLE = Table(COLUMNS, scaling, CAMPAIGNS)
