"""Ratios of times between contestants that ran in the same blocks of a campaign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from results.schema.record import Case, Contestant, Workload
from results.stats.campaign_ratios import cells_between
from results.stats.cells import Cell
from results.stats.estimates import Estimate
from results.stats.launches import Launches
from results.stats.moderation import Judged, judged_cells
from results.store.campaigns import StoredCampaign, computed_once

References = Mapping[Workload, Contestant]
"""The reference of each workload; of one that is not in it, copies alone have ratios."""
Ratios = Mapping[tuple[str, str], Estimate]
"""By (contestant, reference); pairs that never ran in the same block are absent."""


def judged_ratios(campaign: StoredCampaign, *choices: References) -> list[Judged[Case]]:
    """For each choice of references, the ratios of a campaign's cases and copies, as in results.stats.campaign_ratios.

    The rounds of one workload are in memory at a time. What was computed is kept with the campaign.
    """
    kept, keys = _kept(campaign), [frozenset(references.items()) for references in choices]
    missing = {key: references for key, references in zip(keys, choices, strict=True) if key not in kept}
    if missing:
        kept.update(zip(missing, _judged(campaign, list(missing.values())), strict=True))
    return [kept[key] for key in keys]


@computed_once
def _kept(campaign: StoredCampaign) -> dict[frozenset[tuple[Workload, Contestant]], Judged[Case]]:
    """By references; filled by `judged_ratios`."""
    return {}


def _judged(campaign: StoredCampaign, choices: Sequence[References]) -> list[Judged[Case]]:
    workloads: dict[Workload, dict[Case, Launches]] = {}
    for case, launches in campaign.all_launches.items():
        workloads.setdefault(case.workload, {})[case] = launches
    found: list[dict[Case, Cell]] = [{} for _ in choices]
    for workload, own in sorted(workloads.items(), key=lambda one: _first_row(one[1])):  # the order on disk
        if any(workload in references for references in choices) or any(case.contestant.copy for case in own):
            timed = {case: launches.timed for case, launches in own.items() if len(launches.counted)}
            for cells, references in zip(found, choices, strict=True):
                cells.update(cells_between(timed, references))
    return [judged_cells({case: cells[case] for case in campaign.all_launches if case in cells}) for cells in found]


def _first_row(cases: Mapping[Case, Launches]) -> int:
    return min(int(launches.rows.start) for launches in cases.values())


@computed_once
def pairs(campaign: StoredCampaign) -> Mapping[str, Ratios]:
    """The ratios within each workload, by its id: of each pair of contestants, and the inverse.

    Intervals depend on the other ratios of the campaign (results.stats.moderation), so a pair is estimated once: with
    the campaign's reference as the reference of all workloads, then with each other contestant in turn.
    """
    workloads = list(dict.fromkeys(case.workload for case in campaign.launches))
    found: dict[str, dict[tuple[str, str], Estimate]] = {workload.id: {} for workload in workloads}
    references = _references(campaign)
    for reference, judged in zip(
        references, judged_ratios(campaign, *(dict.fromkeys(workloads, one) for one in references)), strict=True
    ):
        for case, ratio in judged.ratios.items():
            pair, own = (case.contestant.id, reference.id), found[case.workload.id]
            if not case.contestant.copy and pair not in own:
                own[pair], own[pair[::-1]] = ratio, _inverse(ratio)
    return found


def _references(campaign: StoredCampaign) -> Sequence[Contestant]:
    """All contestants, the campaign's reference first."""
    contestants = dict.fromkeys(case.contestant for case in campaign.launches)
    return sorted(contestants, key=lambda one: one.id != campaign.system.reference)


def _inverse(ratio: Estimate) -> Estimate:
    return replace(ratio, value=1 / ratio.value, low=1 / ratio.high, high=1 / ratio.low)
