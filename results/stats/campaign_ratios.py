"""The ratios of a campaign with their intervals, which are estimated together (results.stats.moderation)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from results.schema.record import Case, Contestant, Record, Workload
from results.stats.cells import Cell, Timed, cell_between, rounds_per_turn_of
from results.stats.estimates import Estimate
from results.stats.moderation import Control, Judged
from results.stats.nodes import over_nodes
from results.stats.pairing import counted, group_by_block


def references_of(cases: Iterable[Case], named: str | None) -> dict[Workload, Contestant]:
    """The reference of each workload: the contestant with the id `named`, or the first one where that has no case."""
    found: dict[Workload, Contestant] = {}
    for case in cases:
        if not case.contestant.copy and (case.workload not in found or case.contestant.id == named):
            found[case.workload] = case.contestant
    return found


def cells_of(records: Iterable[Record], references: Mapping[Workload, Contestant]) -> dict[Case, Cell]:
    """The cell of every case that ran in a block with its reference, which itself has none.

    The reference of a copy is its original. A workload that is not in `references` has no ratios but of copies.
    """
    cases: dict[Case, list[Record]] = {}
    for record in counted(records):
        cases.setdefault(record.case, []).append(record)
    return cells_between(
        {case: Timed(group_by_block(own), _rounds_per_turn(own[0])) for case, own in cases.items()}, references
    )


def cells_between(
    cases: Mapping[Case, Timed],
    references: Mapping[Workload, Contestant],
    known: dict[tuple[Case, Case], Cell | None] | None = None,
) -> dict[Case, Cell]:
    """The same from launches by block. `known`: cells of these cases by case and reference; new ones are added."""
    known = {} if known is None else known
    found: dict[Case, Cell] = {}
    for case, own in cases.items():
        copied = bool(case.contestant.copy)
        theirs = case.contestant.original if copied else references.get(case.workload)
        if theirs is None or theirs == case.contestant:
            continue
        other = Case(case.workload, theirs)
        against = cases.get(other)
        if against is None:
            continue
        if (case, other) not in known:
            inverse = known.get((other, case)) if own.rounds_per_turn == against.rounds_per_turn else None
            known[case, other] = inverse.inverse if inverse else cell_between(own, against, copied)
        if cell := known[case, other]:
            found[case] = cell
    return found


@dataclass(frozen=True)
class CampaignRatios:
    """The ratios of a campaign: of each node by its name, judged as a campaign of its own; one machine is one node."""

    nodes: Mapping[str, Judged[Case]]

    @cached_property
    def ratios(self) -> dict[Case, Estimate]:
        """The ratio of each case, over the nodes that have it (results.stats.nodes)."""
        return {case: over_nodes(list(own.values())) for case, own in ratios_by_node(self.nodes).items()}

    @cached_property
    def control(self) -> Control:
        """What the controls of all nodes show together."""
        return control_over_nodes(list(self.nodes.values()))


def ratios_by_node(nodes: Mapping[str, Judged[Case]]) -> dict[Case, dict[str, Estimate]]:
    """The ratio of each case on each node that has it."""
    found: dict[Case, dict[str, Estimate]] = {}
    for node, judged in nodes.items():
        for case, ratio in judged.ratios.items():
            found.setdefault(case, {})[node] = ratio
    return found


def control_over_nodes(nodes: Sequence[Judged[Case]]) -> Control:
    """What the controls of all nodes show together; `inflation` is that of the node with the most."""
    if len(nodes) == 1:
        return nodes[0].control
    with_controls = [judged for judged in nodes if judged.control.pairs]
    if not with_controls:
        return Control()
    copies = [
        ratio.value
        for judged in with_controls
        for case, ratio in judged.ratios.items()
        if case.contestant.copy and ratio.launches > 1
    ]
    differences = np.expm1(np.abs(np.log(copies)))
    inflation = max(judged.control.inflation for judged in with_controls)
    return Control(len(copies), float(differences.max()), float(np.median(differences)), inflation)


def _rounds_per_turn(record: Record) -> int:
    return rounds_per_turn_of(len(record.seconds), len(record.turns))
