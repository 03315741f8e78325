"""System, versions and settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.format import system
from reports.sections.section import CampaignView, Section


@dataclass(frozen=True)
class SystemDetails:
    """(heading, (term, value) pairs) of each part, and the suite's name, None if unknown."""

    details: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    suite: str | None


def build(view: CampaignView) -> SystemDetails:
    return SystemDetails(system.system_details(view.system), view.system.suite.name)


SECTION = Section("system", "System", "system.html.j2", build)
