"""Peaks of a campaign's machine, as measured by probes, and minimum requirements of its workloads, from tables.

A ceiling is the highest rate that any contestant reached on any probe; it may differ between campaigns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from impls.precision import POLICIES
from results.schema.record import Workload
from results.schema.system import WorkloadFacts
from results.stats.nodes import time_over_nodes
from results.store.campaigns import StoredCampaign

Kind = tuple[str, str]
"""(precision, device) of a ceiling."""


@dataclass(frozen=True)
class Ceiling:
    """The highest measured rate (per second), and the case that reached it."""

    rate: float
    case: str
    contestant: str


@dataclass(frozen=True)
class Limits:
    """A campaign's ceilings of "macs" and "bytes" per second, and the minimum requirements of each workload."""

    workloads: Mapping[str, WorkloadFacts] = field(default_factory=dict)
    ceilings: Mapping[tuple[str, Kind], Ceiling] = field(default_factory=dict)

    def probe(self, workload: Workload) -> str:
        """The peak rate that a workload measures: "macs", "bytes", or "" for none."""
        return self.facts(workload.id).ceiling or ""

    def columns(self, workload: Workload, seconds: float) -> dict[str, float]:
        """results.schema.columns.LIMITS for a case of `seconds` per step; unknown values are omitted."""
        facts = self.facts(workload.id)
        if facts.macs is None or facts.traffic_bytes is None or facts.memory_bytes is None:
            return {}
        found = {
            "macs_per_second": facts.macs / seconds,
            "macs_per_byte": facts.macs / facts.traffic_bytes,
            "min_memory_bytes": float(facts.memory_bytes),
        }
        if ceiling := self.ceiling("macs", kind_of(workload)):
            devices = 1 if workload.device == "cpu" else workload.devices  # a processor's devices share its peak
            found["fraction_of_peak"] = found["macs_per_second"] / (ceiling.rate * devices)
        return found

    def facts(self, workload: str) -> WorkloadFacts:
        """The campaign's facts of the workload with that id."""
        return self.workloads.get(workload, WorkloadFacts())

    def ceiling(self, of: str, kind: Kind) -> Ceiling | None:
        """The ceiling for workloads of that kind; of "bytes" that of the precision which reads weights without a cast.

        Campaigns from before that rule have a ceiling of their own for every precision.
        """
        precision, device = kind
        uncast = POLICIES[precision].uncast if of == "bytes" and precision in POLICIES else precision
        return self.ceilings.get((of, (uncast, device))) or self.ceilings.get((of, kind))


def kind_of(workload: Workload) -> Kind:
    return workload.precision, workload.device


def limits_of(campaign: StoredCampaign) -> Limits:
    """The limits from a campaign's own probes and tables; empty for a campaign without them."""
    workloads = {name: facts for name, facts in campaign.system.workloads.items() if _whole(facts)}
    probes = {name for name, facts in workloads.items() if facts.ceiling}
    ceilings: dict[tuple[str, Kind], Ceiling] = {}
    for case, launches in campaign.launches.items():
        if case.workload.id not in probes or not len(launches.counted):
            continue
        of, amount = _sought(workloads[case.workload.id])
        found = Ceiling(amount / time_over_nodes(launches).value, case.id, case.contestant.id)
        key = of, kind_of(case.workload)
        ceilings[key] = max(ceilings.get(key, found), found, key=lambda one: one.rate)
    return Limits(workloads, ceilings)


def _whole(facts: WorkloadFacts) -> bool:
    """Whether all facts are known that the limits are computed from."""
    return None not in (facts.macs, facts.traffic_bytes, facts.memory_bytes)


def _sought(facts: WorkloadFacts) -> tuple[str, float]:
    """The quantity that a probe measures, and its amount per step."""
    amount = facts.macs if facts.ceiling == "macs" else facts.traffic_bytes
    return facts.ceiling or "", float(amount or 0)


def roof(limits: Limits, kind: Kind, macs_per_byte: float) -> float:
    """The highest rate of multiply-accumulates at that intensity without caches (roofline); NaN if unknown."""
    macs, traffic = (limits.ceiling(of, kind) for of in ("macs", "bytes"))
    if macs is None or traffic is None:
        return math.nan
    return min(macs.rate, traffic.rate * macs_per_byte)
