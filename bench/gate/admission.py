"""Admission: only cases that are installed, fit into memory and pass the parity gate are timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache

from bench.clock import now
from bench.cost.floors import floor_of
from bench.cost.workload import has_several_sizes
from bench.gate.examination import GateResult
from bench.gate.gate import Gate
from bench.gate.question import Question
from bench.plan import interpreters
from bench.plan.executions import lacks
from bench.plan.suite import Suite
from bench.scheduling.ledger import Group, Ledger
from impls.host import nvidia
from results.schema.record import Case, Contestant, Status, Workload
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
        self._skip_lacking()
        self._skip_too_large()

    def steps(self) -> int:
        """Number of progress steps of `examine`."""
        return len(self._to_examine())

    def begin(self) -> None:
        """Mark the networks that are to be examined: their groups are not launched before."""
        self.ledger.await_gate(self._to_examine())

    def examine(self, groups: Sequence[Group], gate: Gate, deadline: float, step: Callable[[str], None]) -> None:
        """Admit groups: rule out contestants whose arithmetic or results differ, and keep the errors of all.

        That ends at the deadline; contestants without a result by then are not measured. `step` is called as each
        network's results are awaited.
        """
        wanted = {group.workload.network_id for group in groups}
        networks = {name: found for name, found in self._to_examine().items() if name in wanted}
        questions = [
            Question(_examined_of(its), _contestants_of(its), _differentiates(its)) for its in networks.values()
        ]
        results = gate.examine(questions, lambda: self.clock() <= deadline)
        with closing(results):
            for network_id, its in networks.items():
                step(f"parity of {network_id}")
                for contestant, result in (next(results, None) or {}).items():
                    self._keep(network_id, its, contestant, result)
        self.ledger.admit(wanted)

    def _skip_missing(self) -> None:
        for contestant, device in dict.fromkeys((case.contestant, case.workload.device) for case in self.ledger.cases):
            if reason := interpreters.missing(contestant, self.suite.interpreters, self.suite.environment, device):
                cases = (case for case in self.ledger.cases if case.contestant == contestant)
                self.ledger.rule_out(cases, Status.SKIPPED, reason)

    def _skip_lacking(self) -> None:
        """Skip the phases that a contestant does not run, and workloads on more cards than there are."""
        for case in self.ledger.cases:
            if reason := lacks(case) or _missing_cards(case.workload.device, case.workload.devices):
                self.ledger.rule_out([case], Status.SKIPPED, reason)

    def _skip_too_large(self) -> None:
        """Mark groups whose minimum memory, by the network's table, exceeds the limit as out of memory."""
        for group in (part for whole in self.ledger.groups() for part in whole.by_workload()):
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

    def _keep(self, network_id: str, groups: Sequence[Group], contestant: Contestant, result: GateResult) -> None:
        """Keep a contestant's result, and rule its cases of the network out if it may not be timed."""
        if result.arithmetic:
            self.ledger.set_arithmetic(contestant, groups[0].workload.precision, result.arithmetic)
        if result.parity is not None:
            self.ledger.set_parity(network_id, contestant, result.parity)
        if result.status is not None:
            self.ledger.rule_out(_cases_of(contestant, groups), result.status, result.reason, result.log)


@cache
def _missing_cards(device: str, devices: int) -> str | None:
    """Why this machine has not as many cards; that there is one was checked before the campaign began."""
    return nvidia.missing(device, devices) if devices > 1 else None


def _examined_of(groups: Sequence[Group]) -> Workload:
    """The workload to examine: one of several sizes if there is any, as its models are built for that."""
    return max((group.workload for group in groups), key=has_several_sizes)


def _differentiates(groups: Sequence[Group]) -> bool:
    """Whether a phase with gradients, or with the training mode that they are computed in, is to be timed."""
    return any(case.workload.phase != "infer" for group in groups for case in group.cases)


def _contestants_of(groups: Sequence[Group]) -> tuple[Contestant, ...]:
    return tuple(dict.fromkeys(one.original for group in groups for one in group.contestants))


def _cases_of(contestant: Contestant, groups: Sequence[Group]) -> list[Case]:
    return [case for group in groups for case in group.cases if case.contestant.original == contestant]
