"""Runs a task of a schedule: in subsets that fit into memory, repeated while contaminated; keeps the records."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.clock import now
from bench.cost import memory
from bench.launch.launcher import LauncherLike
from bench.launch.weights import Weights
from bench.plan.suite import Suite
from bench.runner import colocation, usage
from bench.runner.block import Block
from bench.runner.ledger import Group, Ledger
from bench.runner.retries import RetryPolicy
from bench.runner.schedule import Task
from results.quality.interference import contaminations
from results.schema.record import Case, Contestant, Record


@dataclass(frozen=True)
class BlockRunner:
    """Runs blocks with a launcher. `memory`: limit in bytes for concurrent contestants; `clock`: seconds."""

    launcher: LauncherLike
    weights: Weights
    suite: Suite
    ledger: Ledger
    retry_policy: RetryPolicy
    memory: int
    clock: Callable[[], float] = now

    def run(self, task: Task, deadline: float) -> float:
        """Run the launch of a task; returns its seconds, without sustained runs, which later launches do not have."""
        start, group = self.clock(), task.group
        sustained = sum(
            self.suite.sustained for contestant in group.contestants if self._has_sustained_run(group, contestant)
        )
        for subset, contestants in enumerate(self._subsets(group)):
            block = Block(group.workload, contestants, task.launch, subset, self.weights.folder_of(group.workload))
            self._run_block(block, task.retries, deadline)
        return self.clock() - start - sustained

    def _subsets(self, group: Group) -> list[tuple[Contestant, ...]]:
        """The contestants of a group in subsets that fit into memory, each with the reference."""
        needed, zygotes = memory.estimate(group.workload), self.launcher.zygotes(group.cases)
        return colocation.subsets(group.contestants, needed, self.memory, zygotes)

    def _has_sustained_run(self, group: Group, contestant: Contestant) -> bool:
        known = self.ledger.usage_of(Case(group.workload, contestant))
        return bool(self.suite.sustained) and (not known.names or usage.lacks_sustained_run(known, usage.metered()))

    def _run_block(self, block: Block, retries: int, deadline: float) -> None:
        """Run a block; repeat it while it is contaminated, until the retry policy or the deadline ends that."""
        for attempt in itertools.count():
            records = self._attempt(block, attempt)
            self.ledger.keep(records)
            retry = self.retry_policy.should_retry(attempt, retries, _contaminated(records))
            if not retry or self.clock() > deadline:
                return

    def _attempt(self, block: Block, attempt: int) -> list[Record]:
        contestants = self.ledger.active_contestants(Group(block.workload, block.contestants))
        cases = {contestant: Case(block.workload, contestant) for contestant in contestants}
        known = {contestant: self.ledger.gate_result(case) for contestant, case in cases.items()}
        isolated = frozenset(contestant for contestant, case in cases.items() if self.ledger.has_just_crashed(case))
        used = {contestant: self.ledger.usage_of(case) for contestant, case in cases.items()}
        again = replace(block, contestants=contestants, attempt=attempt, isolated=isolated)
        return again.run(self.launcher, self.suite, known, used)


def _contaminated(records: Sequence[Record]) -> bool:
    """Whether a launch of a block was contaminated, or all launches pooled, which detects weaker disturbances."""
    return any(map(contaminations, (*([record] for record in records), records)))
