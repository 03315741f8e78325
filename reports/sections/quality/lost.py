"""Failures and skips, with reasons."""

from __future__ import annotations

from collections.abc import Sequence

from reports.rows.cases import Failure, failure_rows
from reports.sections.section import CampaignView, Section


def build(view: CampaignView) -> Sequence[Failure]:
    return failure_rows(view.launches)


SECTION = Section("lost", "Failures and skips", "lost.html.j2", build)
