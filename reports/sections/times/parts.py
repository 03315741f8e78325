"""Components of a training step: forward, backward, update."""

from __future__ import annotations

from collections.abc import Sequence

from reports.figures import stacks
from reports.format import networks
from reports.rows.cases import PartsRow, part_rows
from reports.sections.section import CampaignView, Chapter, Section


def build(view: CampaignView) -> Sequence[Chapter[list[PartsRow]]] | None:
    if not view.split["seconds"].notna().any():
        return None
    split = networks.rows(view.split)
    return view.chapters(
        lambda part: part_rows(part.network, view.split),
        lambda part: stacks.parts(part.network, split, view.contestants, f"{part.id}-parts"),
    )


SECTION = Section("parts", "Forward, backward, update", "parts.html.j2", build)
