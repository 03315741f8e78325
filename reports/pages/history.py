"""The page of many campaigns: each machine's history, with steps and every case over time."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from reports.figures.timeline import MOST_PANELS, timeline
from reports.format import numbers, system
from reports.format.words import kind
from reports.pages import document
from results import words
from results.compare.history import ENOUGH, MACHINE, Change, Entry, History, Series, histories
from results.schema.record import Workload
from results.stats.estimates import BAND, CONFIDENCE
from results.stats.steps import FEWEST
from results.stats.verdicts import TimingVerdict
from results.store.campaigns import StoredCampaign


@dataclass(frozen=True)
class StepRow:
    """A step of a case; times are in milliseconds, `changed`: other changes at the first campaign of the new level."""

    series: Series
    conditions: str
    since: str
    kind: str
    word: str
    ratio: numbers.FormattedEstimate | None
    before: tuple[float, str]
    now: tuple[float, str]
    changed: Sequence[str]
    command: str


@dataclass(frozen=True)
class CampaignRow:
    """A campaign, its changes by contestant ("" for all), and the number of cases with a step there."""

    number: int
    entry: Entry
    changed: Sequence[tuple[str, Sequence[str]]]
    measured: int
    steps: int


@dataclass(frozen=True)
class Chart:
    """All contestants of a workload over time; `stepped`: whether any has a step."""

    workload: Workload
    conditions: str
    stepped: bool
    figure: Markup


def render(campaigns: Iterable[StoredCampaign]) -> str:
    """The page as one HTML text, the same for the same input; ResultsError as for `histories`."""
    found = histories(campaigns)
    return document.document(
        "history.html.j2",
        headline=found.headline(),
        sections=[_section(history, f"m{number}") for number, history in enumerate(found.histories, 1)],
        left_out=found.left_out,
        problems=found.problems,
        fewest=FEWEST,
        enough=ENOUGH,
        confidence=f"{100 * CONFIDENCE:.0f} %",
        band=f"{100 * BAND:.0f} %",
    )


def _section(history: History, key: str) -> Mapping[str, Any]:
    """The template's content for one machine; `key` is the prefix of its ids."""
    charts = _charts(history, key)
    return {
        "key": key,
        "headline": history.headline(),
        "name": str(history.machine["cpu"] or "a machine without a name"),
        "facts": [(term, value) for term, value in system.flat(history.machine) if value],
        "remarks": history.remarks,
        "counts": _counts(history),
        "steps": _step_rows(history),
        "campaigns": _campaign_rows(history),
        "lost": _lost_rows(history),
        "stepped": [chart for chart in charts if chart.stepped],
        "calm": [chart for chart in charts if not chart.stepped],
    }


def _counts(history: History) -> Sequence[tuple[str, str, int]]:
    """(kind, word, number of cases), by each case's last step."""
    slower = sum(one.is_slower() for one in history.series)
    faster = sum(bool(one.steps) and not one.is_slower() for one in history.series)
    judged = sum(not one.steps and len(one.points) >= ENOUGH for one in history.series)
    short = len(history.series) - slower - faster - judged
    return [
        ("slower", f"{words.verdict_kind(TimingVerdict.SLOWER)} than before", slower),
        ("faster", f"{words.verdict_kind(TimingVerdict.FASTER)} than before", faster),
        ("dead-heat", "no step seen", judged),
        ("unclear", f"fewer than {ENOUGH} campaigns", short),
    ]


def _step_rows(history: History) -> list[StepRow]:
    """The newest first, as it is the most relevant."""
    rows = [(step.campaign, _step_row(history, series, step)) for series in history.series for step in series.steps]
    return [row for _, row in sorted(rows, key=lambda one: -one[0])]


def _step_row(history: History, series: Series, step: Change) -> StepRow:
    verdict = TimingVerdict.SLOWER if step.ratio.value > 1 else TimingVerdict.FASTER
    entry, before = history.campaigns[step.campaign], history.campaigns[step.after]
    return StepRow(
        series,
        conditions(series.case.workload),
        entry.name,
        kind(verdict),
        words.verdict_kind(verdict),
        numbers.estimate(step.ratio.value, step.ratio.low, step.ratio.high),
        numbers.milliseconds(step.seconds / step.ratio.value),
        numbers.milliseconds(step.seconds),
        entry.changed_for(series.case.contestant.id),
        shlex.join(["python", "-m", "bench", "compare", before.name, entry.name]),
    )


def _campaign_rows(history: History) -> list[CampaignRow]:
    measured = [point.campaign for series in history.series for point in series.points]
    steps = [step.campaign for series in history.series for step in series.steps]
    return [
        CampaignRow(
            number + 1,
            entry,
            [("" if contestant == MACHINE else contestant, what) for contestant, what in entry.changed.items()],
            measured.count(number),
            steps.count(number),
        )
        for number, entry in enumerate(history.campaigns)
    ]


def _lost_rows(history: History) -> list[tuple[str, str, Sequence[str]]]:
    """(contestant, reason, cases) of cases that campaigns failed to measure."""
    found: dict[tuple[str, str], list[str]] = {}
    for series in history.series:
        for why in series.lost.values():
            found.setdefault((series.case.contestant.id, why), []).append(series.case.id)
    return [(contestant, why, cases) for (contestant, why), cases in found.items()]


def _charts(history: History, key: str) -> list[Chart]:
    """A figure per workload measured in more than one campaign, with as many contestants as fit."""
    workloads: dict[Workload, list[Series]] = {}
    for series in history.series:
        if len(series.points) > 1:
            workloads.setdefault(series.case.workload, []).append(series)
    return [
        Chart(
            workload,
            conditions(workload),
            any(one.steps for one in series[start : start + MOST_PANELS]),
            timeline(history.campaigns, series[start : start + MOST_PANELS], f"{key}-{number}-{start}"),
        )
        for number, (workload, series) in enumerate(workloads.items(), 1)
        for start in range(0, len(series), MOST_PANELS)
    ]


def conditions(workload: Workload) -> str:
    """A workload without its network and phase, in words."""
    images = f"{workload.channels} × {workload.height} × {workload.width}"
    if workload.stream:
        images = f"stream {workload.stream}"
    return f"{images} · batch {workload.batch} · {workload.precision} · {words.on(workload.device, workload.devices)}"
