"""Variable input size: scaling with size, streams, windows, and the bins of a pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.figures.bins import bins_figure
from reports.format import system
from reports.rows.sizes import Growth, growth
from reports.rows.streams import StreamRow, SwitchRow, stream_figures, stream_rows, switch_rows
from reports.rows.windows import PAPER, WindowRow, window_rows
from reports.sections.section import CampaignView, Section
from results.tables.streams import of_cases
from results.tables.switches import switches as switches_of
from results.tables.windows import windows as windows_of


@dataclass(frozen=True)
class ManySizes:
    growth: Sequence[Growth]
    streams: Sequence[StreamRow]
    stream_figures: Sequence[tuple[str, Markup]]
    switches: Sequence[SwitchRow]
    windows: Sequence[WindowRow]
    paper: Sequence[WindowRow]
    bins: Markup


def build(view: CampaignView) -> ManySizes | None:
    streamed = of_cases(view.cases)
    found = ManySizes(
        growth=growth(view.cases, view.limits, view.contestants, view.key),
        streams=stream_rows(streamed),
        stream_figures=stream_figures(streamed, view.contestants, view.key),
        switches=switch_rows(switches_of([view.campaign])),
        windows=window_rows(windows_of([view.campaign])),
        paper=PAPER,
        bins=bins_figure(system.pyramids(view.system), f"{view.key}-bins"),
    )
    return found if found.growth or found.streams or found.windows or found.bins else None


SECTION = Section("sizes", "Variable input size", "sizes.html.j2", build)
