"""Verdicts: a forest plot of the ratios for each ranked phase, and the matrix of all phases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from reports.figures import ratios
from reports.format import system
from reports.rows import choices, matrix
from reports.sections.section import CampaignView, NetworkPart, Section
from results.compare.ranking import TITLES
from results.tables.controls import control_of


@dataclass(frozen=True)
class Verdicts:
    """`contestants` with their versions; `choices`: the ratios to each possible reference.

    `figures`: (phase, title, forest plot) of each phase with a ratio. `control`: the largest difference of the same
    code from itself, as text; "" without controls.
    """

    matrix: Sequence[matrix.Block]
    reference: str | None
    contestants: Sequence[tuple[str, str]]
    choices: Mapping[str, Any]
    networks: Sequence[NetworkPart]
    figures: Sequence[tuple[str, str, Markup]]
    control: str


def build(view: CampaignView) -> Verdicts:
    blocks = matrix.matrix([part.network for part in view.parts], view.contestants)
    control = control_of(view.campaign)
    return Verdicts(
        matrix=blocks,
        reference=view.reference,
        contestants=[(contestant, system.versions(view.system, contestant)) for contestant in view.contestants],
        choices=choices.choices(blocks, view.contestants, view.ratios, control.believable),
        networks=view.parts,
        figures=list(_figures(view, control.largest)),
        control=f"{control.largest:.1%} (median of {control.pairs} controls: {control.median:.1%})"
        if control.pairs
        else "",
    )


def _figures(view: CampaignView, control: float) -> Iterator[tuple[str, str, Markup]]:
    networks = [(part.id, view.titles[part.network.id], part.network) for part in view.parts if part.is_drawn]
    for phase, title in TITLES.items():
        if figure := ratios.ratios(networks, phase, view.contestants, control, f"{view.key}-ratios-{phase}"):
            yield phase, title, figure


SECTION = Section("verdicts", "Verdicts", "verdicts.html.j2", build)
