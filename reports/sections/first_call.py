"""Times of the first call, of building and of starting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.figures.stacks import Stack, stacked
from reports.rows.cases import FirstCallRow, first_call_rows
from reports.sections.section import CampaignView, Chapter, NetworkPart, Section
from results.schema.record import Status

TO_FIRST_RESULT = ("start_seconds", "build_seconds", "first_call_seconds")
NEEDED = ("contestant", "phase", "status", *TO_FIRST_RESULT)
"""Columns of launches."""


@dataclass(frozen=True)
class FirstCalls:
    """`phases`: of all networks. `figure`: the time to the first result of `phase`; "" if none is known."""

    phases: Sequence[str]
    chapters: Sequence[Chapter[list[FirstCallRow]]]
    phase: str
    figure: Markup


def build(view: CampaignView) -> FirstCalls | None:
    if not view.launches["first_call_seconds"].notna().any():
        return None
    phases = view.phases
    phase = phases[-1] if phases else ""
    drawn = [part for part in view.parts if part.is_drawn and phase in part.network.phases]
    stacks = {view.titles[part.network.id]: list(_stacks(part, phase)) for part in drawn}
    label = f"seconds to start, to build and of the first call of {phase}, by network and contestant"
    figure = stacked(stacks, "s: start, build, first call", view.contestants, f"{view.key}-first", label)
    chapters = view.chapters(lambda part: first_call_rows(part.network, part.launches("network", *NEEDED), phases))
    return FirstCalls(phases, chapters, phase, Markup(figure))


def _stacks(part: NetworkPart, phase: str) -> Iterator[Stack]:
    """The medians over the launches whose first call found no compiled code."""
    launches = part.launches(*NEEDED)
    known = launches[(launches["phase"] == phase) & (launches["status"] == Status.MEASURED)]
    for contestant in part.network.contestants:
        own = known[known["contestant"] == contestant].dropna(subset=list(TO_FIRST_RESULT))
        if len(own):
            yield Stack(contestant, [float(own[name].median()) for name in TO_FIRST_RESULT])
        else:
            yield Stack(contestant, (), "not measured without compiled code")


SECTION = Section("first", "First call", "first_call.html.j2", build)
