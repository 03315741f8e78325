"""Times of the first call, of building and of starting."""

from __future__ import annotations

from collections.abc import Sequence

from reports.rows.cases import FirstCallRow, first_call_rows
from reports.sections.section import CampaignView, Chapter, Section


def build(view: CampaignView) -> Sequence[Chapter[list[FirstCallRow]]]:
    return view.chapters(lambda part: first_call_rows(part.network, part.launches))


SECTION = Section("first", "First call", "first_call.html.j2", build)
