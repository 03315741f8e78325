"""The state of a campaign: its cases, their records, and the cases that are ruled out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from results.schema.record import Case, Contestant, Parity, Record, Status, Usage, Workload
from results.stats.stopping import is_precise, widest

MAX_CRASHES = 2
"""Crashes after which a case is ruled out. Another contestant in the zygote may cause one, so a retry is isolated."""


class Writer(Protocol):
    """A destination of records."""

    def append(self, records: Iterable[Record]) -> None: ...


@dataclass(frozen=True)
class Group:
    """A workload and the contestants to compare on it, the reference first."""

    workload: Workload
    contestants: tuple[Contestant, ...]

    @property
    def cases(self) -> tuple[Case, ...]:
        return tuple(Case(self.workload, contestant) for contestant in self.contestants)


class Ledger:
    """Cases and records. `earlier`: records of an interrupted campaign that is resumed."""

    def __init__(self, cases: Sequence[Case], reference: str, writer: Writer, earlier: Sequence[Record] = ()):
        self.cases = tuple(cases)
        self.records: list[Record] = []
        self._records: dict[Workload, list[Record]] = {}
        self._add(earlier)
        self._reference = reference
        self._writer = writer
        self._out: set[Case] = set()
        self._crashes: Counter[Case] = Counter()
        self._parity = {
            (record.case.workload.network_id, record.case.contestant): record.parity
            for record in earlier
            if record.parity is not None
        }
        self._arithmetic = {
            (record.case.contestant, record.case.workload.precision): record.effective_precision
            for record in earlier
            if record.effective_precision
        }
        # A skipped contestant may be installed by now, and a timeout may have come from the budget's end.
        self._judge(record for record in earlier if record.status not in (Status.SKIPPED, Status.TIMED_OUT))

    def groups(self) -> list[Group]:
        """The groups that are not ruled out, in the suite's order."""
        grouped: dict[Workload, list[Contestant]] = {}
        for case in self.cases:
            if case not in self._out:
                grouped.setdefault(case.workload, []).append(case.contestant)
        return [Group(workload, tuple(contestants)) for workload, contestants in grouped.items()]

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

    def active_contestants(self, group: Group) -> tuple[Contestant, ...]:
        return tuple(
            contestant for contestant in group.contestants if Case(group.workload, contestant) not in self._out
        )

    def set_parity(self, network_id: str, contestant: Contestant, parity: Parity) -> None:
        self._parity[network_id, contestant] = parity

    def set_arithmetic(self, contestant: Contestant, precision: str, arithmetic: str) -> None:
        self._arithmetic[contestant, precision] = arithmetic

    def arithmetic_of(self, case: Case) -> str:
        return self._arithmetic.get((case.contestant, case.workload.precision), "")

    def parity_of(self, case: Case) -> Parity | None:
        return self._parity.get((case.workload.network_id, case.contestant))

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

    def next_launch(self, workload: Workload) -> int:
        """The number of the next launch: one more than the largest recorded, also of failed launches."""
        launched = [record.launch for record in self._records.get(workload, ()) if record.started]
        return 1 + max(launched, default=-1)

    def is_precise(self, group: Group, target: float) -> bool:
        """Whether every interval's relative half-width is within `target` (results.stats.stopping)."""
        return is_precise(self._records_of(group), self._reference, target)

    def width(self, group: Group) -> float:
        """The largest relative half-width of those intervals; infinite if one is missing."""
        return widest(self._records_of(group), self._reference)

    def _records_of(self, group: Group) -> list[Record]:
        records = self._records.get(group.workload, ())
        return [record for record in records if record.case.contestant in group.contestants]

    def _of_case(self, case: Case) -> list[Record]:
        return [record for record in self._records.get(case.workload, ()) if record.case == case]
