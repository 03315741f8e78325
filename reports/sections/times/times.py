"""Throughput and latency of every case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.figures import network as figures
from reports.format import commands
from reports.rows.cases import CaseRow, case_rows
from reports.rows.latency import LatencyRow, latency_figure, latency_rows
from reports.sections.section import CampaignView, Chapter, NetworkPart, Section
from results.stats.percentiles import REPORTED
from results.tables.latency import is_timed, latency_of, percentiles_of, timed


@dataclass(frozen=True)
class Times:
    """`example`: the command that measures the first case again; "" without a case. `latency`: of single steps."""

    chapters: Sequence[Chapter[list[CaseRow]]]
    example: str
    latency: Sequence[Chapter[list[LatencyRow]]] = ()
    percentiles: Sequence[str] = REPORTED


def build(view: CampaignView) -> Times:
    first = next((row["case"] for part in view.parts for row in part.network.rows.values()), "")
    return Times(
        chapters=view.chapters(
            lambda part: case_rows(part.network, part.launches("case", "status")),
            lambda part: figures.times(part.network, view.contestants, f"{part.id}-times"),
        ),
        example=commands.reproduce([first], commands.campaign_options(view.system)) if first else "",
        latency=_latency(view) if is_timed(view.campaign) else (),
    )


def _latency(view: CampaignView) -> Sequence[Chapter[list[LatencyRow]]]:
    """Percentiles of the networks; the figure is of a network's first phase."""
    table = latency_of(view.campaign)

    def figure(part: NetworkPart) -> str:
        phase, launches = part.network.phases[0], view.campaign.launches
        own = [case for case in launches if case.workload.id == f"{part.network.id}-{phase}"]
        curves = {case: percentiles_of(timed(launches[case])) for case in own}
        return latency_figure(curves, view.contestants, f"{part.id}-latency", f"{part.network.architecture}, {phase}")

    return view.chapters(lambda part: latency_rows(table, part.network), figure)


SECTION = Section("times", "Throughput and latency", "times.html.j2", build)
