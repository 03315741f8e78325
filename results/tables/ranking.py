"""How contestants stand in a phase, over all workloads: ties included, because an interval may hold no winner."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

from results.compare.ranking import TITLES, Ranking, rank
from results.compare.ratios import pairs, pairs_by_node
from results.schema.columns import Column
from results.store.campaigns import StoredCampaign
from results.tables import CAMPAIGNS, Table
from results.tables._rows import frame
from results.tables.cases import reference_of
from results.tables.controls import control_of
from results.tables.layers import is_alone

COLUMNS = (
    Column("campaign", "", "folder of the campaign"),
    Column("phase", "", ", ".join(TITLES)),
    Column("contestant", "", "framework:execution"),
    Column("unbeaten", "", "number of workloads on which no other contestant is shown to be faster"),
    Column("workloads", "", "number of workloads on which it was measured and some ratio has an interval"),
    Column("reference", "", "contestant that the overall ratio is relative to"),
    Column("ratio", "", "geometric mean of its ratios over the workloads on which all contestants have one"),
    Column("ratio_low", "", "lower end of its 95 % interval, from those of the workloads' ratios"),
    Column("ratio_high", "", "upper end of its 95 % interval"),
    Column("common", "", "number of those workloads"),
)


def ranking(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """One row for each contestant in a phase that is ranked."""
    rows = [
        _row(campaign.name, found, one)
        for campaign in campaigns
        for found in rankings(campaign)
        for one in found.contestants
    ]
    return frame(rows, COLUMNS)


def _row(campaign: str, found: Ranking, contestant: str) -> dict[str, object]:
    overall = found.overall.get(contestant)
    return {
        "campaign": campaign,
        "phase": found.phase,
        "contestant": contestant,
        "unbeaten": found.unbeaten_on(contestant),
        "workloads": found.measured_on(contestant),
        "reference": found.reference,
        "ratio": overall.value if overall else 1.0 if contestant == found.reference and found.common else math.nan,
        "ratio_low": overall.low if overall else math.nan,
        "ratio_high": overall.high if overall else math.nan,
        "common": found.common,
    }


def rankings(campaign: StoredCampaign) -> list[Ranking]:
    """The rankings of a campaign's phases, over its whole networks; none for a phase without a ratio.

    Probes of the machine's peaks, isolated layers and streams are left out. Where the controls allow no verdict, no
    contestant is shown to be faster.
    """
    reference = reference_of(campaign)
    if reference is None or not control_of(campaign).believable:
        return []
    ids = {
        case.workload.id: case.workload.phase
        for case in campaign.by_suite(campaign.launches)
        if not (case.workload.stream or is_alone(case.workload.architecture))
    }
    probes = {name for name, facts in campaign.system.workloads.items() if facts.ceiling}
    measured = dict.fromkeys(case.contestant.id for case in campaign.launches)
    contestants = [one for one in dict.fromkeys((*campaign.system.contestants, *measured)) if one in measured]
    ratios = pairs(campaign)
    found = [
        rank(
            phase,
            reference,
            contestants,
            {name: ratios[name] for name, its in ids.items() if its == phase and name not in probes and ratios[name]},
            list(pairs_by_node(campaign).values()),
        )
        for phase in TITLES
    ]
    return [one for one in found if one.workloads]


TABLE = Table(COLUMNS, ranking, CAMPAIGNS)
