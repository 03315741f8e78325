"""Which cases may be timed: those that are installed, can fit into memory, and pass the parity gate."""

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
    """Rules cases out in the ledger, each with its reason, before anything is timed. `clock`: seconds."""

    ledger: Ledger
    suite: Suite
    clock: Callable[[], float] = now

    def rule_out(self) -> None:
        """Rule out what can be told without a launch."""
        self._skip_missing()
        self._skip_too_large()

    def steps(self) -> int:
        """How many steps `examine` will take."""
        return len(self._arithmetics()) + len(self._to_examine())

    def examine(self, gate: Gate, deadline: float, step: Callable[[str], None]) -> None:
        """Ask the gate what it does not know yet, until the deadline; `step` is called as each part begins."""
        self._identify(gate, deadline, step)
        self._pass_gate(gate, deadline, step)

    def _skip_missing(self) -> None:
        for contestant in dict.fromkeys(case.contestant for case in self.ledger.cases):
            if reason := interpreters.missing(contestant, self.suite.interpreters, self.suite.environment):
                own = (case for case in self.ledger.cases if case.contestant == contestant)
                self.ledger.rule_out(own, Status.SKIPPED, reason)

    def _skip_too_large(self) -> None:
        """A group whose table needs more memory than there may be is not tried."""
        for group in self.ledger.groups():
            needed = floor_of(group.workload).memory_bytes
            if needed > self.suite.memory and group.workload.device == "cpu":
                allowed = amount(self.suite.memory)
                reason = f"needs {amount(needed)} at least, and may have {allowed}; give more with --memory"
                self.ledger.rule_out(group.cases, Status.OUT_OF_MEMORY, reason)

    def _to_examine(self) -> dict[str, list[Group]]:
        """The groups of each network with a contestant that has not passed the gate yet."""
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
        """The groups of each precision and device with a contestant whose arithmetic is not known yet."""
        found: dict[tuple[str, str], list[Group]] = {}
        for group in self.ledger.groups():
            if not all(self.ledger.arithmetic_of(Case(group.workload, one)) for one in group.contestants):
                found.setdefault((group.workload.precision, group.workload.device), []).append(group)
        return found

    def _identify(self, gate: Gate, deadline: float, step: Callable[[str], None]) -> None:
        """Rule out contestants that compute in another arithmetic than was asked for, until the budget ends."""
        for (precision, _), groups in self._arithmetics().items():
            if self.clock() > deadline:
                return
            step(f"what computes in {precision}")
            contestants = tuple(dict.fromkeys(one for group in groups for one in group.contestants))
            for contestant, found in gate.identify(groups[0].workload, contestants).items():
                self.ledger.set_arithmetic(contestant, precision, found.arithmetic)
                if found.status is not None:
                    self.ledger.rule_out(_cases_of(contestant, groups), found.status, found.reason, found.log)

    def _pass_gate(self, gate: Gate, deadline: float, step: Callable[[str], None]) -> None:
        """Rule out contestants that do not compute the same, and keep the errors of all, until the budget ends.

        What has not been examined by then is not measured either.
        """
        for network_id, groups in self._to_examine().items():
            if self.clock() > deadline:
                return
            step(f"parity of {network_id}")
            contestants = tuple(dict.fromkeys(one for group in groups for one in group.contestants))
            for contestant, found in gate.examine(groups[0].workload, contestants).items():
                if found.parity is not None:
                    self.ledger.set_parity(network_id, contestant, found.parity)
                if found.status is not None:
                    self.ledger.rule_out(_cases_of(contestant, groups), found.status, found.reason, found.log)


def _cases_of(contestant: Contestant, groups: Sequence[Group]) -> list[Case]:
    return [Case(group.workload, contestant) for group in groups if contestant in group.contestants]
