"""Times of the first call, of building and of starting."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from reports.figures.stacks import Kind, Stack, stacked
from reports.rows.cases import CACHED, COLD, FirstCallRow, first_call_rows
from reports.sections.section import CampaignView, Chapter, NetworkPart, Section
from results.compare.ranking import TITLES
from results.schema.record import Status

BEFORE = ("start_seconds", "build_seconds")
NEEDED = ("contestant", "phase", "status", *BEFORE, COLD, CACHED)
"""Columns of launches."""
BARS = Kind("s", ("start", "build", "first call"), "cached")


@dataclass(frozen=True)
class FirstCalls:
    """`phases`: of all networks. `figures`: (phase, time to the first result on all networks).

    `has_cached`: whether first calls are known that could find compiled code.
    """

    phases: Sequence[str]
    chapters: Sequence[Chapter[list[FirstCallRow]]]
    figures: Sequence[tuple[str, Markup]]
    has_cached: bool


def build(view: CampaignView) -> FirstCalls | None:
    known = view.launches[[COLD, CACHED]].notna().any()
    if not known.any():
        return None
    kinds = [kind for kind in (COLD, CACHED) if known[kind]]
    phases = view.phases
    needed = ("network", *NEEDED)
    chapters = view.chapters(lambda part: first_call_rows(part.network, part.launches(*needed), phases, kinds))
    return FirstCalls(phases, chapters, list(_figures(view)), bool(known[CACHED]))


def _figures(view: CampaignView) -> Iterator[tuple[str, Markup]]:
    """Of each ranked phase; of a campaign without any, of its last phase."""
    for phase in [phase for phase in TITLES if phase in view.phases] or view.phases[-1:]:
        drawn = [part for part in view.parts if part.is_drawn and phase in part.network.phases]
        stacks = {view.titles[part.network.id]: list(_stacks(part, phase)) for part in drawn}
        parts = {view.titles[part.network.id]: part.id for part in drawn}
        label = f"seconds to start, to build and of the first call of {phase}, by network and contestant"
        if figure := stacked(stacks, BARS, view.contestants, f"{view.key}-first-{phase}", label, parts):
            yield phase, Markup(figure)


def _stacks(part: NetworkPart, phase: str) -> Iterator[Stack]:
    """The medians over the launches whose first call found no compiled code, and over those that could find some."""
    launches = part.launches(*NEEDED)
    known = launches[(launches["phase"] == phase) & (launches["status"] == Status.MEASURED)]
    for contestant in part.network.contestants:
        own = known[known["contestant"] == contestant]
        cold, cached = _medians(own, COLD), _medians(own, CACHED)
        note = "" if cold else "not measured without compiled code"
        yield Stack(contestant, cold, note, sum(cached) if cached else math.nan)


def _medians(launches: pd.DataFrame, first_call: str) -> list[float]:
    """Seconds to start, to build and of this kind of first call; empty where no launch has all of them."""
    names = [*BEFORE, first_call]
    own = launches.dropna(subset=names)
    return [float(own[name].median()) for name in names] if len(own) else []


SECTION = Section("first", "First call", "first_call.html.j2", build)
