"""Ratios of times between all contestants that ran in the same blocks."""

from __future__ import annotations

from collections.abc import Mapping

from results.schema.record import Record
from results.stats.estimates import Estimate, Rounds, ratio
from results.stats.pairing import group_by_block
from results.store.campaigns import StoredCampaign

Ratios = Mapping[tuple[str, str], Estimate]
"""By (contestant, reference); pairs that never ran in the same block are absent."""


def pairs(campaign: StoredCampaign) -> Mapping[str, Ratios]:
    """The ratios within each workload, by its id."""
    groups: dict[str, dict[str, list[Record]]] = {}
    for record in campaign.records:
        groups.setdefault(record.case.workload.id, {}).setdefault(record.case.contestant.id, []).append(record)
    return {
        group: _ratios({name: group_by_block(records) for name, records in of.items()}) for group, of in groups.items()
    }


def _ratios(times: Mapping[str, Mapping[object, Rounds]]) -> Ratios:
    found = {}
    for name, own in times.items():
        for other, theirs in times.items():
            compared = ratio(own, theirs) if name != other else None
            if compared is not None:
                found[name, other] = compared
    return found
