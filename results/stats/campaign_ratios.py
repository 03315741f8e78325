"""The ratios of a campaign with their intervals, which are estimated together (results.stats.moderation)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from results.schema.record import Case, Contestant, Record, Workload
from results.stats.cells import Cell, cell_of
from results.stats.estimates import Estimate, Rounds
from results.stats.moderation import Control, Judged, judged_cells
from results.stats.nodes import by_node, over_nodes
from results.stats.pairing import counted, group_by_block


def references_of(cases: Iterable[Case], named: str | None) -> dict[Workload, Contestant]:
    """The reference of each workload: the contestant with the id `named`, or the first one where that has no case."""
    found: dict[Workload, Contestant] = {}
    for case in cases:
        if not case.contestant.copy and (case.workload not in found or case.contestant.id == named):
            found[case.workload] = case.contestant
    return found


@dataclass(frozen=True)
class Timed:
    """A case's counted launches by block, and the rounds in a turn of its first one."""

    blocks: Mapping[object, Rounds]
    rounds_per_turn: int


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


def cells_between(cases: Mapping[Case, Timed], references: Mapping[Workload, Contestant]) -> dict[Case, Cell]:
    """The same from launches by block."""
    found = {}
    for case, own in cases.items():
        copied = bool(case.contestant.copy)
        theirs = case.contestant.original if copied else references.get(case.workload)
        if theirs is None or theirs == case.contestant:
            continue
        against = cases.get(Case(case.workload, theirs))
        cell = cell_of(own.blocks, against.blocks, copied, own.rounds_per_turn) if against else None
        if cell is not None:
            found[case] = cell
    return found


@dataclass(frozen=True)
class CampaignRatios:
    """The ratios of a campaign, over its nodes if it has several (results.stats.nodes), and what its controls show."""

    ratios: Mapping[Case, Estimate]
    control: Control


def judged_ratios(records: Iterable[Record], references: Mapping[Workload, Contestant]) -> CampaignRatios:
    """The ratios of a campaign's cases and copies to their references, as in `cells_of`."""
    nodes = judged_by_node(records, references)
    ratios = {case: over_nodes(list(own.values())) for case, own in ratios_by_node(nodes).items()}
    return CampaignRatios(ratios, control_over_nodes(list(nodes.values())))


def judged_by_node(records: Iterable[Record], references: Mapping[Workload, Contestant]) -> dict[str, Judged[Case]]:
    """The same for each node, by its name, as if its records were a campaign; a campaign of one machine has one."""
    return {node: judged_cells(cells) for node, cells in cells_by_node(records, references).items()}


def cells_by_node(records: Iterable[Record], references: Mapping[Workload, Contestant]) -> dict[str, dict[Case, Cell]]:
    """`cells_of` the records of each node, by its name."""
    return {node: cells_of(own, references) for node, own in by_node(records).items()}


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
    return rounds_per_turn(len(record.seconds), len(record.turns))


def rounds_per_turn(rounds: int, turns: int) -> int:
    """Of a launch of so many rounds in so many turns (0: its record does not say)."""
    return max(rounds // max(turns, 1), 1)
