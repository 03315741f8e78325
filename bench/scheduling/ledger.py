"""The state of a campaign: its cases, their records, and the cases that are ruled out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bench.scheduling.prospects import Prospects
from results.schema.record import Case, Contestant, Parity, Record, Status, Usage, Workload
from results.stats.campaign_ratios import cells_of, references_of
from results.stats.cells import Cell
from results.stats.moderation import judged_cells
from results.stats.stopping import is_precise, widest

MAX_CRASHES = 2
"""Crashes after which a case is ruled out. Another contestant in the zygote may cause one, so a retry is isolated."""


class Writer(Protocol):
    """A destination of records."""

    def append(self, records: Iterable[Record]) -> None: ...


@dataclass(frozen=True)
class Group:
    """The cases of a network that share launches: its phases, with the contestants to compare, the reference first."""

    cases: tuple[Case, ...]

    @property
    def id(self) -> str:
        return self.workload.launch_id

    @property
    def workload(self) -> Workload:
        """One of the workloads, which differ in their phase only."""
        return self.cases[0].workload

    @property
    def workloads(self) -> tuple[Workload, ...]:
        return tuple(dict.fromkeys(case.workload for case in self.cases))

    @property
    def contestants(self) -> tuple[Contestant, ...]:
        return tuple(dict.fromkeys(case.contestant for case in self.cases))

    def of(self, contestants: Collection[Contestant]) -> Group:
        """The cases of these contestants only."""
        return Group(tuple(case for case in self.cases if case.contestant in contestants))

    def by_workload(self) -> tuple[Group, ...]:
        """A group for each workload."""
        return tuple(
            Group(tuple(case for case in self.cases if case.workload == workload)) for workload in self.workloads
        )


class Ledger:
    """Cases and records. `earlier`: records of an interrupted campaign that is resumed."""

    def __init__(self, cases: Sequence[Case], reference: str, writer: Writer, earlier: Sequence[Record] = ()):
        self.cases = tuple(cases)
        self.records: list[Record] = []
        self._records: dict[Workload, list[Record]] = {}
        self._cells: dict[Workload, tuple[int, dict[Case, Cell]]] = {}
        self._prospects: tuple[int, Prospects] | None = None
        self._add(earlier)
        self._reference = reference
        self._references = references_of(self.cases, reference)
        self._writer = writer
        self._out: set[Case] = set()
        self._waiting: set[str] = set()
        self._crashes: Counter[Case] = Counter()
        self._parity = {
            (record.case.workload.network_id, record.case.contestant.original): record.parity
            for record in earlier
            if record.parity is not None
        }
        self._arithmetic = {
            (record.case.contestant.original, record.case.workload.precision): record.effective_precision
            for record in earlier
            if record.effective_precision
        }
        # A skipped contestant may be installed by now, and a timeout may have come from the budget's end.
        self._judge(record for record in earlier if record.status not in (Status.SKIPPED, Status.TIMED_OUT))

    def groups(self) -> list[Group]:
        """The groups that are not ruled out, in the suite's order."""
        grouped: dict[str, list[Case]] = {}
        for case in self.cases:
            if case not in self._out:
                grouped.setdefault(case.workload.launch_id, []).append(case)
        return [Group(tuple(cases)) for cases in grouped.values()]

    def await_gate(self, networks: Iterable[str]) -> None:
        """Mark networks, by id, that the gate has not examined: their groups are not admitted yet."""
        self._waiting.update(networks)

    def admit(self, networks: Iterable[str]) -> None:
        """Mark networks as examined."""
        self._waiting.difference_update(networks)

    def admitted(self) -> list[Group]:
        """The groups that may be launched."""
        return [group for group in self.groups() if group.workload.network_id not in self._waiting]

    def waiting(self) -> list[Group]:
        """The groups that the gate has not examined yet."""
        return [group for group in self.groups() if group.workload.network_id in self._waiting]

    def keep(self, records: Sequence[Record]) -> None:
        """Write records, and rule out cases that cannot be measured."""
        self._writer.append(records)
        self._add(records)
        self._judge(records)

    def _add(self, records: Sequence[Record]) -> None:
        self.records += records
        for record in records:
            self._records.setdefault(record.case.workload, []).append(record)

    def _judge(self, records: Iterable[Record]) -> None:
        for record in records:
            self._crashes[record.case] += record.status is Status.CRASHED
            lost = record.status not in (Status.MEASURED, Status.CRASHED)
            if lost or self._crashes[record.case] >= MAX_CRASHES:
                self._out.add(record.case)

    def rule_out(self, cases: Iterable[Case], status: Status, reason: str, log: str = "") -> None:
        """Rule out cases, with one record of the reason each; `log` as in Record."""
        out = [case for case in cases if case not in self._out]
        self.keep([Record(case, 0, status, reason, log=log, **self.gate_result(case)) for case in out])
        self._out.update(out)

    def rule_out_unmeasured(self, status: Status, reason: str) -> None:
        """Rule out every case that has no record."""
        recorded = {record.case for record in self.records}
        self.rule_out((case for case in self.cases if case not in recorded), status, reason)

    def active(self, group: Group) -> Group:
        """The cases of the group that are not ruled out."""
        return Group(tuple(case for case in group.cases if case not in self._out))

    def set_parity(self, network_id: str, contestant: Contestant, parity: Parity) -> None:
        self._parity[network_id, contestant] = parity

    def set_arithmetic(self, contestant: Contestant, precision: str, arithmetic: str) -> None:
        self._arithmetic[contestant, precision] = arithmetic

    def arithmetic_of(self, case: Case) -> str:
        return self._arithmetic.get((case.contestant.original, case.workload.precision), "")

    def parity_of(self, case: Case) -> Parity | None:
        return self._parity.get((case.workload.network_id, case.contestant.original))

    def gate_result(self, case: Case) -> dict[str, Any]:
        """The gate's result, as fields of the case's records."""
        return {"parity": self.parity_of(case), "effective_precision": self.arithmetic_of(case)}

    def usage_of(self, case: Case) -> Usage:
        """The usage measured of a case so far."""
        known = Usage()
        for record in self._of_case(case):
            if record.usage:
                known |= record.usage
        return known

    def has_just_crashed(self, case: Case) -> bool:
        """Whether the case's last launch crashed, so that its next one needs a dedicated zygote."""
        if not self._crashes[case]:
            return False
        return self._of_case(case)[-1].status is Status.CRASHED

    def next_launch(self, group: Group) -> int:
        """The number of the next launch: one more than the largest recorded, also of failed launches."""
        launched = [record.launch for record in self.records_of(group) if record.started]
        return 1 + max(launched, default=-1)

    def behind(self, group: Group) -> Group:
        """The phases of a group with the fewest launches: all, unless a campaign was ended inside a launch."""
        made = {part: self.next_launch(part) for part in group.by_workload()}
        least = [part for part, launches in made.items() if launches == min(made.values())]
        return Group(tuple(case for part in least for case in part.cases))

    def is_precise(self, group: Group, target: float) -> bool:
        """Whether every interval's relative half-width is within `target` (results.stats.stopping)."""
        return all(is_precise(self.records_of(one), self._reference, target) for one in _compared(group))

    def width(self, group: Group) -> float:
        """The largest relative half-width of those intervals; infinite if one is missing."""
        return max(widest(self.records_of(one), self._reference) for one in _compared(group))

    def prospects(self) -> Prospects:
        """The ratios of the campaign so far, computed again where there are new records."""
        if self._prospects is None or self._prospects[0] != len(self.records):
            cells = {case: cell for workload in self._records for case, cell in self._cells_of(workload).items()}
            self._prospects = len(self.records), Prospects(cells, judged_cells(cells))
        return self._prospects[1]

    def _cells_of(self, workload: Workload) -> dict[Case, Cell]:
        records = self._records[workload]
        count, cells = self._cells.get(workload, (0, {}))
        if count != len(records):
            cells = cells_of(records, self._references)
            self._cells[workload] = len(records), cells
        return cells

    def records_of(self, group: Group) -> list[Record]:
        cases = set(group.cases)
        return [record for one in group.workloads for record in self._records.get(one, ()) if record.case in cases]

    def records_of_network(self, group: Group) -> list[Record]:
        """Records of a group's launches, also of cases that are ruled out, which may hold the times of a block."""
        workloads = (one for one in self._records if one.launch_id == group.id)
        return [record for one in workloads for record in self._records[one]]

    def _of_case(self, case: Case) -> list[Record]:
        return [record for record in self._records.get(case.workload, ()) if record.case == case]


def _compared(group: Group) -> tuple[Group, ...]:
    """A group without copies for each workload."""
    return group.of([contestant for contestant in group.contestants if not contestant.copy]).by_workload()
