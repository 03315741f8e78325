"""Ratios of times between all contestants that ran in the same blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from results.schema.record import Contestant
from results.stats.campaign_ratios import judged_by_node
from results.stats.estimates import Estimate
from results.stats.nodes import over_nodes
from results.store.campaigns import StoredCampaign, computed_once

Ratios = Mapping[tuple[str, str], Estimate]
"""By (contestant, reference); pairs that never ran in the same block are absent."""


@computed_once
def pairs(campaign: StoredCampaign) -> Mapping[str, Ratios]:
    """The ratios within each workload, by its id: of each pair of contestants, and the inverse; over nodes."""
    found: dict[str, dict[tuple[str, str], list[Estimate]]] = {}
    for workloads in pairs_by_node(campaign).values():
        for workload, ratios in workloads.items():
            own = found.setdefault(workload, {})
            for pair, ratio in ratios.items():
                own.setdefault(pair, []).append(ratio)
    return {workload: {pair: over_nodes(nodes) for pair, nodes in ratios.items()} for workload, ratios in found.items()}


@computed_once
def pairs_by_node(campaign: StoredCampaign) -> Mapping[str, Mapping[str, Ratios]]:
    """The same on each node, by its name.

    Intervals depend on the other ratios of the campaign (results.stats.moderation), so a pair is estimated once: with
    the campaign's reference as the reference of all workloads, then with each other contestant in turn.
    """
    records = (*campaign.records, *campaign.copies)
    workloads = list(dict.fromkeys(record.case.workload for record in campaign.records))
    found: dict[str, dict[str, dict[tuple[str, str], Estimate]]] = {}
    for reference in _references(campaign):
        for node, judged in judged_by_node(records, dict.fromkeys(workloads, reference)).items():
            of_node = found.setdefault(node, {workload.id: {} for workload in workloads})
            for case, ratio in judged.ratios.items():
                pair, own = (case.contestant.id, reference.id), of_node[case.workload.id]
                if not case.contestant.copy and pair not in own:
                    own[pair], own[pair[::-1]] = ratio, _inverse(ratio)
    return found


def _references(campaign: StoredCampaign) -> Sequence[Contestant]:
    """All contestants, the campaign's reference first."""
    contestants = dict.fromkeys(record.case.contestant for record in campaign.records)
    return sorted(contestants, key=lambda one: one.id != campaign.system.reference)


def _inverse(ratio: Estimate) -> Estimate:
    return replace(ratio, value=1 / ratio.value, low=1 / ratio.high, high=1 / ratio.low)
