"""The largest batch that runs within the memory there is: tried in fresh launches, doubled until it fails, then halved.

Every try is a launch like any other, and its record says what it took or how it ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bench.cost.floors import floor_of
from bench.plan.suite import Suite
from bench.runner.ledger import Group, Ledger
from bench.runner.schedule import BUDGET, COMPLETE, Readings, Stop, Task
from results.schema.record import Case
from results.tables.largest import MAX_BATCH, fits

CLOSE = 32
"""The search ends when the next batch that fails is within this fraction of the largest that runs."""


@dataclass(frozen=True)
class BatchSearch:
    """A schedule that looks for each case's largest batch instead of comparing contestants at one.

    Contestant after contestant; each alone, as it may take all the memory there is.
    """

    suite: Suite

    def steps(self, ledger: Ledger) -> int:
        """None: how many tries it takes is not known before."""
        return 0

    def next(self, ledger: Ledger, readings: Readings) -> Task | Stop:
        tried = self._tried(ledger)
        for group in ledger.groups():
            for contestant in group.contestants:
                case = Case(group.workload, contestant)
                if (batch := self._next_batch(ledger, case, tried)) is not None:
                    if readings.now > readings.deadline:
                        return Stop(BUDGET)
                    alone = Group(replace(group.workload, batch=batch), (contestant,))
                    label = f"batch {batch} of {case.id}"
                    return Task(alone, launch=0, retries=0, label=label, unforeseen=1)
        return Stop(COMPLETE)

    def _tried(self, ledger: Ledger) -> Mapping[Case, bool]:
        """Whether each case that was launched ran within the memory."""
        ran: dict[Case, bool] = {}
        for record in ledger.records:
            if record.started:  # a row that says why there was no launch, such as the budget's end, tells nothing
                ran[record.case] = ran.get(record.case, True) and fits(record, self.suite.memory)
        return ran

    def _next_batch(self, ledger: Ledger, case: Case, tried: Mapping[Case, bool]) -> int | None:
        """The batch to try next; None if the largest is known. The batches tried so far are gone through again."""
        first = case.workload.batch
        runs, fails, batch = 0, MAX_BATCH + 1, first
        while fails - runs > max(1, runs // CLOSE):
            there = replace(case, workload=replace(case.workload, batch=batch))
            ran = tried.get(there) if self._may_run(ledger, there) else False
            if ran is None:
                return batch
            runs, fails = (batch, fails) if ran else (runs, batch)
            if not runs and fails <= first:
                return None
            batch = min(2 * batch, MAX_BATCH) if fails > MAX_BATCH else (runs + fails) // 2
        return None

    def _may_run(self, ledger: Ledger, case: Case) -> bool:
        """Whether the least memory that the case needs is there, by the network's table, and nothing rules it out."""
        if not ledger.active_contestants(Group(case.workload, (case.contestant,))):
            return False
        return case.workload.device != "cpu" or floor_of(case.workload).memory_bytes <= self.suite.memory
