"""Admission: only cases that are installed, fit into memory and pass the parity gate are timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.clock import now
from bench.cost.floors import floor_of
from bench.plan import interpreters
from bench.plan.suite import Suite
from bench.runner.gate import Gate
from bench.runner.ledger import Group, Ledger
from results.schema.record import Case, Contestant, Status
from results.units import amount


@dataclass(frozen=True)
class Admission:
    """Rules cases out in the ledger, with a reason, before anything is timed. `clock`: seconds."""

    ledger: Ledger
    suite: Suite
    clock: Callable[[], float] = now

    def rule_out(self) -> None:
        """Rule out cases for reasons that are known without a launch."""
        self._skip_missing()
        self._skip_too_large()

    def steps(self) -> int:
        """Number of progress steps of `examine`."""
        return len(self._arithmetics()) + len(self._to_examine())

    def examine(self, gate: Gate, deadline: float, step: Callable[[str], None]) -> None:
        """Run the outstanding checks of the gate until the deadline; `step` is called as each begins."""
        self._identify(gate, deadline, step)
        self._pass_gate(gate, deadline, step)

    def _skip_missing(self) -> None:
        for contestant in dict.fromkeys(case.contestant for case in self.ledger.cases):
            if reason := interpreters.missing(contestant, self.suite.interpreters, self.suite.environment):
                cases = (case for case in self.ledger.cases if case.contestant == contestant)
                self.ledger.rule_out(cases, Status.SKIPPED, reason)

    def _skip_too_large(self) -> None:
        """Mark groups whose minimum memory, by the network's table, exceeds the limit as out of memory."""
        for group in self.ledger.groups():
            needed = floor_of(group.workload).memory_bytes
            if needed > self.suite.memory and group.workload.device == "cpu":
                allowed = amount(self.suite.memory)
                reason = f"needs at least {amount(needed)}, the limit is {allowed}; raise it with --memory"
                self.ledger.rule_out(group.cases, Status.OUT_OF_MEMORY, reason)

    def _to_examine(self) -> dict[str, list[Group]]:
        """The groups of each network that has a contestant without a gate result."""
        networks: dict[str, list[Group]] = {}
        for group in self.ledger.groups():
            networks.setdefault(group.workload.network_id, []).append(group)
        return {
            network_id: groups
            for network_id, groups in networks.items()
            if any(
                not self.ledger.parity_of(Case(group.workload, contestant))
                for group in groups
                for contestant in group.contestants
            )
        }

    def _arithmetics(self) -> dict[tuple[str, str], list[Group]]:
        """The groups per precision and device that have a contestant whose arithmetic is unknown."""
        grouped: dict[tuple[str, str], list[Group]] = {}
        for group in self.ledger.groups():
            if not all(self.ledger.arithmetic_of(Case(group.workload, contestant)) for contestant in group.contestants):
                grouped.setdefault((group.workload.precision, group.workload.device), []).append(group)
        return grouped

    def _identify(self, gate: Gate, deadline: float, step: Callable[[str], None]) -> None:
        """Rule out contestants that compute in another precision than requested, until the deadline."""
        for (precision, _), groups in self._arithmetics().items():
            if self.clock() > deadline:
                return
            step(f"precision probe in {precision}")
            contestants = tuple(dict.fromkeys(one for group in groups for one in group.contestants))
            for contestant, result in gate.identify(groups[0].workload, contestants).items():
                self.ledger.set_arithmetic(contestant, precision, result.arithmetic)
                if result.status is not None:
                    self.ledger.rule_out(_cases_of(contestant, groups), result.status, result.reason, result.log)

    def _pass_gate(self, gate: Gate, deadline: float, step: Callable[[str], None]) -> None:
        """Rule out contestants whose results differ, and keep the errors of all, until the deadline.

        Contestants that have not been examined by then are not measured.
        """
        for network_id, groups in self._to_examine().items():
            if self.clock() > deadline:
                return
            step(f"parity of {network_id}")
            contestants = tuple(dict.fromkeys(one for group in groups for one in group.contestants))
            for contestant, result in gate.examine(groups[0].workload, contestants).items():
                if result.parity is not None:
                    self.ledger.set_parity(network_id, contestant, result.parity)
                if result.status is not None:
                    self.ledger.rule_out(_cases_of(contestant, groups), result.status, result.reason, result.log)


def _cases_of(contestant: Contestant, groups: Sequence[Group]) -> list[Case]:
    return [Case(group.workload, contestant) for group in groups if contestant in group.contestants]
