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

    The rounds of one workload are in memory at a time.
    """
    workloads: dict[Workload, dict[Case, Launches]] = {}
    for case, launches in campaign.all_launches.items():
        workloads.setdefault(case.workload, {})[case] = launches
    found: list[dict[Case, Cell]] = [{} for _ in choices]
    for own in sorted(workloads.values(), key=_first_row):  # the order on disk
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
