"""What it costs to go back and forth between two sizes, against staying at each, from streams that do either.

By turns and staying are different workloads, so they never run side by side. They are paired by pass: a campaign goes
over all groups once before it does so again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from results.schema.columns import Column
from results.schema.record import Case, Contestant, Record, Status, Workload
from results.schema.streams import StreamKind, stream_kind
from results.stats.estimates import geometric
from results.stats.pairing import counted, group_by_pass
from results.store.campaigns import StoredCampaign
from results.tables import CAMPAIGNS, Table
from results.tables._rows import blank, frame

COLUMNS = (
    Column("campaign", "", "folder of the campaign"),
    Column("architecture", "", "name of the network's table"),
    Column("stream", "", "which sizes come by turns"),
    Column("images", "images", "images of the stream, one a batch"),
    Column("precision", "", "arithmetic"),
    Column("device", "", "cpu or cuda"),
    Column("phase", "", "infer, forward, gradient or train"),
    Column("contestant", "", "framework:execution"),
    Column("status", "", "measured, skipped, mismatch, out_of_memory, crashed, timed_out or failed"),
    Column("reason", "", "why a row is not measured: by turns, or staying at one of its sizes"),
    Column("seconds", "s", "geometric mean time of the stream by turns, when warm"),
    Column("staying_seconds", "s", "the same of as many images of each size from streams that stay at one"),
    Column("switching_ratio", "", "the former over the latter, paired by pass; 1: going back and forth costs nothing"),
    Column("switching_ratio_low", "", "lower end of its 95 % interval over passes"),
    Column("switching_ratio_high", "", "upper end of its 95 % interval over passes"),
    Column("passes", "", "passes in which all of them were measured"),
)


Side = tuple[int, int]
"""Height and width."""


def switches(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """One row for each contestant of each stream that goes back and forth."""
    rows = [row for campaign in campaigns for row in _of(campaign)]
    return frame(rows, COLUMNS)


def _of(campaign: StoredCampaign) -> list[dict[str, Any]]:
    turns: dict[Case, list[Record]] = {}
    staying: dict[tuple[Workload, Contestant], dict[Side, list[Record]]] = {}
    for record in campaign.records:
        sides, kind = list(_images(record.case.workload)), stream_kind(record.case.workload.stream)
        if sides and kind is StreamKind.ALTERNATE:
            turns.setdefault(record.case, []).append(record)
        elif len(sides) == 1 and kind is StreamKind.ALWAYS:
            staying.setdefault(_common(record.case), {}).setdefault(sides[0], []).append(record)
    return [
        {**blank(COLUMNS), **_names(campaign, case), **_switch(case.workload, records, staying.get(_common(case), {}))}
        for case, records in turns.items()
    ]


def _images(workload: Workload) -> Mapping[Side, int]:
    """How many images of a stream come at each size."""
    found: Counter[Side] = Counter()
    for height, width, images in workload.parts:
        found[height, width] += images
    return found


def _common(case: Case) -> tuple[Workload, Contestant]:
    """What is the same whichever sizes come."""
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


def _switch(workload: Workload, turns: Sequence[Record], staying: Mapping[Side, Sequence[Record]]) -> dict[str, Any]:
    images = _images(workload)
    for side in images:
        if side not in staying:
            return _missing(Status.SKIPPED, f"nothing in the campaign stays at {side[0]}x{side[1]}")
    for records in (turns, *(staying[side] for side in images)):
        if not counted(records):
            return _missing(records[-1].status, f"{records[-1].case.workload.stream}: {records[-1].reason}")
    times, each = group_by_pass(turns), {side: group_by_pass(staying[side]) for side in images}
    passes = [number for number in times if all(number in own for own in each.values())]
    if not passes:
        return _missing(Status.SKIPPED, "no pass in which it and both sizes alone were measured")
    whole = sum(images.values())
    stayed = [sum(each[side][number] * count / whole for side, count in images.items()) for number in passes]
    switch = geometric([times[number] / other for number, other in zip(passes, stayed)])
    return {
        "status": Status.MEASURED.value,
        "reason": "",
        "seconds": geometric([times[number] for number in passes]).value,
        "staying_seconds": geometric(stayed).value,
        "switching_ratio": switch.value,
        "switching_ratio_low": switch.low,
        "switching_ratio_high": switch.high,
        "passes": len(passes),
    }


def _missing(status: Status, reason: str) -> dict[str, Any]:
    return {"status": status.value, "reason": reason, "passes": 0}


TABLE = Table(COLUMNS, switches, CAMPAIGNS)
