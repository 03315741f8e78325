"""Switching cost: streams that alternate between two sizes, against streams of each size only.

Alternating and constant streams are different workloads, so they never run concurrently. They are paired by launch. The
schedule may put launches of other groups between the two, so a slow change of the machine is in their difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from results.schema.columns import Column
from results.schema.record import Case, Contestant, Status, Workload
from results.schema.streams import StreamKind, stream_kind
from results.stats.launches import Launches
from results.stats.nodes import geometric_over_nodes
from results.store.campaigns import StoredCampaign
from results.tables import CAMPAIGNS, Table
from results.tables._rows import blank, frame

COLUMNS = (
    Column("campaign", "", "folder of the campaign"),
    Column("architecture", "", "name of the network's table"),
    Column("stream", "", "stream of alternating sizes"),
    Column("images", "images", "number of images of the stream, one per batch"),
    Column("precision", "", "arithmetic"),
    Column("device", "", "cpu or cuda"),
    Column("phase", "", "infer, forward, gradient or train"),
    Column("contestant", "", "framework:execution"),
    Column("status", "", "measured, skipped, mismatch, out_of_memory, crashed, timed_out or failed"),
    Column("reason", "", "why the row was not measured (the alternating stream, or one of the constant ones)"),
    Column("seconds", "s", "geometric mean time of the alternating stream, when warm"),
    Column("staying_seconds", "s", "time of as many images of each size in the constant streams"),
    Column("switching_ratio", "", "seconds over staying_seconds, paired by pass; 1: switching has no cost"),
    Column("switching_ratio_low", "", "lower end of its 95 % interval over passes"),
    Column("switching_ratio_high", "", "upper end of its 95 % interval over passes"),
    Column("passes", "", "number of passes in which all of them were measured"),
)


Side = tuple[int, int]
"""Height and width."""


def switches(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """One row for each contestant of each alternating stream."""
    rows = [row for campaign in campaigns for row in _of(campaign)]
    return frame(rows, COLUMNS)


def _of(campaign: StoredCampaign) -> list[dict[str, Any]]:
    turns: dict[Case, Launches] = {}
    staying: dict[tuple[Workload, Contestant], dict[Side, tuple[Case, Launches]]] = {}
    for case, launches in campaign.launches.items():
        sides, kind = list(_images(case.workload)), stream_kind(case.workload.stream)
        if sides and kind is StreamKind.ALTERNATE:
            turns[case] = launches
        elif len(sides) == 1 and kind is StreamKind.ALWAYS:
            staying.setdefault(_common(case), {})[sides[0]] = case, launches
    return [
        {**blank(COLUMNS), **_names(campaign, case), **_switch(case, launches, staying.get(_common(case), {}))}
        for case, launches in turns.items()
    ]


def _images(workload: Workload) -> Mapping[Side, int]:
    """Number of images of each size in a stream."""
    found: Counter[Side] = Counter()
    for height, width, images in workload.parts:
        found[height, width] += images
    return found


def _common(case: Case) -> tuple[Workload, Contestant]:
    """What alternating and constant streams of one case have in common."""
    return replace(case.workload, height=0, width=0, stream="", parts=()), case.contestant


def _names(campaign: StoredCampaign, case: Case) -> dict[str, Any]:
    return {
        "campaign": campaign.name,
        "architecture": case.workload.architecture,
        "stream": case.workload.stream,
        "images": case.workload.batch,
        "precision": case.workload.precision,
        "device": case.workload.device,
        "phase": case.workload.phase,
        "contestant": case.contestant.id,
    }


def _switch(case: Case, turns: Launches, staying: Mapping[Side, tuple[Case, Launches]]) -> dict[str, Any]:
    images = _images(case.workload)
    for side in images:
        if side not in staying:
            return _missing(Status.SKIPPED.value, f"the campaign has no constant stream of {side[0]}x{side[1]}")
    for own, launches in ((case, turns), *(staying[side] for side in images)):
        if not len(launches.counted):
            return _missing(launches["status"][-1], f"{own.workload.stream}: {launches['reason'][-1]}")
    times, each = turns.passes, {side: staying[side][1].passes for side in images}
    passes = [number for number in times if all(number in own for own in each.values())]
    if not passes:
        return _missing(
            Status.SKIPPED.value, "no pass in which it and the constant streams of both sizes were measured"
        )
    whole = sum(images.values())
    stayed = {number: sum(each[side][number] * count / whole for side, count in images.items()) for number in passes}
    switch = geometric_over_nodes({number: times[number] / stayed[number] for number in passes})
    return {
        "status": Status.MEASURED.value,
        "reason": "",
        "seconds": geometric_over_nodes({number: times[number] for number in passes}).value,
        "staying_seconds": geometric_over_nodes(stayed).value,
        "switching_ratio": switch.value,
        "switching_ratio_low": switch.low,
        "switching_ratio_high": switch.high,
        "passes": len(passes),
    }


def _missing(status: str, reason: str) -> dict[str, Any]:
    return {"status": status, "reason": reason, "passes": 0}


TABLE = Table(COLUMNS, switches, CAMPAIGNS)
