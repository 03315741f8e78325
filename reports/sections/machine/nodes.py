"""Nodes: the machines of a campaign, what became of its units, and the cells that differ between nodes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from reports.figures import ratios
from reports.figures.drawing.canvas import Band, Mark
from reports.format import numbers, system
from reports.format.networks import rows, text
from reports.sections.section import CampaignView, Section
from results import words
from results.schema.system import AttemptFacts, NodeFacts, System
from results.tables.nodes import NodeSummary, differing, nodes_of, scope_of, summaries_of
from results.units import elapsed

DRAWN = 6
"""Cells that differ most are drawn, with all of their nodes."""
ACCEPTED = "accepted"


@dataclass(frozen=True)
class Node:
    """A node: what it is, what doctor found on it, what it measured, and how its times and ratios differ."""

    name: str
    machine: str
    software: str
    checks: Sequence[tuple[str, str]]
    measured: str
    relative_time: str
    differing: str
    attempts: str


@dataclass(frozen=True)
class Differing:
    """A cell that differs on a node: its ratio there, and that over the ratio on the other nodes."""

    case: str
    node: str
    ratio: numbers.FormattedEstimate | None
    relative: str
    p: str


@dataclass(frozen=True)
class Attempt:
    """An attempt whose records do not count, or that was not the first."""

    unit: str
    number: int
    node: str
    outcome: str
    reason: str
    time: str


@dataclass(frozen=True)
class Nodes:
    """`scope`: which machines the verdicts are of; `tested`: ratios on nodes that were compared with other nodes."""

    scope: str
    nodes: Sequence[Node]
    cells: Sequence[Differing]
    tested: int
    spread: str
    figure: Markup
    attempts: Sequence[Attempt]


def build(view: CampaignView) -> Nodes | None:
    scope = scope_of(view.campaign)
    if scope is None:
        return None
    summaries = {one.node: one for one in summaries_of(view.campaign)}
    table, found = nodes_of(view.campaign), differing(view.campaign)
    spread = table.drop_duplicates("case").between_nodes.median()
    return Nodes(
        scope=words.scope(scope.type, len(scope.nodes), scope.ratios),
        nodes=[_node(name, view.system, summaries.get(name)) for name in _names(view.system, summaries)],
        cells=[_cell(row) for row in rows(found)],
        tested=sum(one.tested for one in summaries.values()),
        spread="" if math.isnan(spread) else f"{spread:.1%}",
        figure=_figure(table, list(dict.fromkeys(found.case))[:DRAWN], scope.nodes, f"{view.key}-nodes"),
        attempts=[_attempt(one) for one in view.system.attempts if one.attempt or one.outcome != ACCEPTED],
    )


def _names(facts: System, measured: Iterable[str]) -> list[str]:
    """Also of nodes that measured nothing."""
    return sorted({*facts.nodes, *measured})


def _node(name: str, facts: System, found: NodeSummary | None) -> Node:
    own = facts.nodes.get(name, NodeFacts())
    outcomes = Counter(one.outcome for one in facts.attempts if one.node == name)
    return Node(
        name,
        system.machine(own.machine),
        own.environment[:12],
        [(one.what, one.remedy) for one in own.checks],
        numbers.share(found.measured, found.launched) if found else "none",
        numbers.ratio(found.relative_seconds) if found and not math.isnan(found.relative_seconds) else "–",
        f"{found.differing} of {found.tested}" if found and found.tested else "–",
        ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()) or "–",
    )


def _cell(row: Mapping[str, Any]) -> Differing:
    return Differing(
        text(row["case"]),
        text(row["node"]),
        numbers.estimate(row["ratio"], row["ratio_low"], row["ratio_high"]),
        numbers.ratio(row["relative_ratio"]),
        numbers.error(row["relative_p"]),
    )


def _attempt(one: AttemptFacts) -> Attempt:
    time = "–" if one.seconds is None else elapsed(float(one.seconds))
    return Attempt(one.unit, one.attempt, one.node, one.outcome, one.reason, time)


def _figure(table: pd.DataFrame, cases: Sequence[str], nodes: Sequence[str], key: str) -> Markup:
    """Each node's ratio in the cells that differ most; "" without any."""
    bands = [
        Band(
            case,
            [
                Mark(text(row["node"]), nodes.index(row["node"]), row["ratio"], row["ratio_low"], row["ratio_high"])
                for row in rows(table[(table.case == case) & table.ratio.notna()])
            ],
        )
        for case in cases
    ]
    return ratios.by_node(bands, key)


SECTION = Section("nodes", "Nodes", "nodes.html.j2", build)
