"""Parity: the contestants' deviations from each other on each network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.format import numbers, system
from reports.rows.cases import ParityRow, parity_rows
from reports.sections.section import CampaignView, Chapter, NetworkPart, Section


@dataclass(frozen=True)
class Parity:
    """The errors of one network's contestants, and the tolerances by the names of the errors."""

    contestants: Sequence[ParityRow]
    tolerances: Mapping[str, str]


def build(view: CampaignView) -> Sequence[Chapter[Parity]]:
    return view.chapters(lambda part: _parity(view, part))


def _parity(view: CampaignView, part: NetworkPart) -> Parity:
    tolerances = system.tolerances(view.system, part.network.precision)
    shown = {name: numbers.error(value).replace(".0e", "e") for name, value in tolerances.items()}
    return Parity(parity_rows(part.network, part.launches, tolerances), shown)


SECTION = Section("parity", "Parity", "parity.html.j2", build)
