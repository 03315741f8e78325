"""Times of the first call, of building and of starting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.rows.cases import FirstCallRow, first_call_rows
from reports.sections.section import CampaignView, Chapter, Section


@dataclass(frozen=True)
class FirstCalls:
    """`phases`: of all networks."""

    phases: Sequence[str]
    chapters: Sequence[Chapter[list[FirstCallRow]]]


def build(view: CampaignView) -> FirstCalls:
    phases = view.phases
    return FirstCalls(phases, view.chapters(lambda part: first_call_rows(part.network, part.launches, phases)))


SECTION = Section("first", "First call", "first_call.html.j2", build)
