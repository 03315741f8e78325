"""A campaign: parity first, then passes over all groups, one block a group, until precise, done or out of budget."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from bench import interpreters, memory, usage
from bench.block import Block
from bench.clock import now
from bench.floors import floor_of
from bench.gate import Gate
from bench.launcher import Launcher
from bench.ledger import Group, Ledger
from bench.patience import Patience
from bench.suites import Suite
from bench.weights import Weights
from results.health import contaminations
from results.logs import Logs
from results.record import Case, Contestant, Record, Status, Workload
from results.units import amount

SPARE = 1.05
"""A pass is begun if this many times the seconds that its blocks took last are left of the budget."""


class Observer(Protocol):
    """What wants to know how far a campaign is."""

    def begin(self, steps: int) -> None: ...

    def more(self, steps: int) -> None: ...

    def step(self, what: str) -> None: ...

    def end(self) -> None: ...


class Silent:
    """Nobody looks."""

    def begin(self, steps: int) -> None: ...

    def more(self, steps: int) -> None: ...

    def step(self, what: str) -> None: ...

    def end(self) -> None: ...


@dataclass
class Campaign:
    """The cases of a suite, measured; what comes of it goes to the ledger as it comes.

    `stop` says why it ended: complete, budget or interrupted. `rules` says why each group's launches ended, by the
    workload's id: "precision" (all intervals within the target), "launches" (as many as the suite allows), or `stop`.
    Campaigns that follow each other may share their `patience` with what disturbs them. `logs` keeps what launches
    that fail have printed.
    """

    ledger: Ledger
    suite: Suite
    observer: Observer = field(default_factory=Silent)
    patience: Patience = field(default_factory=Patience)
    logs: Logs = field(default_factory=Logs)
    stop: str = "complete"
    _seconds: dict[Workload, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._together = memory.together(self.suite.memory)

    def run(self) -> None:
        """Everything, from skipping what is not installed to the last launch."""
        deadline = now() + self.suite.budget
        self._skip_missing()
        self._skip_too_large()
        try:
            with self._launcher() as launcher:
                launcher.warm(case for group in self.ledger.groups() for case in group.cases)
                weights = Weights(launcher.folder)
                self.observer.begin(self._steps())
                gate = Gate(launcher, weights, self._together)
                self._identify(gate, deadline)
                self._pass_gate(gate, deadline)
                self.measure(launcher, weights, deadline)
        except BaseException:
            self.stop = "interrupted"
            raise
        finally:
            self.observer.end()

    def _launcher(self) -> Launcher:
        suite = self.suite
        return Launcher(
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
        """All cases of a campaign are on one."""
        return next((case.workload.device for case in self.ledger.cases), "cpu")

    @property
    def rules(self) -> dict[str, str]:
        return {group.workload.id: self._rule(group) or self.stop for group in self.ledger.groups()}

    def measure(self, launcher: Launcher, weights: Weights, deadline: float) -> None:
        """Pass after pass, so that whatever ends it early leaves all groups with as many launches, or one less.

        A pass that takes longer than the one before it, or is the first, is cut where the budget ends. Groups that are
        behind come first: a pass is over those whose next launch has the lowest number.
        """
        while due := self._due():
            if not self._affordable(due, deadline):
                self.stop = "budget"
                return
            if self._launch(due[0]) >= self.suite.launches[0]:
                self.observer.more(len(due))
            for group in due:
                if now() > deadline:
                    self._out_of_budget()
                    return
                self.observer.step(self._coming(group))
                self._run_blocks(launcher, weights, group, deadline)

    def _steps(self) -> int:
        groups = self.ledger.groups()
        launches = sum(max(self.suite.launches[0] - self._launch(group), 0) for group in groups)
        return len(self._arithmetics()) + len(self._to_examine()) + launches

    def _skip_missing(self) -> None:
        for contestant in dict.fromkeys(case.contestant for case in self.ledger.cases):
            if reason := interpreters.missing(contestant, self.suite.interpreters, self.suite.environment):
                own = (case for case in self.ledger.cases if case.contestant == contestant)
                self.ledger.rule_out(own, Status.SKIPPED, reason)

    def _skip_too_large(self) -> None:
        """Who needs more memory than there may be, whatever it is run with, is not tried."""
        for group in self.ledger.groups():
            needed = floor_of(group.workload).memory_bytes
            if needed > self.suite.memory and group.workload.device == "cpu":
                allowed = amount(self.suite.memory)
                reason = f"needs {amount(needed)} at least, and may have {allowed}; give more with --memory"
                self.ledger.rule_out(_cases_of_group(group), Status.OUT_OF_MEMORY, reason)

    def _to_examine(self) -> dict[str, list[Group]]:
        """The groups of each network in which somebody has not passed the gate yet."""
        networks: dict[str, list[Group]] = {}
        for group in self.ledger.groups():
            networks.setdefault(group.workload.network_id, []).append(group)
        return {
            network_id: groups
            for network_id, groups in networks.items()
            if any(
                not self.ledger.parity_of(Case(group.workload, one)) for group in groups for one in group.contestants
            )
        }

    def _arithmetics(self) -> dict[tuple[str, str], list[Group]]:
        """The groups of each precision and device in which somebody's arithmetic is not known yet."""
        found: dict[tuple[str, str], list[Group]] = {}
        for group in self.ledger.groups():
            if not all(self.ledger.arithmetic_of(Case(group.workload, one)) for one in group.contestants):
                found.setdefault((group.workload.precision, group.workload.device), []).append(group)
        return found

    def _identify(self, gate: Gate, deadline: float) -> None:
        """Rule out who computes in another arithmetic than was asked for, until the budget ends."""
        for (precision, _), groups in self._arithmetics().items():
            if now() > deadline:
                return
            self.observer.step(f"what computes in {precision}")
            contestants = tuple(dict.fromkeys(one for group in groups for one in group.contestants))
            for contestant, found in gate.identify(groups[0].workload, contestants).items():
                self.ledger.learn_arithmetic(contestant, precision, found.arithmetic)
                if found.status is not None:
                    self.ledger.rule_out(_cases_of(contestant, groups), found.status, found.reason, found.log)

    def _pass_gate(self, gate: Gate, deadline: float) -> None:
        """Rule out who does not compute the same, and keep everyone's errors for the records, until the budget ends.

        What has not been examined by then is not measured either.
        """
        for network_id, groups in self._to_examine().items():
            if now() > deadline:
                return
            self.observer.step(f"parity of {network_id}")
            contestants = tuple(dict.fromkeys(one for group in groups for one in group.contestants))
            for contestant, found in gate.examine(groups[0].workload, contestants).items():
                if found.parity is not None:
                    self.ledger.learn_parity(network_id, contestant, found.parity)
                if found.status is not None:
                    self.ledger.rule_out(_cases_of(contestant, groups), found.status, found.reason, found.log)

    def _launch(self, group: Group) -> int:
        return self.ledger.next_launch(group.workload)

    def _coming(self, group: Group) -> str:
        """A group's next launch in words: of how many, and how narrow its intervals are by now."""
        fewest, most = self.suite.launches
        launches = f"launch {self._launch(group) + 1}/{most if fewest == most else f'{fewest}-{most}'}"
        width = self.ledger.width(group)
        if math.isinf(width):
            return f"{launches} of {group.workload.id}"
        wanted = "" if fewest == most else f", wanted ±{self.suite.target:.1%}"
        return f"{launches} (intervals ±{width:.1%}{wanted}) of {group.workload.id}"

    def _rule(self, group: Group) -> str | None:
        """Why a group needs no further launch; None if it does."""
        fewest, most = self.suite.launches
        launch = self._launch(group)
        if fewest < most and launch >= fewest and self.ledger.is_precise(group, self.suite.target):
            return "precision"
        return "launches" if launch >= most else None

    def _due(self) -> list[Group]:
        open_groups = [group for group in self.ledger.groups() if not self._rule(group)]
        lowest = min(map(self._launch, open_groups), default=0)
        return [group for group in open_groups if self._launch(group) == lowest]

    def _affordable(self, groups: Sequence[Group], deadline: float) -> bool:
        """Whether a pass over groups that were all measured before fits; the first pass is begun in any case."""
        taken = [self._seconds.get(group.workload, 0.0) for group in groups]
        return not any(taken) or now() + SPARE * sum(taken) < deadline

    def _out_of_budget(self) -> None:
        """The budget has ended within a pass: what was never launched gets its row, too."""
        self.stop = "budget"
        reason = f"the budget of {self.suite.budget:g} s was spent before its first launch"
        self.ledger.rule_out_unmeasured(Status.SKIPPED, reason)

    def _run_blocks(self, launcher: Launcher, weights: Weights, group: Group, deadline: float) -> None:
        start, launch = now(), self._launch(group)
        soaked = sum(self.suite.sustained for one in group.contestants if self._is_to_soak(Case(group.workload, one)))
        needed, zygotes = memory.estimate(group.workload), launcher.zygotes(group.cases)
        parts = memory.subsets(group.contestants, needed, self._together, zygotes)
        for subset, contestants in enumerate(parts):
            block = Block(group.workload, contestants, launch, subset, weights.folder_of(group.workload))
            self._run_block(launcher, block, deadline)
        self._seconds[group.workload] = now() - start - soaked  # which no later pass will take

    def _is_to_soak(self, case: Case) -> bool:
        known = self.ledger.usage_of(case)
        return bool(self.suite.sustained) and (not known.names or usage.is_unasked(known, usage.metered()))

    def _run_block(self, launcher: Launcher, block: Block, deadline: float) -> None:
        """A block, and again as long as it is contaminated and there is patience and time."""
        for attempt in itertools.count():
            whole = Group(block.workload, block.contestants)
            contestants = self.ledger.still_in(whole)
            known = {one: self.ledger.known_of(Case(block.workload, one)) for one in contestants}
            apart = frozenset(one for one in contestants if self.ledger.has_just_crashed(Case(block.workload, one)))
            used = {one: self.ledger.usage_of(Case(block.workload, one)) for one in contestants}
            again = replace(block, contestants=contestants, attempt=attempt, apart=apart)
            records = again.run(launcher, self.suite, known, used)
            self.ledger.keep(records)
            if not self.patience.again(attempt, self.suite.max_retries, _contaminated(records)) or now() > deadline:
                return


def _cases_of(contestant: Contestant, groups: Sequence[Group]) -> list[Case]:
    return [Case(group.workload, contestant) for group in groups if contestant in group.contestants]


def _cases_of_group(group: Group) -> list[Case]:
    return [Case(group.workload, contestant) for contestant in group.contestants]


def _contaminated(records: Sequence[Record]) -> bool:
    """Whether a launch of a block was disturbed, or all of them together, which shows less at more certainty."""
    return any(map(contaminations, (*([record] for record in records), records)))
