"""Time per layer: every layer timed in isolation, beside the whole network's step, of suites that set `layers`.

A layer and its network are different workloads, so they never run concurrently. They are paired by launch. The
schedule may put launches of other groups between the two, so a slow change of the machine is in their difference.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from impls.network import ALONE
from results.schema.columns import Column
from results.schema.record import Contestant, Status, Workload
from results.schema.system import WorkloadFacts
from results.stats.launches import Launches
from results.stats.nodes import geometric_over_nodes, time_over_nodes
from results.stats.pairing import Pass
from results.store.campaigns import StoredCampaign
from results.tables import CAMPAIGNS, Table
from results.tables._rows import blank, frame

COLUMNS = (
    Column("campaign", "", "folder of the campaign"),
    Column("network", "", "name of the network's table"),
    Column("size", "", "size of the network's images"),
    Column("batch", "images", "images per step"),
    Column("precision", "", "arithmetic"),
    Column("device", "", "cpu or cuda"),
    Column("phase", "", "infer, forward or gradient"),
    Column("contestant", "", "framework:execution"),
    Column("layer", "", "name of the isolated layer, in the order of the network's table"),
    Column("status", "", "measured, skipped, mismatch, out_of_memory, crashed, timed_out or failed"),
    Column("reason", "", "why the row was not measured"),
    Column("seconds", "s/step", "geometric mean time of the isolated layer over launches"),
    Column("seconds_low", "s/step", "lower end of its 95 % interval"),
    Column("seconds_high", "s/step", "upper end of its 95 % interval"),
    Column("whole_seconds", "s/step", "geometric mean time of the whole network's step in the same phase"),
    Column("share", "", "time over that of the whole step, paired by pass, as they don't run concurrently"),
    Column("share_low", "", "lower end of its 95 % interval over passes"),
    Column("share_high", "", "upper end of its 95 % interval over passes"),
    Column("passes", "", "number of passes in which both were measured"),
    Column("sum_share", "", "sum of all layers' times over the whole step's; empty unless all were measured"),
    Column("sum_share_low", "", "lower end of its 95 % interval over passes"),
    Column("sum_share_high", "", "upper end of its 95 % interval over passes"),
)

Passes = Mapping[Pass, float]
"""Seconds per step by pass."""
Layers = dict[str, Launches]
"""The launches of each layer, in the order of the table."""
NONE = Launches.of(())


def is_alone(architecture: str) -> bool:
    """Whether it is an isolated layer of a network."""
    return ALONE in architecture


def layers(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """One row for each isolated layer, contestant and phase."""
    rows = [row for campaign in campaigns for row in _of(campaign)]
    return frame(rows, COLUMNS)


def _of(campaign: StoredCampaign) -> list[dict[str, Any]]:
    wholes: dict[tuple[Workload, Contestant], Launches] = {}
    found: dict[tuple[Workload, Contestant], Layers] = {}
    for case in campaign.by_suite(campaign.launches):
        network, alone, layer = case.workload.architecture.partition(ALONE)
        key = replace(case.workload, architecture=network), case.contestant
        if alone:
            found.setdefault(key, {})[layer] = campaign.launches[case]
        else:
            wholes[key] = campaign.launches[case]
    workloads = campaign.system.workloads
    rows = []
    for (workload, contestant), own in found.items():
        whole = wholes.get((workload, contestant), NONE).counted
        names = {
            "campaign": campaign.name,
            "network": workload.architecture,
            "size": workload.size,
            "batch": workload.batch,
            "precision": workload.precision,
            "device": workload.device,
            "phase": workload.phase,
            "contestant": contestant.id,
            "whole_seconds": time_over_nodes(whole).value if len(whole) else math.nan,
            **_share("sum_share", _sum(own, workloads.get(workload.id, WorkloadFacts()).layers), whole.passes),
        }
        each = whole.passes
        rows += [{**blank(COLUMNS), **names, **_layer(layer, records, each)} for layer, records in own.items()]
    return rows


def _layer(layer: str, launches: Launches, whole: Passes) -> dict[str, Any]:
    measured = launches.counted
    if not len(measured):
        return {"layer": layer, "status": launches["status"][-1], "reason": launches["reason"][-1]}
    seconds = time_over_nodes(measured)
    own = launches.passes
    return {
        "layer": layer,
        "status": Status.MEASURED.value,
        "reason": "",
        "seconds": seconds.value,
        "seconds_low": seconds.low,
        "seconds_high": seconds.high,
        **_share("share", own, whole),
        "passes": len(own.keys() & whole.keys()),
    }


def _sum(own: Layers, table: Iterable[str]) -> Passes:
    """Sum over all layers, for the passes in which each layer of the table was measured; empty if there is none."""
    each = [own.get(layer, NONE).passes for layer in table]
    shared = [number for number in each[0] if all(number in times for times in each)] if each else []
    return {number: sum(times[number] for times in each) for number in shared}


def _share(name: str, times: Passes, whole: Passes) -> dict[str, float]:
    shared = {number: time / whole[number] for number, time in times.items() if number in whole}
    found = geometric_over_nodes(shared) if shared else None
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high} if found else {}


TABLE = Table(COLUMNS, layers, CAMPAIGNS)
