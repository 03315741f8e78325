"""Contestants that lack tricks, and the tuned contestant that has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from results.schema.record import Contestant
from results.schema.system import ContestantFacts, System
from results.store.campaigns import StoredCampaign


def tuned_of(campaign: StoredCampaign) -> Mapping[str, str]:
    """By the id of each contestant that lacks all or one of the tricks: the tuned one, if that is in the campaign, too.

    Campaigns of earlier versions do not name it. In those, it is the only tuned contestant of the same framework; if
    there are several, the contestant is left out.
    """
    contestants = list(dict.fromkeys(case.contestant for case in campaign.launches))
    found = {one.id: _tuned_of(one, contestants, campaign.system) for one in contestants}
    there = {one.id for one in contestants}
    return {one: tuned for one, tuned in found.items() if tuned in there}


def _tuned_of(contestant: Contestant, contestants: Sequence[Contestant], system: System) -> str:
    facts = _facts(system, contestant)
    if facts.tuned or facts.level != "idiomatic":
        return facts.tuned or ""
    others = [
        one.id
        for one in contestants
        if replace(one, execution=contestant.execution) == contestant and _facts(system, one).level == "tuned"
    ]
    return others[0] if len(others) == 1 else ""


def _facts(system: System, contestant: Contestant) -> ContestantFacts:
    return system.contestants.get(contestant.id, ContestantFacts())
