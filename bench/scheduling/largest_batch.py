"""Search for the largest batch that fits into memory: doubling until a launch fails, then bisection.

Every trial is an ordinary launch, with a record of its memory or its failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bench.cost.floors import floor_of
from bench.plan.suite import Suite
from bench.scheduling.ledger import Group, Ledger
from bench.scheduling.schedule import BUDGET, COMPLETE, Readings, Remainder, Stop, Task
from results.schema.record import Case
from results.tables.largest import MAX_BATCH, fits, is_too_long, next_try


@dataclass(frozen=True)
class BatchSearch:
    """A schedule that searches each case's largest batch instead of comparing contestants.

    One contestant at a time, as each may use all available memory. `card`: bytes of a card's own memory; None: it has
    none, so that the suite's `memory` is the limit.
    """

    suite: Suite
    card: float | None = None

    def steps(self, ledger: Ledger) -> int:
        """0: the number of trials is not known in advance."""
        return 0

    def admissible(self, ledger: Ledger, readings: Readings) -> list[Group]:
        """All: how long a search takes is not known in advance."""
        return ledger.waiting()

    def next(self, ledger: Ledger, readings: Readings) -> Task | Stop:
        tried = self._tried(ledger)
        for case in (case for group in ledger.groups() for case in group.cases):
            if (batch := self._next_batch(ledger, case, tried)) is not None:
                if readings.now > readings.deadline:
                    return Stop(BUDGET)
                solo = Group((replace(case, workload=replace(case.workload, batch=batch)),))
                label, turns = f"batch {batch} of {case.id}", self.suite.turns[0]
                return Task(solo, launch=0, turns=turns, retries=0, label=label, unforeseen=1)
        return Stop(COMPLETE)

    def remainder(self, ledger: Ledger) -> Remainder:
        """A search compares nothing, so that nothing is left undecided."""
        return Remainder()

    def _tried(self, ledger: Ledger) -> Mapping[Case, bool]:
        """Whether each launched case fitted into memory."""
        ran: dict[Case, bool] = {}
        for record in ledger.records:
            if record.started:  # not a record of a missing launch, such as after the budget's end
                ran[record.case] = ran.get(record.case, True) and fits(record, self.suite.memory, self.card)
        return ran

    def _is_too_long(self, ledger: Ledger, case: Case, batch: int) -> bool:
        """Whether a launch of a larger batch than this case's, which ran, may end for its duration."""
        own = [record for record in ledger.records if record.case == case]
        return any(is_too_long(record, batch, self.suite.time_limit) for record in own)

    def _next_batch(self, ledger: Ledger, case: Case, tried: Mapping[Case, bool]) -> int | None:
        """The batch to try next; None if the largest is known, or a larger one takes too long. Replays the tries."""
        batch: int | None = case.workload.batch
        runs, fails, best = 0, MAX_BATCH + 1, case
        while batch is not None:
            candidate = replace(case, workload=replace(case.workload, batch=batch))
            ran = tried.get(candidate) if self._may_run(ledger, candidate) else False
            if ran is None:
                return None if runs and self._is_too_long(ledger, best, batch) else batch
            runs, fails, best = (batch, fails, candidate) if ran else (runs, batch, best)
            if not runs and fails <= case.workload.batch:
                return None
            batch = next_try(runs, fails)
        return None

    def _may_run(self, ledger: Ledger, case: Case) -> bool:
        """Whether the case is not ruled out and its minimum memory, by the network's table, is within the limit."""
        if not ledger.active(Group((case,))).cases:
            return False
        limit = self.suite.memory if case.workload.device == "cpu" or self.card is None else self.card
        return floor_of(case.workload).memory_bytes <= limit
