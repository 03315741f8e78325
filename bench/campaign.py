"""A campaign: parity first, then passes over all groups, one block a group, until done or out of budget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bench import memory
from bench.block import Block
from bench.clock import now
from bench.gate import Gate
from bench.launcher import Launcher
from bench.suites import Suite
from bench.weights import Weights
from impls.frameworks import load_framework
from results.record import Case, Contestant, Parity, Record, Status, Workload
from results.store import CampaignWriter

SPARE = 1.1
"""A pass is begun if this many times the last one's seconds are left of the budget."""


class Observer(Protocol):
    """What wants to know how far a campaign is."""

    def begin(self, steps: int) -> None: ...

    def step(self, what: str) -> None: ...

    def end(self) -> None: ...


class Silent:
    """Nobody looks."""

    def begin(self, steps: int) -> None: ...

    def step(self, what: str) -> None: ...

    def end(self) -> None: ...


@dataclass(frozen=True)
class Group:
    """A workload and the contestants to compare on it, the reference first."""

    workload: Workload
    contestants: tuple[Contestant, ...]


@dataclass
class Campaign:
    """The cases of a suite, measured. `run` writes records as it goes; `records` has them too."""

    cases: Sequence[Case]
    suite: Suite
    writer: CampaignWriter
    observer: Observer = field(default_factory=Silent)
    records: list[Record] = field(default_factory=list)
    stop: str = "complete"
    _parity: dict[tuple[str, Contestant], Parity] = field(default_factory=dict)
    _out: set[Case] = field(default_factory=set)

    def run(self) -> None:
        start = now()
        deadline = start + self.suite.budget
        self._skip_missing()
        try:
            with Launcher(self.suite.time_limit) as launcher:
                launcher.warm(dict.fromkeys(one for group in self.groups() for one in group.contestants))
                weights = Weights(launcher.folder)
                self.observer.begin(self._steps())
                self._pass_gate(Gate(launcher, weights, self.suite.memory))
                self._measure(launcher, weights, deadline)
        except BaseException:
            self.stop = "interrupted"
            raise
        finally:
            self.observer.end()
            self.writer.update_system(stop=self.stop, measuring_seconds=round(now() - start, 1))

    def groups(self) -> list[Group]:
        """The groups that are still in, in the order of the suite."""
        grouped: dict[Workload, list[Contestant]] = {}
        for case in self.cases:
            if case not in self._out:
                grouped.setdefault(case.workload, []).append(case.contestant)
        return [Group(workload, tuple(contestants)) for workload, contestants in grouped.items()]

    def _steps(self) -> int:
        groups = self.groups()
        return len({group.workload.network_id for group in groups}) + self.suite.launches * len(groups)

    def _skip_missing(self) -> None:
        for contestant in dict.fromkeys(case.contestant for case in self.cases):
            framework = load_framework(contestant.framework)
            if reason := framework.missing(framework.execution(contestant.execution)):
                self._rule_out((case for case in self.cases if case.contestant == contestant), Status.SKIPPED, reason)

    def _rule_out(self, cases: Iterable[Case], status: Status, reason: str) -> None:
        """Record why cases are not measured, once, and leave them out from here on."""
        out = [case for case in cases if case not in self._out]
        self._out.update(out)
        self._keep([Record(case, 0, status, reason, parity=self._parity_of(case)) for case in out])

    def _keep(self, records: Sequence[Record]) -> None:
        self.writer.append(records)
        self.records += records

    def _parity_of(self, case: Case) -> Parity | None:
        return self._parity.get((case.workload.network_id, case.contestant))

    def _pass_gate(self, gate: Gate) -> None:
        """Rule out who does not compute the same, and keep everyone's errors for the records."""
        networks: dict[str, list[Group]] = {}
        for group in self.groups():
            networks.setdefault(group.workload.network_id, []).append(group)
        for network_id, groups in networks.items():
            self.observer.step(f"parity of {network_id}")
            contestants = tuple(dict.fromkeys(one for group in groups for one in group.contestants))
            for contestant, found in gate.examine(groups[0].workload, contestants).items():
                if found.parity is not None:
                    self._parity[network_id, contestant] = found.parity
                if found.status is not None:
                    self._rule_out(self._cases_of(network_id, contestant), found.status, found.reason)

    def _cases_of(self, network_id: str, contestant: Contestant) -> list[Case]:
        return [case for case in self.cases if case.contestant == contestant and case.workload.network_id == network_id]

    def _measure(self, launcher: Launcher, weights: Weights, deadline: float) -> None:
        """Pass after pass, so that whatever ends it early leaves all groups with as many launches."""
        last = 0.0
        for launch in range(self.suite.launches):
            start = now()
            if launch and start + SPARE * last > deadline:
                self.stop = "budget"
                return
            for group in self.groups():
                if now() > deadline:
                    self._out_of_budget()
                    return
                self.observer.step(f"launch {launch + 1} of {group.workload.id}")
                self._run_blocks(launcher, weights, group, launch)
            last = now() - start

    def _out_of_budget(self) -> None:
        """The budget has ended within a pass: what was never launched gets its row, too."""
        self.stop = "budget"
        recorded = {record.case for record in self.records}
        reason = f"the budget of {self.suite.budget:g} s was spent before its first launch"
        self._rule_out((case for case in self.cases if case not in recorded), Status.SKIPPED, reason)

    def _run_blocks(self, launcher: Launcher, weights: Weights, group: Group, launch: int) -> None:
        known = {one: found for one in group.contestants if (found := self._parity_of(Case(group.workload, one)))}
        parts = memory.subsets(group.contestants, memory.estimate(group.workload), self.suite.memory)
        for subset, contestants in enumerate(parts):
            block = Block(group.workload, contestants, launch, subset, weights.folder_of(group.workload))
            records = block.run(launcher, self.suite, known)
            self._keep(records)
            self._out.update(record.case for record in records if record.status is not Status.MEASURED)
