"""Throughput and latency of every case."""

from __future__ import annotations

from collections.abc import Sequence

from reports.figures import network as figures
from reports.format import commands
from reports.rows.cases import CaseRow, case_rows
from reports.sections.section import CampaignView, Chapter, Section


def build(view: CampaignView) -> Sequence[Chapter[list[CaseRow]]]:
    options = commands.campaign_options(view.system)
    return view.chapters(
        lambda part: case_rows(part.network, part.launches, options),
        lambda part: figures.times(part.network, view.contestants, f"{part.id}-times"),
    )


SECTION = Section("times", "Throughput and latency", "times.html.j2", build)
