"""Ratios of times between all contestants that ran in the same blocks."""

from __future__ import annotations

from collections.abc import Mapping

from results.stats.campaign_ratios import judged_ratios
from results.stats.estimates import Estimate
from results.store.campaigns import StoredCampaign

Ratios = Mapping[tuple[str, str], Estimate]
"""By (contestant, reference); pairs that never ran in the same block are absent."""


def pairs(campaign: StoredCampaign) -> Mapping[str, Ratios]:
    """The ratios within each workload, by its id: to each contestant in turn as the reference of all workloads."""
    records = (*campaign.records, *campaign.copies)
    workloads = list(dict.fromkeys(record.case.workload for record in campaign.records))
    found: dict[str, dict[tuple[str, str], Estimate]] = {workload.id: {} for workload in workloads}
    for reference in dict.fromkeys(record.case.contestant for record in campaign.records):
        judged = judged_ratios(records, dict.fromkeys(workloads, reference)).ratios
        for case, ratio in judged.items():
            if not case.contestant.copy:
                found[case.workload.id][case.contestant.id, reference.id] = ratio
    return found
