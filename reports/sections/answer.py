"""The first screen: the answer in sentences, how sure it is, and a line for each workload."""

from __future__ import annotations

from reports.rows.answer import Answer, answer
from reports.sections.section import CampaignView
from results.tables.ranking import rankings


def build(view: CampaignView) -> Answer:
    """The answer of the campaign's whole networks."""
    return answer(
        view.campaign.name,
        {part.id: part.network for part in view.parts},
        view.contestants,
        rankings(view.campaign),
        view.system.remainder,
        view.reference or "",
    )
