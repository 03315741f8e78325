"""Runs a task of a schedule: in blocks that fit into memory, repeated while contaminated; keeps the records."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from bench.clock import now
from bench.cost import colocation, memory
from bench.launch.launcher import LauncherLike
from bench.launch.weights import Weights
from bench.machine.card import CardWatch
from bench.plan.suite import Suite
from bench.runner import usage
from bench.runner.block import Block
from bench.runner.retries import RetryPolicy
from bench.scheduling.ledger import Group, Ledger
from bench.scheduling.schedule import Task
from results.quality.interference import contaminations
from results.schema.record import Case, Contestant, Record, Usage, Workload


@dataclass(frozen=True)
class BlockRunner:
    """Runs blocks with a launcher. `memory`: limit in bytes for concurrent contestants; `clock`: seconds.

    `first_launch`: see Block. `card`: the campaign's.
    """

    launcher: LauncherLike
    weights: Weights
    suite: Suite
    ledger: Ledger
    retry_policy: RetryPolicy
    memory: int
    clock: Callable[[], float] = now
    first_launch: int = 0
    _compiled: set[Case] = field(default_factory=set)
    _reused: set[Case] = field(default_factory=set)
    card: CardWatch | None = None

    def run(self, task: Task, deadline: float) -> None:
        """Run the launch of a task."""
        subsets: Counter[Workload] = Counter()
        for group in self._parts(task.group):
            subset = max(subsets[workload] for workload in group.workloads)
            subsets.update(group.workloads)
            weights = self.weights.folder_of(group.workloads[0])
            self._run_block(
                Block(group, task.launch, subset, task.turns, weights, first_launch=self.first_launch),
                task.retries,
                deadline,
            )

    def _parts(self, group: Group) -> Iterator[Group]:
        """The group in subsets of contestants that fit into memory, each with the reference and with all phases.

        If not even two contestants fit with all phases, each phase has subsets of its own.
        """
        zygotes = colocation.zygotes_on(group.workload.device, self.launcher.zygotes(group.cases))
        each = memory.estimate_together(group.workloads)
        together = min(len(group.contestants), 2) <= colocation.max_concurrent(each, self.memory, zygotes)
        for part in (group,) if together else group.by_workload():
            each = memory.estimate_together(part.workloads)
            for contestants in colocation.subsets(part.contestants, each, self.memory, zygotes):
                yield part.of(contestants)

    def _run_block(self, block: Block, retries: int, deadline: float) -> None:
        """Run a block; repeat its contaminated workloads, until the retry policy or the deadline ends that."""
        group = block.group
        for attempt in itertools.count():
            records = self._attempt(replace(block, group=group), attempt)
            self.ledger.keep(records)
            contaminated = _contaminated(group, records)
            retry = self.retry_policy.should_retry(attempt, retries, bool(contaminated))
            if not retry or self.clock() > deadline:
                return
            group = Group(contaminated)

    def _attempt(self, block: Block, attempt: int) -> list[Record]:
        group = self.ledger.active(block.group)
        if not group.cases:
            return []
        known = {case: self.ledger.gate_result(case) for case in group.cases}
        used = {case: self._usage_of(case) for case in group.cases}
        isolated = frozenset(case.contestant for case in group.cases if self.ledger.has_just_crashed(case))
        cold = self._cold(group)
        reusing = self._reusing(group, cold)
        again = replace(block, group=group, attempt=attempt, isolated=isolated, cold=cold, reusing=reusing)
        return again.run(self.launcher, self.suite, known, used, self.clock, self.card)

    def _cold(self, group: Group) -> frozenset[Contestant]:
        """The contestants whose code for a phase is not compiled yet; a copy finds the code of its original.

        A stream measures compilation too, so all its launches are cold (bench.worker.models.new_model). So are those in
        which autotuning is to choose anew: it must not compete with others for the card.
        """
        if group.workload.stream or self.suite.compiles_anew(group.workload.device):
            return frozenset(group.contestants)
        originals = {case: replace(case, contestant=case.contestant.original) for case in group.cases}
        cold = {case.contestant for case, original in originals.items() if original not in self._compiled}
        self._compiled.update(originals.values())
        first = {one.original: one for one in sorted(cold, key=lambda one: -one.copy)}
        return frozenset(first.values())

    def _reusing(self, group: Group, cold: frozenset[Contestant]) -> frozenset[Contestant]:
        """The contestants whose code for a phase is found for the first time; a copy is a control of times only."""
        found = {case for case in group.cases if case.contestant not in cold and not case.contestant.copy}
        first = found - self._reused
        self._reused.update(first)
        return frozenset(case.contestant for case in first)

    def _usage_of(self, case: Case) -> Usage:
        """The usage that is known of a case; that of a copy is not measured."""
        if case.contestant.copy:
            return Usage(missing=dict.fromkeys(usage.MEMORY | usage.metered(), "a control is measured in time only"))
        return self.ledger.usage_of(case)


def _contaminated(group: Group, records: Sequence[Record]) -> tuple[Case, ...]:
    """The cases of every workload with a contaminated launch, or that are contaminated pooled.

    Pooled launches show weaker disturbances.
    """
    found: list[Case] = []
    for part in group.by_workload():
        own = [record for record in records if record.case in part.cases]
        if any(map(contaminations, (*([record] for record in own), own))):
            found += part.cases
    return tuple(found)
