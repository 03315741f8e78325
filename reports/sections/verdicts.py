"""The matrix of verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.format import system
from reports.rows import choices, matrix
from reports.sections.section import CampaignView, NetworkPart, Section


@dataclass(frozen=True)
class Verdicts:
    """`contestants` with their versions; `choices`: the ratios to each possible reference."""

    matrix: Sequence[matrix.Block]
    reference: str | None
    contestants: Sequence[tuple[str, str]]
    choices: Mapping[str, Any]
    networks: Sequence[NetworkPart]


def build(view: CampaignView) -> Verdicts:
    blocks = matrix.matrix([part.network for part in view.parts], view.contestants)
    return Verdicts(
        matrix=blocks,
        reference=view.reference,
        contestants=[(contestant, system.versions(view.system, contestant)) for contestant in view.contestants],
        choices=choices.choices(blocks, view.contestants, view.ratios),
        networks=view.parts,
    )


SECTION = Section("verdicts", "Verdicts", "verdicts.html.j2", build)
