"""The parity gate at work: asks the contestants for evidence and says who may be timed."""

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
    """What the gate found of a contestant. `status` is None for one who may be timed; `log` as of LaunchFailed."""

    parity: Parity | None = None
    status: Status | None = None
    reason: str = ""
    arithmetic: str = ""
    log: str = ""


@dataclass(frozen=True)
class Gate:
    """Evidence is taken from several contestants at once, as far as `memory` bytes allow: nothing is timed yet."""

    launcher: LauncherLike
    weights: Weights
    memory: int

    def examine(self, workload: Workload, contestants: Sequence[Contestant]) -> dict[Contestant, GateResult]:
        """The findings on all contestants of a network (a workload, whatever its phase).

        Where two cells of a window are equal but for rounding, contestants may rightly send the gradient to
        different ones. In float64, or on other images, that tie is gone; an error in the network is not. So who
        differs by no more than a tie explains is heard again. As is who adds up a large map's gradients in another
        order, where they are all alike (of a layer alone) and few digits are left of their sum in float32.
        """
        if workload.stream:  # an image will do, and need not be had for each stream of a network
            workload = replace(workload, stream="", parts=(), batch=1)
        findings = self._compare_evidence(workload, contestants)
        for precision, seed in parity.recheck_settings(workload.precision):
            doubtful = [one for one, found in findings.items() if _is_possible_tie(found)]
            if not doubtful:
                break
            able = [one for one in contestants if _computes_in(one, precision)]
            again = self._compare_evidence(replace(workload, precision=precision), able, seed)
            cleared = [one for one in doubtful if one in again and again[one].status is None]
            findings |= {one: GateResult(findings[one].parity) for one in cleared}
        return findings

    def identify(self, workload: Workload, contestants: Sequence[Contestant]) -> dict[Contestant, GateResult]:
        """What each contestant computes in (the workload's precision, on its device, whatever its network).

        Who computes in something else than was asked for may not be timed. Who cannot be asked, as it has no way to
        run the probe, is not held back for it; who fails at it, or gives what no arithmetic gives, shows that at the
        network, too.
        """
        cases = [Case(workload, one) for one in contestants]
        asked = {case.contestant: self._send(case, ProbeArithmetic(case)) for case in cases}
        findings = {}
        for contestant, worker in asked.items():
            try:
                seen = fingerprint.arithmetic(_received(worker, ArithmeticProbed).scores)
            except LaunchFailed:
                continue
            if seen == fingerprint.UNKNOWN:
                continue
            fine = seen in fingerprint.ACCEPTED.get(workload.precision, (workload.precision,))
            wrong = "" if fine else f"computes in {seen} where {workload.precision} was asked for"
            findings[contestant] = GateResult(None, Status.MISMATCH if wrong else None, wrong, seen)
        return findings

    def _compare_evidence(
        self, workload: Workload, contestants: Sequence[Contestant], seed: int = 0
    ) -> dict[Contestant, GateResult]:
        given: dict[Contestant, evidence.Evidence] = {}
        findings: dict[Contestant, GateResult] = {}
        needed = memory.estimate_evidence(workload)
        zygotes = self.launcher.zygotes(Case(workload, one) for one in contestants)
        for part in colocation.parts(contestants, needed, self.memory, zygotes):
            asked = {contestant: self._ask(Case(workload, contestant), seed) for contestant in part}
            for contestant, worker in asked.items():
                try:
                    given[contestant] = _received(worker, EvidenceGiven).evidence
                except LaunchFailed as failure:
                    findings[contestant] = GateResult(status=failure.status, reason=failure.reason, log=failure.log)
        for contestant, complaint in parity.shape_mismatches(given).items():
            findings[contestant] = GateResult(status=Status.MISMATCH, reason=complaint)
            del given[contestant]
        if given:
            for contestant, (found, complaint) in parity.judge(given, parity.TOLERANCES[workload.precision]).items():
                findings[contestant] = GateResult(found, Status.MISMATCH if complaint else None, complaint)
        return findings

    def _ask(self, case: Case, seed: int) -> WorkerLike | LaunchFailed:
        return self._send(case, GiveEvidence(case, str(self.weights.folder_of(case.workload)), seed))

    def _send(self, case: Case, request: Request[Any]) -> WorkerLike | LaunchFailed:
        """A worker that is at it, or why there is none."""
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


def _is_possible_tie(found: GateResult) -> bool:
    return (
        found.status is Status.MISMATCH and found.parity is not None and parity.explained_by_argmax_ties(found.parity)
    )
