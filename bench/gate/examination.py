"""Judges the contestants of one question by their evidence: which may be timed, and why others may not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bench.gate import parity
from bench.gate.collector import Collector
from bench.gate.question import Question
from bench.launch.process import LaunchFailed
from bench.worker import arithmetic as fingerprint
from bench.worker.evidence import Evidence
from impls.frameworks import is_card
from results.schema.record import Case, Contestant, Parity, Status

NOT_ON_CARD = (
    "the driver lists no process of it on the card; "
    "if it computes there, its Model must tell where outputs are (method `devices`)"
)


@dataclass(frozen=True)
class GateResult:
    """The gate's result for a contestant. `status` is None for one that may be timed; `log` as in LaunchFailed."""

    parity: Parity | None = None
    status: Status | None = None
    reason: str = ""
    arithmetic: str = ""
    log: str = ""


Results = dict[Contestant, GateResult]


@dataclass(frozen=True)
class Examination:
    """Judges the contestants of one question whose launches have been waited for."""

    question: Question
    collector: Collector

    def results(self) -> Results:
        """The results of all contestants. A mismatch is reported only if all evidence is of this campaign."""
        used = [(asked, parity.SEEDS[0]) for asked in self.question.asked()]
        found = self._examined(used)
        mismatch = any(result.status is Status.MISMATCH for result in found.values())
        if mismatch and any(
            self.collector.cached_since(case, seed) for asked, seed in used for case in asked.compared()
        ):
            for asked in self.question.asked():
                self.collector.request(asked, urgent=True, anew=True)
                self.collector.wait_for(asked)
            found = self._examined(used, anew=True)
        self._keep(used, found)
        return found

    def _examined(self, used: list[tuple[Question, int]], anew: bool = False) -> Results:
        """The results, without the cache if `anew`; questions that were asked again, with their seed, go to `used`.

        A contestant is judged by the precision that is timed if another network shows in that; else by its identity.
        """
        refused = self._refused()
        able = [one for one in self.question.contestants if one not in refused]
        findings = self._judged(self.question.among(able), used, anew)
        for identity in self.question.asked()[1:]:
            shown = self._judged(identity.among(one for one in identity.contestants if one in able), used, anew)
            precision = identity.workload.precision
            findings |= {one: _with_identity(findings[one], result, precision) for one, result in shown.items()}
        return {**refused, **{one: self._completed(one, result) for one, result in findings.items()}}

    def _judged(self, question: Question, used: list[tuple[Question, int]], anew: bool) -> Results:
        """Contestants compared, and compared again where a tie may explain what differs.

        Those in doubt are compared with each other and with those that passed: with one of these where that takes
        launches, as it has agreed with the others.
        """
        findings = self._compared(question)
        for precision, seed in parity.recheck_settings(question.workload.precision):
            doubtful = [one for one, result in findings.items() if _is_possible_tie(result, question.workload.device)]
            if not doubtful:
                break
            passed = (one for one, result in findings.items() if result.status is None)
            witnesses = question.among(passed, precision).contestants
            if precision != question.workload.precision or seed not in parity.SEEDS:  # it takes launches
                witnesses = witnesses[:1]
            again = question.among([*doubtful, *witnesses], precision)
            self.collector.request(again, seed, urgent=True, anew=anew)
            self.collector.wait_for(again, seed)
            compared = self._compared(again, seed)
            used.append((again, seed))
            if witnesses and not any(compared[one].parity for one in witnesses):
                continue
            words = parity.recheck_words(precision, seed, question.workload.precision)
            cleared = [one for one in doubtful if one in compared and _is_equal_to_another(compared[one])]
            findings |= {one: _cleared(findings[one], words) for one in cleared}
        return findings

    def _refused(self) -> Results:
        """The results of contestants that compute in another precision than requested, or on another device."""
        precision, refused = self.question.workload.precision, {}
        for case in self._with_evidence(self.question.cases(), parity.SEEDS[0]):
            computed = self.collector.arithmetic(case)
            if computed and computed not in fingerprint.accepted(precision):
                reason = f"computes in {computed} where {precision} was requested"
                refused[case.contestant] = GateResult(None, Status.MISMATCH, reason, computed)
            elif elsewhere := self._elsewhere(case):
                refused[case.contestant] = elsewhere
        return refused

    def _elsewhere(self, case: Case) -> GateResult | None:
        """The result of a contestant that computes on another device than requested, or does not show where."""
        device = case.workload.device
        found = self.collector.evidence(case, parity.SEEDS[0]).devices
        if found:
            reason = f"its outputs are on {' and '.join(found)} where {device} was requested"
            return GateResult(None, Status.MISMATCH, reason) if set(found) != {device} else None
        if not is_card(device) or self.collector.on_card(case):
            return None
        return GateResult(None, Status.SKIPPED, NOT_ON_CARD)

    def _compared(self, question: Question, seed: int = parity.SEEDS[0]) -> Results:
        evidence_of: dict[Case, Evidence] = {}
        findings: dict[Case, GateResult] = {}
        for case in question.compared():
            try:
                evidence_of[case] = self.collector.evidence(case, seed)
            except LaunchFailed as failure:
                findings[case] = GateResult(status=failure.status, reason=failure.reason, log=failure.log)
        for case, reason in parity.shape_mismatches(evidence_of).items():
            findings[case] = GateResult(status=Status.MISMATCH, reason=reason)
            del evidence_of[case]
        if evidence_of:
            tolerance = parity.tolerances(question.workload.device)[question.workload.precision]
            for case, (errors, reason) in parity.judge(evidence_of, tolerance).items():
                findings[case] = GateResult(errors, Status.MISMATCH if reason else None, _on_devices(case, reason))
        return {case.contestant: findings[case] for case in question.cases()}

    def _with_evidence(self, cases: Sequence[Case], seed: int) -> Iterator[Case]:
        for case in cases:
            try:
                self.collector.evidence(case, seed)
            except LaunchFailed:
                continue
            yield case

    def _keep(self, used: Sequence[tuple[Question, int]], found: Results) -> None:
        """Put the evidence of contestants that passed into the cache."""
        for question, seed in used:
            for case in self._with_evidence(question.compared(), seed):
                if found[case.contestant].status is None:
                    self.collector.keep(case, seed)

    def _completed(self, contestant: Contestant, result: GateResult) -> GateResult:
        """The result with the contestant's arithmetic, and the time of evidence from the cache."""
        (case,) = self.question.among([contestant]).cases()
        if result.parity is None:
            return result
        since = self.collector.cached_since(case)
        return replace(
            result,
            parity=replace(result.parity, evidence_from=since),
            arithmetic=self.collector.arithmetic(case),
        )


