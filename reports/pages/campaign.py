"""The page of campaigns: assembling and writing it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from reports.format import commands, numbers, system
from reports.format.words import NEEDS, kind
from reports.pages import document
from reports.rows import cases as tables
from reports.rows.answer import Answer, answer
from reports.rows.choices import menu
from reports.rows.overlap import overlaps
from reports.sections.machine import limits, nodes, use
from reports.sections.machine import system as system_section
from reports.sections.quality import certainty, lost, parity
from reports.sections.ratios import levels, verdicts
from reports.sections.section import CampaignView, NetworkPart, Section
from reports.sections.times import batches, first_call, layers, many_sizes, parts, times
from results import words
from results.schema.record import Status
from results.stats.estimates import BAND, CONFIDENCE, DETECTION_CONFIDENCE
from results.stats.verdicts import DECIDED_PERCENT, WIDEST_PERCENT, TimingVerdict
from results.store.campaigns import StoredCampaign
from results.tables.cases import judgements
from results.tables.controls import control_of
from results.tables.nodes import scope_of
from results.tables.ranking import rankings

PAGE = "index.html"
SHOWN_WARNINGS = 4
"""The most severe warnings are in view; the others are folded."""
SECTIONS: tuple[Section, ...] = (
    verdicts.SECTION,
    levels.SECTION,
    nodes.SECTION,
    times.SECTION,
    parts.SECTION,
    layers.SECTION,
    first_call.SECTION,
    use.SECTION,
    limits.SECTION,
    batches.SECTION,
    batches.DEVICES,
    many_sizes.SECTION,
    parity.SECTION,
    certainty.SECTION,
    lost.SECTION,
    system_section.SECTION,
)
"""In the order of the page: verdicts, numbers, measurement quality, details."""


@dataclass(frozen=True)
class BuiltSection:
    """A section with what its template shows as `content`."""

    anchor: str
    title: str
    template: str
    content: object


@dataclass(frozen=True)
class CampaignArticle:
    """The page's content for one campaign: answer, facts, then sections. `key` is the prefix of its ids.

    `columns`: the places of the contestants; `notes`: how they compute; `levels`: how they are written. `menu`: data
    for the page's script (reports.rows.choices). `overlap`: how it agrees with an earlier campaign of the page.
    """

    key: str
    name: str
    title: str
    answer: Answer
    facts: Sequence[tuple[str, str]]
    health: Sequence[str]
    warnings: Sequence[tuple[str, str]]
    problems: Sequence[str]
    has_lost: bool
    has_flags: bool
    is_open: bool
    columns: Mapping[str, int]
    notes: Sequence[tuple[str, str]]
    levels: str
    menu: Mapping[str, Any]
    sections: Sequence[BuiltSection]
    overlap: str = ""


def render(campaigns: Iterable[StoredCampaign]) -> str:
    """The page as one HTML text: an article per campaign, no external resources, the same for the same input."""
    found = list(campaigns)
    views = [CampaignView(campaign, f"c{number}") for number, campaign in enumerate(found, 1)]
    return document.document(
        "page.html.j2",
        campaigns=[_article(view, overlap) for view, overlap in zip(views, overlaps(found), strict=True)],
        confidence=f"{100 * CONFIDENCE:.0f} %",
        sure=f"{100 * DETECTION_CONFIDENCE:.0f} %",
        unsure=f"{100 * (1 - DETECTION_CONFIDENCE):.0f} %",
        band=f"{100 * BAND:.0f} %",
        shown_warnings=SHOWN_WARNINGS,
        decided=f"{DECIDED_PERCENT} %",
        widest=f"{WIDEST_PERCENT} %",
        parts=list(NEEDS),
        phases=words.PHASES,
        errors=tables.ERRORS,
        verdicts=[(verdict, kind(verdict), words.verdict_kind(verdict)) for verdict in TimingVerdict],
    )


def write(html: str, folder: Path) -> Path:
    """Write the page into `folder` atomically and return its path."""
    return document.write(html, folder / PAGE)


def _article(view: CampaignView, overlap: str) -> CampaignArticle:
    return CampaignArticle(
        key=view.key,
        name=view.campaign.name,
        title=words.campaign_title(view.system, view.campaign.name),
        answer=answer_of(view),
        facts=system.header(view.system, view.reference),
        health=_health(view),
        warnings=system.warnings(view.system, view.campaign.name),
        problems=view.campaign.problems,
        has_lost=bool((view.launches["status"] != Status.MEASURED).any()),
        has_flags=bool((view.cases["quality_flags"] != "").any()),
        is_open=view.is_open,
        notes=system.notes(view.system, view.contestants),
        levels=system.levels(view.system, view.contestants),
        columns={contestant: place for place, contestant in enumerate(view.contestants)},
        menu=menu_of(view),
        sections=[
            BuiltSection(section.anchor, getattr(content, "title", section.title), section.template, content)
            for section in SECTIONS
            if (content := section.build(view)) is not None
        ],
        overlap=overlap,
    )


def menu_of(view: CampaignView) -> Mapping[str, Any]:
    parts = [(part.id, part.network) for part in view.parts]
    versions = [system.versions(view.system, one) for one in view.contestants]
    return menu(parts, view.contestants, versions, view.reference or "", commands.campaign_options(view.system))


def answer_of(view: CampaignView) -> Answer:
    """The first screen, of the campaign's networks."""
    return answer(
        partial(commands.resume, view.system, view.campaign.name),
        {part.id: part.network for part in view.parts},
        view.contestants,
        rankings(view.campaign),
        view.system.remainder,
        view.reference or "",
        {part.id: note for part in view.parts if (note := _parity_note(view, part))},
        control_of(view.campaign).believable,
        _scope(view),
    )


def _scope(view: CampaignView) -> str:
    """Which machines the verdicts are of, as a sentence; "" for one machine."""
    scope = scope_of(view.campaign)
    return f"{words.scope(scope.type, len(scope.nodes), scope.ratios)}." if scope else ""


def _parity_note(view: CampaignView, part: NetworkPart) -> str:
    """Which measured contestants of a network had errors above a tolerance, and how they were judged."""
    rows = tables.parity_rows(part.network, view.parity, system.tolerances(view.system, part.network.precision))
    return "; ".join(f"{row.contestant}: {row.outcome}" for row in rows if row.outside and row.outcome != "mismatch")


def _health(view: CampaignView) -> Sequence[str]:
    """Summary of the measurement: numbers of cases, launches and unclear verdicts, and what the controls show."""
    cases, launches = view.cases, view.launches
    measured = int((cases["status"] == Status.MEASURED).sum())
    good = int((launches["status"] == Status.MEASURED).sum())
    given = judgements(cases[cases["peak_probe"] == ""])
    decided = sum(one.is_decided for one in given)
    unclear = sum(one.verdict is TimingVerdict.UNCLEAR for one in given)
    return (
        f"cases measured: {numbers.share(measured, len(cases))}",
        f"launches measured: {numbers.share(good, len(launches))}",
        f"verdicts decided: {numbers.share(decided, len(given))}",
        f"verdicts unclear: {numbers.share(unclear, len(given))}",
        *([said] if (said := words.control(control_of(view.campaign))) else []),
    )
