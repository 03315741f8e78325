"""The parity gate: collects evidence from contestants and decides which may be timed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.cost import memory
from bench.launch.launcher import LauncherLike, WorkerLike
from bench.launch.process import LaunchFailed
from bench.launch.weights import Weights
from bench.runner import colocation, parity
from bench.worker import arithmetic as fingerprint
from bench.worker import evidence
from bench.worker.messages import A, ArithmeticProbed, EvidenceGiven, GiveEvidence, ProbeArithmetic, Request
from impls.frameworks import load_framework
from results.schema.record import Case, Contestant, Parity, Status, Workload


@dataclass(frozen=True)
class GateResult:
    """The gate's result for a contestant. `status` is None for one that may be timed; `log` as in LaunchFailed."""

    parity: Parity | None = None
    status: Status | None = None
    reason: str = ""
    arithmetic: str = ""
    log: str = ""


@dataclass(frozen=True)
class Gate:
    """Examines as many contestants concurrently as fit into `memory` bytes; nothing is timed here."""

    launcher: LauncherLike
    weights: Weights
    memory: int

    def examine(self, workload: Workload, contestants: Sequence[Contestant]) -> dict[Contestant, GateResult]:
        """The results of all contestants of a network (a workload of any phase).

        Where two cells of a pooling window are equal but for rounding, contestants may send the gradient to different
        ones. In float64, or on other images, the tie disappears; an error in the network does not. Contestants whose
        difference a tie can explain are therefore examined again (recheck_settings). This also covers single layers
        whose gradients are all alike, where the order of summation leaves few digits of the sum in float32.
        """
        if workload.stream:  # one image suffices, for all streams of a network
            workload = replace(workload, stream="", parts=(), batch=1)
        findings = self._compare_evidence(workload, contestants)
        for precision, seed in parity.recheck_settings(workload.precision):
            doubtful = [contestant for contestant, result in findings.items() if _is_possible_tie(result)]
            if not doubtful:
                break
            supporting = [contestant for contestant in contestants if _computes_in(contestant, precision)]
            again = self._compare_evidence(replace(workload, precision=precision), supporting, seed)
            passed = [contestant for contestant, result in again.items() if result.status is None]
            cleared = [contestant for contestant in doubtful if contestant in passed]
            findings |= {contestant: GateResult(findings[contestant].parity) for contestant in cleared}
        return findings

    def identify(self, workload: Workload, contestants: Sequence[Contestant]) -> dict[Contestant, GateResult]:
        """The effective precision of each contestant, for the workload's precision and device, whatever its network.

        A contestant that computes in another precision than requested must not be timed. One that cannot run the
        probe, fails in it or gives scores of no known arithmetic has no result here: the parity gate still applies.
        """
        cases = [Case(workload, contestant) for contestant in contestants]
        workers = {case.contestant: self._send(case, ProbeArithmetic(case)) for case in cases}
        findings = {}
        for contestant, worker in workers.items():
            try:
                computed = fingerprint.arithmetic(_received(worker, ArithmeticProbed).scores)
            except LaunchFailed:
                continue
            if computed == fingerprint.UNKNOWN:
                continue
            accepted = computed in fingerprint.ACCEPTED.get(workload.precision, (workload.precision,))
            reason = "" if accepted else f"computes in {computed} where {workload.precision} was requested"
            findings[contestant] = GateResult(None, Status.MISMATCH if reason else None, reason, computed)
        return findings

    def _compare_evidence(
        self, workload: Workload, contestants: Sequence[Contestant], seed: int = 0
    ) -> dict[Contestant, GateResult]:
        evidence_of: dict[Contestant, evidence.Evidence] = {}
        findings: dict[Contestant, GateResult] = {}
        needed = memory.estimate_evidence(workload)
        zygotes = self.launcher.zygotes(Case(workload, contestant) for contestant in contestants)
        for part in colocation.parts(contestants, needed, self.memory, zygotes):
            workers = {contestant: self._ask(Case(workload, contestant), seed) for contestant in part}
            for contestant, worker in workers.items():
                try:
                    evidence_of[contestant] = _received(worker, EvidenceGiven).evidence
                except LaunchFailed as failure:
                    findings[contestant] = GateResult(status=failure.status, reason=failure.reason, log=failure.log)
        for contestant, reason in parity.shape_mismatches(evidence_of).items():
            findings[contestant] = GateResult(status=Status.MISMATCH, reason=reason)
            del evidence_of[contestant]
        if evidence_of:
            for contestant, (errors, reason) in parity.judge(
                evidence_of, parity.TOLERANCES[workload.precision]
            ).items():
                findings[contestant] = GateResult(errors, Status.MISMATCH if reason else None, reason)
        return findings

    def _ask(self, case: Case, seed: int) -> WorkerLike | LaunchFailed:
        return self._send(case, GiveEvidence(case, str(self.weights.folder_of(case.workload)), seed))

    def _send(self, case: Case, request: Request[Any]) -> WorkerLike | LaunchFailed:
        """A worker that computes the answer, or the reason why there is none."""
        try:
            worker, _ = self.launcher.launch(case)
        except LaunchFailed as failure:
            return failure
        worker.send(request)
        return worker


def _received(worker: WorkerLike | LaunchFailed, expected: type[A]) -> A:
    if isinstance(worker, LaunchFailed):
        raise worker
    with worker:
        return worker.receive(expected)


def _computes_in(contestant: Contestant, precision: str) -> bool:
    return precision in load_framework(contestant.framework).execution(contestant.execution).precisions


def _is_possible_tie(result: GateResult) -> bool:
    return (
        result.status is Status.MISMATCH
        and result.parity is not None
        and parity.explained_by_argmax_ties(result.parity)
    )
