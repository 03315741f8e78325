"""Cases on each node of a campaign of several machines of one type, and which of them differ between nodes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from results.compare.ratios import cells_by_node, judged_ratios
from results.schema.columns import Column
from results.schema.record import Case, Status
from results.schema.system import NodeFacts
from results.stats.campaign_ratios import ratios_by_node
from results.stats.cells import Cell
from results.stats.estimates import Estimate
from results.stats.launches import Launches
from results.stats.moderation import Judged
from results.stats.node_differences import Difference, differences
from results.stats.nodes import spread, time_over_nodes
from results.stats.verdicts import judge
from results.store.campaigns import StoredCampaign, computed_once
from results.tables import CAMPAIGNS, Table
from results.tables._rows import blank, frame, time_row
from results.tables.cases import references_in

COLUMNS = (
    Column("campaign", "", "folder of the campaign"),
    Column("case", "", "workload and contestant in one id, as in the test's name"),
    Column("group", "", "id of the workload"),
    Column("contestant", "", "framework:execution"),
    Column("node", "", "the machine, a key of `nodes` in system.json"),
    Column("type", "", "its machine type: nodes of one type are replicates"),
    Column("status", "", "measured, skipped, mismatch, out_of_memory, crashed, timed_out or failed, on this node"),
    Column("reason", "", "why the row was not measured"),
    Column("launches", "", "number of valid launches on this node"),
    Column("seconds", "s/step", "geometric mean of the medians of this node's launches"),
    Column("seconds_low", "s/step", "lower end of its 95 % interval over this node's launches"),
    Column("seconds_high", "s/step", "upper end of its 95 % interval over this node's launches"),
    Column("relative_seconds", "", "seconds over the geometric mean of those of the other nodes"),
    Column("reference", "", "reference contestant of the ratio"),
    Column("ratio", "", "time over the reference's time on this node, paired by block: below 1 is faster"),
    Column("ratio_low", "", "lower end of its 95 % interval over this node's blocks"),
    Column("ratio_high", "", "upper end of its 95 % interval over this node's blocks"),
    Column("pairs", "", "number of blocks in the ratio"),
    Column("verdict", "", "on this node, as in `cases`"),
    Column("within_percent", "%", "of the verdict within, as in `cases`"),
    Column(
        "relative_ratio",
        "",
        "ratio over the geometric mean of those of the other nodes, without nodes that differ more",
    ),
    Column(
        "relative_p",
        "",
        "p value of no difference of the ratio from the other nodes, adjusted by Holm for all cells and nodes; empty "
        "with one node, or one launch a node",
    ),
    Column("differs", "", "whether relative_p is below 5 %; empty where that is"),
    Column(
        "between_nodes",
        "",
        "of the case: standard deviation of the nodes' log ratios that their launches do not explain",
    ),
)


def nodes(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """One row for each case and node that launched it, of campaigns of several machines."""
    return frame((row for campaign in campaigns for row in _rows(campaign)), COLUMNS)


@computed_once
def nodes_of(campaign: StoredCampaign) -> pd.DataFrame:
    """The rows of one campaign; none where its records name no node."""
    return nodes([campaign])


def _rows(campaign: StoredCampaign) -> Iterator[dict[str, Any]]:
    if not any(any(own.nodes) for own in campaign.launches.values()):
        return
    references = references_in(campaign)
    (cells,), (compared,) = cells_by_node(campaign, references), judged_ratios(campaign, references)
    judged, ratios = compared.nodes, ratios_by_node(compared.nodes)
    apart = _apart(cells, judged)
    for case in campaign.by_suite(campaign.launches):
        launches = campaign.launches[case].by_node()
        times = {node: time_over_nodes(own) for node, own in launches.items() if len(own.counted)}
        for node, own in ((node, own) for node, own in launches.items() if node or len(own.counted)):
            facts = campaign.system.nodes.get(node, NodeFacts())
            yield {
                **blank(COLUMNS),
                "campaign": campaign.name,
                "case": case.id,
                "group": case.workload.id,
                "contestant": case.contestant.id,
                "node": node,
                "type": facts.type,
                "reference": references[case.workload].id,
                "verdict": "",
                **_times(own, times, node),
                **_ratio(ratios.get(case, {}), node, judged[node].control.believable),
                **_difference(apart.get((case, node))),
            }


def _apart(
    cells: Mapping[str, Mapping[Case, Cell]], judged: Mapping[str, Judged[Case]]
) -> dict[tuple[Case, str], Difference]:
    """How each ratio on each node differs from the other nodes; controls are known not to."""
    tested = {node: {case: cell for case, cell in own.items() if not cell.control} for node, own in cells.items()}
    return differences(tested, {node: own.control.inflation for node, own in judged.items()})


def _times(launches: Launches, times: Mapping[str, Estimate], node: str) -> dict[str, Any]:
    if node not in times:
        return {"status": launches["status"][-1], "reason": launches["reason"][-1], "launches": 0}
    return {
        "status": Status.MEASURED.value,
        "reason": "",
        "launches": times[node].launches,
        **time_row(times[node]),
        "relative_seconds": _relative(times, node),
    }


def _ratio(ratios: Mapping[str, Estimate], node: str, believable: bool) -> dict[str, Any]:
    if node not in ratios:
        return {"pairs": 0}
    own = ratios[node]
    judged = judge(own if believable else None)
    return {
        "ratio": own.value,
        "ratio_low": own.low,
        "ratio_high": own.high,
        "pairs": own.launches,
        "verdict": judged.verdict.value,
        "within_percent": math.nan if judged.percent is None else judged.percent,
        "between_nodes": spread(list(ratios.values())),
    }


def _difference(found: Difference | None) -> dict[str, Any]:
    if found is None:
        return {"differs": None}
    return {"relative_ratio": found.ratio, "relative_p": found.p, "differs": found.is_significant}


def _relative(nodes: Mapping[str, Estimate], node: str) -> float:
    """A node's value over the geometric mean of the others; NaN without another."""
    others = [math.log(found.value) for name, found in nodes.items() if name != node]
    return nodes[node].value / math.exp(math.fsum(others) / len(others)) if others else math.nan


