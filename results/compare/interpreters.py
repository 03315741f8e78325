"""Interpreters of one campaign as campaigns of their own, so that two can be compared like two campaigns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from results.schema.record import Contestant
from results.schema.system import ContestantFacts, System
from results.store.campaigns import StoredCampaign, find_campaign, read_campaign
from results.store.journal import ResultsError


def resolve_campaigns(baseline: str, candidate: str, data: Path) -> tuple[StoredCampaign, StoredCampaign, bool]:
    """Two campaigns by name, or CAMPAIGN@LABEL for one interpreter's part, and whether both ran in one campaign.

    Raises ResultsError.
    """
    (before, label), (after, other) = (_found(name, data) for name in (baseline, candidate))
    side_by_side = bool(label and other) and before.folder.resolve() == after.folder.resolve()
    return (side(before, label) if label else before, side(after, other) if other else after, side_by_side)


def _found(name: str, data: Path) -> tuple[StoredCampaign, str]:
    campaign, at, label = name.rpartition("@")
    if not at or "/" in label or Path(name).is_dir():
        campaign, label = name, ""
    return read_campaign(find_campaign(campaign, data)), label


def side(campaign: StoredCampaign, label: str) -> StoredCampaign:
    """The part of the interpreter `label`: contestants without the label, which is in the campaign's name instead."""
    labels = sorted({case.contestant.interpreter for case in campaign.launches} - {""})
    if label not in labels:
        known = ", ".join(labels) or "none"
        raise ResultsError(f"no interpreter {label!r} in {campaign.name}; known: {known}")
    records = tuple(
        replace(record, case=replace(record.case, contestant=replace(record.case.contestant, interpreter="")))
        for record in campaign.records
        if record.case.contestant.interpreter == label
    )
    contestants = dict.fromkeys(case.contestant for case in campaign.launches if case.contestant.interpreter == label)
    system = campaign.system.model_copy(update={"contestants": _contestants_of(campaign.system, contestants)})
    return StoredCampaign(campaign.folder.with_name(f"{campaign.name}@{label}"), system, records, campaign.problems)


def _contestants_of(system: System, contestants: Iterable[Contestant]) -> dict[str, ContestantFacts]:
    said = system.contestants
    return {replace(one, interpreter="").id: said.get(one.id, ContestantFacts()) for one in contestants}