def _on_devices(case: Case, reason: str) -> str:
    """The reason, with what was compared where that was more than a contestant's own case."""
    devices = case.workload.devices
    return f"{reason} (each on {devices} devices and on one)" if reason and devices > 1 else reason


def _cleared(result: GateResult, words: str) -> GateResult:
    """A contestant that passed when it was examined again: its errors of the first time stay."""
    return GateResult(replace(result.parity, cleared=words) if result.parity else None)


def _with_identity(result: GateResult, identity: GateResult, precision: str) -> GateResult:
    """The result, with what the contestant's identity showed in another precision if it passed.

    A contestant without evidence of its identity is judged by the precision that is timed alone, and so is one that has
    nobody to be compared with. One that was shown to be equal in an earlier precision is a witness only.
    """
    if result.status is not None or result.parity is None or identity.parity is None or result.parity.identity:
        return result
    if identity.status is Status.MISMATCH:
        return GateResult(identity.parity, Status.MISMATCH, f"in {precision}: {identity.reason}")
    shown = precision if identity.parity.contestants > 1 else ""
    return replace(result, parity=replace(result.parity, identity=shown))


def _is_equal_to_another(result: GateResult) -> bool:
    """Whether a contestant passed, and not because it was compared with nobody."""
    return result.status is None and result.parity is not None and result.parity.contestants > 1


def _is_possible_tie(result: GateResult, device: str) -> bool:
    return (
        result.status is Status.MISMATCH
        and result.parity is not None
        and parity.explained_by_argmax_ties(result.parity, device)
    )
