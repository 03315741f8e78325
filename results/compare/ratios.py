"""Ratios of times between contestants that ran in the same blocks of a campaign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from results.schema.record import Case, Contestant, Workload
from results.stats.campaign_ratios import CampaignRatios, cells_between
from results.stats.cells import Cell, Timed
from results.stats.estimates import Estimate
from results.stats.launches import Launches
from results.stats.moderation import judged_cells
from results.stats.nodes import over_nodes
from results.store.campaigns import StoredCampaign, computed_once

References = Mapping[Workload, Contestant]
"""The reference of each workload; of one that is not in it, copies alone have ratios."""
Ratios = Mapping[tuple[str, str], Estimate]
"""By (contestant, reference); pairs that never ran in the same block are absent."""


def judged_ratios(campaign: StoredCampaign, *choices: References) -> list[CampaignRatios]:
    """For each choice of references, the ratios of a campaign's cases and copies. They are kept with the campaign."""
    kept, keys = _kept(campaign), [frozenset(references.items()) for references in choices]
    missing = {key: references for key, references in zip(keys, choices, strict=True) if key not in kept}
    if missing:
        for key, cells in zip(missing, cells_by_node(campaign, *missing.values()), strict=True):
            kept[key] = CampaignRatios({node: judged_cells(own) for node, own in cells.items()})
    return [kept[key] for key in keys]


@computed_once
def _kept(campaign: StoredCampaign) -> dict[frozenset[tuple[Workload, Contestant]], CampaignRatios]:
    """By references; filled by `judged_ratios`."""
    return {}


def cells_by_node(campaign: StoredCampaign, *choices: References) -> list[dict[str, dict[Case, Cell]]]:
    """For each choice of references, the cells of each node by its name, as in results.stats.campaign_ratios.cells_of.

    The rounds of one workload are in memory at a time.
    """
    workloads: dict[Workload, dict[Case, Launches]] = {}
    for case, launches in campaign.all_launches.items():
        workloads.setdefault(case.workload, {})[case] = launches
    launched = {node for launches in campaign.all_launches.values() for node in launches.nodes}
    measured = {node for launches in campaign.all_launches.values() for node in launches.counted.nodes}
    nodes = sorted(launched if "" in measured else launched - {""} or launched)  # given-up units have no node
    found: list[dict[str, dict[Case, Cell]]] = [{node: {} for node in nodes} for _ in choices]
    for workload, own in sorted(workloads.items(), key=lambda one: _first_row(one[1])):  # the order on disk
        if any(workload in references for references in choices) or any(case.contestant.copy for case in own):
            for node, timed in _timed_by_node(own).items():
                known: dict[tuple[Case, Case], Cell | None] = {}
                for cells, references in zip(found, choices, strict=True):
                    cells[node].update(cells_between(timed, references, known))
    order = campaign.all_launches
    return [
        {node: {case: cells[case] for case in order if case in cells} for node, cells in of_nodes.items()}
        for of_nodes in found
    ]


def _timed_by_node(cases: Mapping[Case, Launches]) -> dict[str, dict[Case, Timed]]:
    """Of each node, the cases that were measured on it."""
    found: dict[str, dict[Case, Timed]] = {}
    for case, launches in cases.items():
        for node, own in launches.by_node().items():
            if len(own.counted):
                found.setdefault(node, {})[case] = own.timed
    return found


def _first_row(cases: Mapping[Case, Launches]) -> int:
    return min(int(launches.rows.start) for launches in cases.values())


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
    workloads = list(dict.fromkeys(case.workload for case in campaign.launches))
    references = _references(campaign)
    choices = [dict.fromkeys(workloads, reference) for reference in references]
    found: dict[str, dict[str, dict[tuple[str, str], Estimate]]] = {}
    for reference, judged in zip(references, judged_ratios(campaign, *choices), strict=True):
        for node, of_node in judged.nodes.items():
            own = found.setdefault(node, {workload.id: {} for workload in workloads})
            for case, ratio in of_node.ratios.items():
                pair, known = (case.contestant.id, reference.id), own[case.workload.id]
                if not case.contestant.copy and pair not in known:
                    known[pair], known[pair[::-1]] = ratio, _inverse(ratio)
    return found


def _references(campaign: StoredCampaign) -> Sequence[Contestant]:
    """All contestants, the campaign's reference first."""
    contestants = dict.fromkeys(case.contestant for case in campaign.launches)
    return sorted(contestants, key=lambda one: one.id != campaign.system.reference)


def _inverse(ratio: Estimate) -> Estimate:
    return replace(ratio, value=1 / ratio.value, low=1 / ratio.high, high=1 / ratio.low)
