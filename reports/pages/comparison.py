"""The page of two campaigns: slower and faster cases, cases that can't be compared, and other differences."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.figures import forest
from reports.format import commands, networks, numbers, system
from reports.format.words import kind
from reports.pages import document
from results import words
from results.compare.pairwise import Change, Report, compare
from results.stats.estimates import BAND, CONFIDENCE, MOST_LAUNCHES, Estimate
from results.stats.verdicts import WIDEST_PERCENT
from results.store.campaigns import StoredCampaign
from results.tables import cases


@dataclass(frozen=True)
class Row:
    """One case in both campaigns; times are in milliseconds, `remedy` is for an undecided verdict."""

    network: networks.Network
    phase: str
    contestant: str
    before: tuple[float, str]
    after: tuple[float, str]
    ratio: numbers.FormattedEstimate | None
    kind: str
    word: str
    remedy: str
    command: str


@dataclass(frozen=True)
class Group:
    """The cases of one network in a figure."""

    network: networks.Network
    figure: Markup


def render(
    baseline: StoredCampaign, candidate: StoredCampaign, across_systems: bool = False, side_by_side: bool = False
) -> str:
    """The page as one HTML text, the same for the same input; arguments and ResultsError as for `compare`."""
    report = compare(baseline, candidate, across_systems, side_by_side)
    changes = {change.case: change for change in report.changes}
    found = networks.networks(cases.cases([candidate]))
    rows = [row for network in found for row in _rows(network, changes, commands.campaign_options(candidate.system))]
    return document.document(
        "comparison.html.j2",
        baseline=report.baseline,
        candidate=report.candidate,
        headline=report.headline(),
        counts=_counts(report),
        other_machine=report.differences[: report.machines],
        differences=report.differences[report.machines :],
        problems=report.problems,
        warnings=[
            (one.name, *warning) for one in (baseline, candidate) for warning in system.warnings(one.system, one.name)
        ],
        facts=_side_by_side(system.header(baseline.system, None), system.header(candidate.system, None)),
        rows=sorted(rows, key=lambda row: [kind(verdict) for verdict in words.VERDICT_ORDER].index(row.kind)),
        groups=[group for number, one in enumerate(found) if (group := _group(one, changes, f"n{number}")).figure],
        overall=[(contestant, _shown(estimate), estimate.launches) for contestant, estimate in report.overall.items()],
        missing=report.missing,
        command=_command(report, across_systems),
        systems=[(one.name, system.system_details(one.system)) for one in (baseline, candidate)],
        confidence=f"{100 * CONFIDENCE:.0f} %",
        band=f"{100 * BAND:.0f} %",
        widest=f"{WIDEST_PERCENT} %",
    )


def _counts(report: Report) -> Sequence[tuple[str, str, int]]:
    """(kind, word, number of cases) of each verdict, and of cases that can't be compared."""
    found = [change.verdict for change in report.changes]
    verdicts = [(kind(one), words.verdict_kind(one), found.count(one)) for one in words.VERDICT_ORDER]
    return [*verdicts, ("status", "not compared", len(report.missing))]


def _rows(network: networks.Network, changes: Mapping[str, Change], options: Sequence[str]) -> list[Row]:
    return [
        Row(
            network,
            phase,
            contestant,
            numbers.milliseconds(change.baseline_seconds),
            numbers.milliseconds(change.candidate_seconds),
            _shown(change.ratio),
            kind(change.verdict),
            words.verdict(change.judgement),
            _remedy(change),
            commands.reproduce([change.case], options),
        )
        for phase, contestant, change in _compared(network, changes)
    ]


def _compared(network: networks.Network, changes: Mapping[str, Change]) -> list[tuple[str, str, Change]]:
    """The network's cases in both campaigns: phases in order, contestants in order of appearance."""
    pairs = [
        (phase, contestant)
        for phase in network.phases
        for contestant in network.contestants
        if (phase, contestant) in network.rows
    ]
    found = [(phase, contestant, changes.get(network.rows[phase, contestant]["case"])) for phase, contestant in pairs]
    return [(phase, contestant, change) for phase, contestant, change in found if change]


def _shown(ratio: Estimate) -> numbers.FormattedEstimate | None:
    return numbers.estimate(ratio.value, ratio.low, ratio.high)


def _remedy(change: Change) -> str:
    if change.judgement.is_decided:
        return ""
    if math.isnan(change.ratio.low):
        return "one launch has no interval: measure more launches"
    if math.isnan(change.launches_needed):
        return ""  # its own interval suffices; Holm's correction for many cases does not allow a verdict
    if math.isinf(change.launches_needed):
        return f"{MOST_LAUNCHES:,} launches per campaign would not be enough for a verdict"
    return f"about {change.launches_needed:.0f} launches per campaign are needed to decide it"


def _group(network: networks.Network, changes: Mapping[str, Change], key: str) -> Group:
    """Every ratio with its interval, against the band of a dead heat."""
    rows = [
        forest.Row(
            f"{phase}, {contestant}: {words.verdict(change.judgement)}",
            "ratio",
            change.ratio.value,
            None if math.isnan(change.ratio.low) else change.ratio.low,
            None if math.isnan(change.ratio.high) else change.ratio.high,
            (1 - BAND, 1 + BAND),
        )
        for phase, contestant, change in _compared(network, changes)
    ]
    label = (
        f"{network.id}: the candidate's time over the baseline's for each phase and contestant; numbers in the table"
    )
    return Group(network, forest.draw(rows, f"{key}-forest", label))


def _side_by_side(one: Sequence[system.Entry], other: Sequence[system.Entry]) -> list[tuple[str, str, str]]:
    before, after = dict(one), dict(other)
    return [(term, before.get(term, ""), after.get(term, "")) for term in {**before, **after}]


def _command(report: Report, across_systems: bool) -> str:
    across = ["--across-systems"] if across_systems else []
    return shlex.join(["python", "-m", "bench", "compare", report.baseline, report.candidate, *across])
