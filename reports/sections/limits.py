"""Roofline: measured peaks, rooflines and minimum times by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.figures.roofline import roofline
from reports.format import networks, system
from reports.sections.section import CampaignView, Chapter, Section
from reports.sections.use import CeilingRow, LayerTable, ceiling_rows, layer_table
from results.compare.limits import Kind
from results.schema.record import Status


@dataclass(frozen=True)
class MachineLimits:
    ceilings: Sequence[CeilingRow]
    rooflines: Sequence[tuple[Kind, Markup]]
    chapters: Sequence[Chapter[LayerTable | None]]


def build(view: CampaignView) -> MachineLimits | None:
    if not view.limits.ceilings:
        return None
    return MachineLimits(
        ceilings=ceiling_rows(view.limits),
        rooflines=_rooflines(view),
        chapters=view.chapters(
            lambda part: layer_table(part.network, system.layers(view.system, part.network.id), view.limits)
        ),
    )


def _rooflines(view: CampaignView) -> Sequence[tuple[Kind, Markup]]:
    """A figure for each precision and device with a measured peak and a case."""
    measured = networks.rows(view.cases[view.cases["status"] == Status.MEASURED])
    kinds = dict.fromkeys((row["precision"], row["device"]) for row in measured)
    drawn = [
        (kind, roofline(measured, view.limits, kind, view.contestants, f"{view.key}-roofline{number}"))
        for number, kind in enumerate(kinds, 1)
    ]
    return [(kind, Markup(figure)) for kind, figure in drawn if figure]


SECTION = Section("limits", "Roofline", "limits.html.j2", build)
