"""Roofline: measured peaks, rooflines and minimum times by layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.figures.roofline import GIGA, roofline
from reports.format import networks, numbers, system
from reports.format.networks import Row
from reports.sections.machine.use import CeilingRow, LayerTable, ceiling_rows, layer_table
from reports.sections.section import CampaignView, Chapter, Section
from results.compare.limits import Kind
from results.schema.record import Status
from results.tables.layers import is_alone
from results.words import PEAKS


@dataclass(frozen=True)
class ProbeRow:
    """The highest rate of a probe of multiply-accumulates, exact and as text, and its percentage of the peak."""

    probe: str
    precision: str
    device: str
    rate: float
    shown: str
    contestant: str
    percent: str


def probe_rows(cases: Iterable[Row]) -> list[ProbeRow]:
    """The fastest contestant on each probe of multiply-accumulates; the peak of a precision is the fastest of these."""
    best: dict[tuple[str, str, str], Row] = {}
    for row in cases:
        if row["peak_probe"] == "macs" and row["macs_per_second"] > 0:
            key = row["architecture"], row["precision"], row["device"]
            best[key] = max(best.get(key, row), row, key=lambda one: one["macs_per_second"])
    _, unit = PEAKS["macs"]
    return [
        ProbeRow(
            *key,
            rate=row["macs_per_second"],
            shown=f"{numbers.plain(row['macs_per_second'] * GIGA)} {unit}",
            contestant=row["contestant"],
            percent=f"{row['fraction_of_peak']:.0%}",
        )
        for key, row in best.items()
    ]


def reached(cases: Iterable[Row]) -> str:
    """The highest fraction of the peak of each network, the largest first: "vgg-a 88 %, lenet5 5 %"; "" without any."""
    best: dict[str, float] = {}
    for row in cases:
        if not (row["peak_probe"] or is_alone(row["architecture"])) and row["fraction_of_peak"] > 0:
            network = row["architecture"]
            best[network] = max(best.get(network, 0.0), row["fraction_of_peak"])
    return ", ".join(f"{name} {100 * best[name]:.0f} %" for name in sorted(best, key=lambda name: -best[name]))


@dataclass(frozen=True)
class MachineLimits:
    """`chapters`: of the networks whose layers are recorded. `reached`: shares of the peak by network."""

    ceilings: Sequence[CeilingRow]
    rooflines: Sequence[tuple[Kind, Markup]]
    chapters: Sequence[Chapter[LayerTable | None]]
    probes: Sequence[ProbeRow] = ()
    reached: str = ""


def build(view: CampaignView) -> MachineLimits | None:
    if not view.limits.ceilings:
        return None
    rows = networks.rows(view.cases)
    return MachineLimits(
        ceilings=ceiling_rows(view.limits),
        rooflines=_rooflines(view),
        chapters=[chapter for chapter in _chapters(view) if chapter.rows],
        probes=probe_rows(rows),
        reached=reached(rows),
    )


def _chapters(view: CampaignView) -> Sequence[Chapter[LayerTable | None]]:
    return view.chapters(
        lambda part: layer_table(part.network, system.layers(view.system, part.network.id), view.limits)
    )


def _rooflines(view: CampaignView) -> Sequence[tuple[Kind, Markup]]:
    """A figure for each precision and device with a measured peak and a case."""
    measured = networks.rows(view.cases[view.cases["status"] == Status.MEASURED])
    kinds = dict.fromkeys((row["precision"], row["device"]) for row in measured)
    drawn = [
        (kind, roofline(measured, view.limits, kind, view.contestants, f"{view.key}-roofline{number}"))
        for number, kind in enumerate(kinds, 1)
    ]
    return [(kind, Markup(figure)) for kind, figure in drawn if figure]


SECTION = Section("limits", "Roofline", "limits.html.j2", build)
