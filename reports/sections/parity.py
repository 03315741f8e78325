"""Parity: the contestants' deviations from each other on each network."""

from __future__ import annotations

from collections.abc import Sequence

from reports.format import system
from reports.rows.cases import ParityRow, parity_rows
from reports.sections.section import CampaignView, Chapter, Section


def build(view: CampaignView) -> Sequence[Chapter[list[ParityRow]]] | None:
    if not view.launches["parity_contestants"].notna().any():
        return None
    return view.chapters(
        lambda part: parity_rows(part.network, view.parity, system.tolerances(view.system, part.network.precision))
    )


SECTION = Section("parity", "Parity", "parity.html.j2", build)
