"""The ratios of a campaign with their intervals, which are estimated together (results.stats.moderation)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from results.schema.record import Case, Contestant, Record, Workload
from results.stats.cells import Cell, cell_of
from results.stats.estimates import Rounds
from results.stats.moderation import Judged, judged_cells
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


def judged_ratios(records: Iterable[Record], references: Mapping[Workload, Contestant]) -> Judged[Case]:
    """The ratios of a campaign's cases and copies to their references, as in `cells_of`."""
    return judged_cells(cells_of(records, references))


def _rounds_per_turn(record: Record) -> int:
    return rounds_per_turn(len(record.seconds), len(record.turns))


def rounds_per_turn(rounds: int, turns: int) -> int:
    """Of a launch of so many rounds in so many turns (0: its record does not say)."""
    return max(rounds // max(turns, 1), 1)
