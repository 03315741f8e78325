"""Parity: the contestants' deviations from each other on each network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from reports.format import system
from reports.rows.cases import ParityRow, parity_rows
from reports.sections.section import CampaignView, Chapter, Section


@dataclass(frozen=True)
class ParityChecks:
    """`outcomes`: how many contestants on networks had each outcome, the most frequent first."""

    chapters: Sequence[Chapter[list[ParityRow]]]
    outcomes: Sequence[tuple[str, int]]


def build(view: CampaignView) -> ParityChecks | None:
    if not view.launches["parity_contestants"].notna().any():
        return None
    chapters = view.chapters(
        lambda part: parity_rows(part.network, view.parity, system.tolerances(view.system, part.network.precision))
    )
    counts = Counter(row.outcome for chapter in chapters for row in chapter.rows)
    return ParityChecks(chapters, counts.most_common())


SECTION = Section("parity", "Parity", "parity.html.j2", build)