@dataclass(frozen=True)
class Scope:
    """The machines that a campaign's verdicts are of: their type, their names, how many ratios are from how many."""

    type: str
    nodes: tuple[str, ...]
    ratios: Mapping[int, int]


def scope_of(campaign: StoredCampaign) -> Scope | None:
    """None for a campaign of one machine."""
    table = nodes_of(campaign)
    if table.empty:
        return None
    measured = table[table.status == Status.MEASURED]
    ratios = Counter(measured[measured.verdict != ""].groupby("case").size().tolist())
    types = [one for one in dict.fromkeys(table.type) if one]
    return Scope(types[0] if types else "", tuple(sorted(set(table.node))), dict(sorted(ratios.items())))


@dataclass(frozen=True)
class NodeSummary:
    """A node: its measured cases of those that it launched, the cells that differ of those tested.

    `relative_seconds`: its time over that of the other nodes, in the middle of its cases; NaN if none is on another.
    """

    node: str
    measured: int
    launched: int
    differing: int
    tested: int
    relative_seconds: float


def summaries_of(campaign: StoredCampaign) -> list[NodeSummary]:
    """One for each node, by name."""
    return [
        NodeSummary(
            str(node),
            int((rows.status == Status.MEASURED).sum()),
            len(rows),
            int(rows.differs.eq(True).sum()),
            int(rows.differs.notna().sum()),
            float(rows.relative_seconds.median()),
        )
        for node, rows in nodes_of(campaign).groupby("node")
    ]


def differing(campaign: StoredCampaign) -> pd.DataFrame:
    """The rows of cells that differ from the other nodes, the largest difference first."""
    table = nodes_of(campaign)
    found = table[table.differs.eq(True)]
    size = np.abs(np.log(found.relative_ratio.to_numpy(float)))
    return found.iloc[np.argsort(-size, kind="stable")]


TABLE = Table(COLUMNS, nodes, CAMPAIGNS)
