"""The ratios of a campaign with their intervals, which are estimated together (results.stats.moderation)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from results.schema.record import Case, Contestant, Record, Workload
from results.stats.cells import Cell, cell_of
from results.stats.moderation import Judged, judged_cells
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
    blocks = {case: group_by_block(own) for case, own in cases.items()}
    found = {}
    for case, own in cases.items():
        copied = bool(case.contestant.copy)
        theirs = case.contestant.original if copied else references.get(case.workload)
        if theirs is None or theirs == case.contestant:
            continue
        against = blocks.get(Case(case.workload, theirs), {})
        cell = cell_of(blocks[case], against, copied, _rounds_per_turn(own[0]))
        if cell is not None:
            found[case] = cell
    return found


def judged_ratios(records: Iterable[Record], references: Mapping[Workload, Contestant]) -> Judged[Case]:
    """The ratios of a campaign's cases and copies to their references, as in `cells_of`."""
    return judged_cells(cells_of(records, references))


def _rounds_per_turn(record: Record) -> int:
    return max(len(record.seconds) // max(len(record.turns), 1), 1)
