"""The answer of a campaign as Markdown, to be pasted into an issue: sentences, and a line for each workload."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from bench.terminal.case_tables import Row, verdict_cell
from results.compare.ranking import TITLES, WorkloadRanking, unbeaten_words
from results.store.campaigns import StoredCampaign
from results.tables import cases
from results.tables.controls import control_of
from results.tables.nodes import scope_of
from results.tables.ranking import rankings
from results.words import campaign_title, control, scope

KEY = (
    "Time of a step of the reference (first column); others relative to it, below 1 is faster, with half of the 95 % "
    "interval. Unbeaten: no other contestant is shown to be faster."
)


def as_markdown(campaign: StoredCampaign) -> str:
    """Title, rankings, a table with the ranked phases, what controls show, which machines it is of, and a key."""
    found = rankings(campaign)
    sentences = [f"**{TITLES[one.phase]}:** {one.headline()} {one.overall_sentence()}".strip() for one in found]
    ranked = {workload.workload: workload for one in found for workload in one.workloads}
    table = _table(cases.cases([campaign]), ranked)
    title = f"**{campaign_title(campaign.system, campaign.name)}** (Deadheat campaign `{campaign.name}`)"
    parts = [
        title,
        *sentences,
        table or "No network was measured.",
        control(control_of(campaign)),
        _scope(campaign),
        KEY if table else "",
    ]
    return "\n\n".join(filter(None, parts))


def _scope(campaign: StoredCampaign) -> str:
    """Which machines the verdicts are of; "" for one machine."""
    found = scope_of(campaign)
    return scope(found.type, len(found.nodes), found.ratios) if found else ""


def _table(frame: pd.DataFrame, ranked: Mapping[str, WorkloadRanking]) -> str:
    """ "" without a case of a ranked phase."""
    shown = frame[(frame.peak_probe == "") & (frame.stream == "") & frame.phase.isin(list(TITLES))]
    if shown.empty:
        return ""
    contestants = list(dict.fromkeys(shown.contestant))
    lines = []
    for phase in TITLES:
        for group, rows in shown[shown.phase == phase].groupby("group", sort=False):
            own = {row["contestant"]: row for row in rows.to_dict("records")}
            lines.append(_line(next(iter(own.values())), own, contestants, ranked.get(str(group))))
    return str(pd.DataFrame(lines).to_markdown(index=False, disable_numparse=True))


def _line(
    first: Row,
    own: Mapping[str, Row],
    contestants: list[str],
    found: WorkloadRanking | None,
) -> dict[str, str]:
    workload = f"{first['architecture']} {first['size']} px, batch {first['batch']}"
    cells = {one: verdict_cell(own[one]).plain if one in own else "" for one in contestants}
    return {"phase": first["phase"], "workload": workload, **cells, "unbeaten": unbeaten_words(found)}
