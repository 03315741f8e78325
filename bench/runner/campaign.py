"""A campaign: rules out cases that cannot run, applies the parity gate, then runs the schedule's launches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from bench.clock import now
from bench.cost import colocation
from bench.cost.workload import most_devices
from bench.gate.admission import Admission
from bench.gate.evidence_cache import NO_CACHE, EvidenceCache
from bench.gate.gate import Gate
from bench.launch.launcher import Launcher, LauncherLike
from bench.launch.weights import Weights
from bench.machine.card import CardWatch
from bench.plan.suite import Suite
from bench.runner.block_runner import BlockRunner
from bench.runner.decided import DecidedVerdicts
from bench.runner.retries import RetryPolicy
from bench.scheduling.allocation import Allocation
from bench.scheduling.largest_batch import BatchSearch
from bench.scheduling.ledger import Group, Ledger
from bench.scheduling.schedule import BUDGET, COMPLETE, Readings, Remainder, Schedule, Task, rule
from impls.frameworks import is_card
from impls.host import nvidia
from results.schema.record import Status
from results.store.logs import Logs
from results.tables.largest import card_memory


class Observer(Protocol):
    """Progress callbacks of a campaign.

    `steps`: number of further steps; `what`: label of the step that begins; `line`: a verdict that is decided.
    """

    def begin(self, steps: int) -> None: ...

    def more(self, steps: int) -> None: ...

    def step(self, what: str) -> None: ...

    def verdict(self, line: str) -> None: ...

    def end(self) -> None: ...


class NullProgress:
    """No progress output."""

    def begin(self, steps: int) -> None: ...

    def more(self, steps: int) -> None: ...

    def step(self, what: str) -> None: ...

    def verdict(self, line: str) -> None: ...

    def end(self) -> None: ...


@dataclass
class CampaignRunner:
    """Measures the cases of a suite: the gate first, then the schedule. Records are kept as they arrive.

    `stop`: why it ended (complete, budget, interrupted). `rules`: why the launches of each group ended, by workload id:
    "precision" (all intervals within the target), "launches" (the suite's maximum), or `stop`. `seconds`: of "import"
    and "gate", the parts before the first block. `remainder`: what more time would decide. `logs` keeps the output of
    failed launches, `cache` the gate's evidence. With a `launcher` (bench.launch.fake) and its `clock`, in seconds,
    launches are simulated; without, they are processes. `first_launch`: see Block.
    """

    ledger: Ledger
    suite: Suite
    observer: Observer = field(default_factory=NullProgress)
    logs: Logs = field(default_factory=Logs)
    cache: EvidenceCache = NO_CACHE
    launcher: LauncherLike | None = None
    clock: Callable[[], float] = now
    stop: str = COMPLETE
    seconds: dict[str, float] = field(default_factory=dict)
    remainder: Remainder | None = None
    first_launch: int = 0

    def __post_init__(self) -> None:
        self._together = colocation.memory_limit(self.suite.memory, self._device)
        self._card = CardWatch(self._device)
        # In exclusive mode a second process on a card would fail: one contestant at a time.
        if nvidia.is_exclusive(self._device, most_devices(self.ledger.cases)):
            self._together = 0

    def run(self) -> None:
        """Run the whole campaign, from skipping contestants that are not installed to the last launch."""
        deadline = self.clock() + self.suite.budget
        admission = Admission(self.ledger, self.suite, self.clock)
        admission.rule_out()
        try:
            with self._launcher() as launcher, self._card:
                self.observer.begin(admission.steps() + self._schedule.steps(self.ledger))
                admission.begin()
                with self._timed("import"):
                    launcher.warm(case for group in self.ledger.groups() for case in group.cases)
                weights = Weights(launcher.folder)
                gate = Gate(launcher, weights, self._together, self.cache)

                def admit(groups: Sequence[Group]) -> None:
                    with self._timed("gate"):
                        admission.examine(groups, gate, deadline, self.observer.step)

                self.measure(launcher, weights, deadline, admit)
        except BaseException:
            self.stop = "interrupted"
            raise
        finally:
            self.observer.end()

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        start = self.clock()
        try:
            yield
        finally:
            self.seconds[part] = self.seconds.get(part, 0.0) + self.clock() - start

    def _launcher(self) -> LauncherLike:
        suite = self.suite
        return self.launcher or Launcher(
            suite.time_limit,
            suite.interpreters,
            suite.fresh_interpreter,
            self._device,
            environment=suite.environment,
            budget=suite.budget,
            logs=self.logs,
        )

    @property
    def _device(self) -> str:
        """The device, which is the same for all cases of a campaign."""
        return next((case.workload.device for case in self.ledger.cases), "cpu")

    @property
    def rules(self) -> dict[str, str]:
        return {
            workload.id: rule(self.suite, self.ledger, self.ledger.behind(group)) or self.stop
            for group in self.ledger.groups()
            for workload in group.workloads
        }

    @property
    def _schedule(self) -> Schedule:
        if not self.suite.largest_batch:
            return Allocation(self.suite)
        cards = nvidia.models() if is_card(self._device) else ()
        return BatchSearch(self.suite, card_memory(memory for *_, memory in cards))

    def measure(
        self,
        launcher: LauncherLike,
        weights: Weights,
        deadline: float,
        admit: Callable[[Sequence[Group]], None] = lambda groups: None,
    ) -> None:
        """Run the tasks of the schedule until it returns a Stop. Cases never launched by then get a record, too.

        `admit` has the gate examine groups that wait for it.
        """
        schedule, decided = self._schedule, DecidedVerdicts(self.observer.verdict)
        decided.update(self.ledger)
        blocks = BlockRunner(
            launcher, weights, self.suite, self.ledger, RetryPolicy(), self._together, self.clock, self.first_launch,
            card=self._card,
        )  # fmt: skip
        while True:
            while waiting := schedule.admissible(self.ledger, Readings(self.clock(), deadline)):
                admit(waiting)
            task = schedule.next(self.ledger, Readings(self.clock(), deadline))
            if not isinstance(task, Task):
                break
            if task.unforeseen:
                self.observer.more(task.unforeseen)
            self.observer.step(task.label)
            before = len(self.ledger.records)
            blocks.run(task, deadline)
            if len(self.ledger.records) == before:  # a schedule is pure and would return the same task forever
                raise RuntimeError(f"{task.label} left no record")
            decided.update(self.ledger)
        self.stop = task.reason
        self.remainder = schedule.remainder(self.ledger)
        if self.stop == BUDGET:
            reason = f"the budget of {self.suite.budget:g} s was spent before its first launch"
            self.ledger.rule_out_unmeasured(Status.SKIPPED, reason)
