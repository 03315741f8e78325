"""Throughput and latency of every case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.figures import network as figures
from reports.format import commands
from reports.rows.cases import CaseRow, case_rows
from reports.sections.section import CampaignView, Chapter, Section


@dataclass(frozen=True)
class Times:
    """`example`: the command that measures the first case again; "" without a case."""

    chapters: Sequence[Chapter[list[CaseRow]]]
    example: str


def build(view: CampaignView) -> Times:
    first = next((row["case"] for part in view.parts for row in part.network.rows.values()), "")
    return Times(
        chapters=view.chapters(
            lambda part: case_rows(part.network, part.launches("case", "status")),
            lambda part: figures.times(part.network, view.contestants, f"{part.id}-times"),
        ),
        example=commands.reproduce([first], commands.campaign_options(view.system)) if first else "",
    )


SECTION = Section("times", "Throughput and latency", "times.html.j2", build)
