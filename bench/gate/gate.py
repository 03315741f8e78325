"""The parity gate: collects evidence from contestants and decides which may be timed.

The evidence of all networks is computed at once, in launches of their own (bench.gate.pool); then each network's
contestants are compared, in the order of the networks. Evidence of an earlier campaign is used again where nothing that
it depends on has changed (bench.gate.evidence_cache); contestants are compared anew in every campaign.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from bench.cost import memory
from bench.cost.workload import SEVERAL, has_several_sizes
from bench.gate import parity
from bench.gate.evidence_cache import NO_CACHE, CachedEvidence, EvidenceCache
from bench.gate.pool import Job, Outcome, Pool
from bench.launch.launcher import LauncherLike
from bench.launch.process import LaunchFailed
from bench.launch.weights import Weights
from bench.plan import settings
from bench.plan.executions import execution_of
from bench.worker import arithmetic as fingerprint
from bench.worker.evidence import Evidence
from bench.worker.messages import ArithmeticProbed, EvidenceGiven, GiveEvidence, ProbeArithmetic, Request
from results.schema.record import Case, Contestant, Parity, Status, Workload

MOST_IMAGES = 2
"""Images of the evidence where a step takes more: an error of translation changes every image's scores, and one in
means or statistics over a batch shows from two images on."""


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
class Question:
    """Whether contestants compute the same network: a workload of any phase.

    `gradients`: whether gradients are compared, too: not where inference alone is timed, as compilers take most of
    their time for a gradient.
    """

    workload: Workload
    contestants: tuple[Contestant, ...]
    gradients: bool = True

    def cases(self) -> list[Case]:
        """The cases that give evidence: at most MOST_IMAGES images, and one for all streams of several sizes.

        Their phase is that of the evidence: "infer" for scores alone, "gradient" for all of it. Models that are timed
        on several sizes are examined as they are built for that.
        """
        asked = self.workload
        images = 1 if asked.stream else asked.devices * min(asked.batch // asked.devices, MOST_IMAGES)
        phase = "gradient" if self.gradients else "infer"
        examined = replace(asked, stream="", parts=(), batch=images, phase=phase)
        several = replace(examined, stream=SEVERAL, parts=((asked.height, asked.width, images),))
        is_open = has_several_sizes(asked)
        return [Case(several if is_open and execution_of(one).any_size else examined, one) for one in self.contestants]

    def compared(self) -> list[Case]:
        """The cases whose evidence is compared: with several devices, each contestant's on one device, too."""
        cases = self.cases()
        if self.workload.devices == 1:
            return cases
        return [*cases, *(replace(case, workload=replace(case.workload, devices=1)) for case in cases)]

    def asked(self) -> list[Question]:
        """The question itself, and that of the network's identity where the device has another precision for it."""
        precision = parity.IDENTITY.get(self.workload.device, self.workload.precision)
        return [self] if precision == self.workload.precision else [self, self.among(self.contestants, precision)]

    def among(self, contestants: Iterable[Contestant], precision: str = "") -> Question:
        """The question to these contestants, of them those that have the precision if another one is given."""
        asked = replace(self.workload, precision=precision or self.workload.precision)
        able = (one for one in contestants if not precision or precision in execution_of(one).precisions)
        return Question(asked, tuple(able), self.gradients)


@dataclass(frozen=True)
class Gate:
    """Compares contestants. `memory`: bytes for the launches that run at a time; `concurrent`: how many those are.

    There is one launch more than cores, as a launch waits for the disk and for its own threads at times.
    """

    launcher: LauncherLike
    weights: Weights
    memory: int
    cache: EvidenceCache = NO_CACHE
    concurrent: int = field(default_factory=lambda: settings.cores() + 1)

    def examine(
        self, questions: Sequence[Question], may_start: Callable[[], bool] = lambda: True
    ) -> Generator[Results]:
        """The results of all contestants of each question, in order; it ends early if `may_start` becomes false.

        Where two cells of a pooling window are equal but for rounding, contestants may send the gradient to different
        ones. In float64, or on other images, the tie disappears; an error in the network does not. Contestants whose
        difference a tie can explain are therefore examined again (recheck_settings). This also covers single layers
        whose gradients are all alike, where the order of summation leaves few digits of the sum in float32.

        A contestant that computes in another precision than requested must not be timed either. The probe for that is
        in the launch that gives the contestant's first evidence.
        """
        self.cache.remove_old()
        with Pool(self.launcher, self.memory, self.concurrent, may_start) as pool:
            collector = _Collector(pool, self.weights, self.cache)
            for question in questions:
                for asked in question.asked():
                    collector.request(asked)
            for question in questions:
                if not all(map(collector.wait_for, question.asked())):
                    return
                yield _Examination(question, collector).results()


class _Collector:
    """Evidence of contestants and the arithmetic that they compute in: from the cache, or from launches."""

    def __init__(self, pool: Pool, weights: Weights, cache: EvidenceCache):
        self._pool, self._weights, self._cache = pool, weights, cache
        self._jobs: dict[tuple[Case, int], Job] = {}
        self._probes: dict[tuple[Contestant, str, str], Job] = {}
        self._arithmetics: dict[tuple[Contestant, str, str], str] = {}
        self._read: dict[tuple[Case, int], CachedEvidence | None] = {}

    def request(
        self, question: Question, seed: int = parity.SEEDS[0], urgent: bool = False, anew: bool = False
    ) -> None:
        """Queue the launches that a question needs, on the images of `seed`. `anew`: without the cache.

        A launch sees the other images first, so that a replay which still computes an earlier batch shows on `seed`.
        """
        seeds, jobs = parity.SEEDS if seed == parity.SEEDS[0] else (seed,), []
        for case in question.compared():
            if (case, seed) not in self._jobs and (anew or not self._cached(case, seed)):
                job = self._job(case, (parity.SEEDS[1], seed), urgent)
                self._jobs |= {(case, one): job for one in seeds}
                jobs.append(job)
        self._pool.submit(jobs)

    def wait_for(self, question: Question, seed: int = parity.SEEDS[0]) -> bool:
        """Wait for a question's launches; False if one of them may not start any more."""
        jobs = [self._jobs[case, seed] for case in question.compared() if (case, seed) in self._jobs]
        return all(self._pool.outcome(job) is not None for job in jobs)

    def evidence(self, case: Case, seed: int) -> Evidence:
        """The evidence of a case that was waited for. LaunchFailed if its launch gave none."""
        if job := self._jobs.get((case, seed)):
            outcome = self._pool.outcome(job) or Outcome(())
            for answer in reversed(outcome.answers):
                if isinstance(answer, EvidenceGiven) and answer.seed == seed:
                    return answer.evidence
            raise outcome.failure or LaunchFailed(Status.SKIPPED, "its launch was not started in time")
        cached = self._cached(case, seed)
        assert cached is not None, "what is not in the cache has a launch"
        return cached.evidence

    def cached_since(self, case: Case, seed: int = parity.SEEDS[0]) -> str:
        """When the evidence used was computed, if that was in an earlier campaign (UTC, ISO 8601); otherwise ""."""
        cached = None if (case, seed) in self._jobs else self._cached(case, seed)
        return cached.made if cached else ""

    def on_card(self, case: Case, seed: int = parity.SEEDS[0]) -> bool:
        """Whether the driver listed a case's launch on the card; evidence is kept only of those that it did."""
        outcome = self._pool.outcome(self._jobs[case, seed]) if (case, seed) in self._jobs else None
        return bool(outcome.on_card) if outcome else True

    def _cached(self, case: Case, seed: int) -> CachedEvidence | None:
        """The evidence in the cache, read once: another campaign may replace or remove it."""
        if (case, seed) not in self._read:
            self._read[case, seed] = self._cache.evidence(case, seed)
        return self._read[case, seed]

    def keep(self, case: Case, seed: int) -> None:
        """Put evidence of a launch, and the contestant's arithmetic, into the cache."""
        if (case, seed) in self._jobs:
            self._cache.keep_evidence(case, seed, self.evidence(case, seed))
            self._cache.keep_arithmetic(case, self.arithmetic(case))

    def arithmetic(self, case: Case) -> str:
        """What the contestant computes in, at the workload's precision on its device.

        "" for one that cannot run the probe, fails in it or gives scores of no known arithmetic: it is judged by its
        evidence alone.
        """
        key = _arithmetic_key(case)
        if key not in self._arithmetics:
            self._arithmetics[key] = self._cache.arithmetic(case) or _arithmetic_in(self._probe(case))
        return self._arithmetics[key]

    def _probe(self, case: Case) -> Outcome:
        """The outcome of a launch with the probe; if its evidence failed before it, of one with nothing else."""
        shared = self._probes.get(_arithmetic_key(case))
        outcome = self._pool.outcome(shared) if shared else None
        if outcome is None or not outcome.answers:
            own = Job(case, lambda: [ProbeArithmetic(case)], memory.PROCESS_BYTES[case.workload.device], urgent=True)
            self._pool.submit([own])
            outcome = self._pool.outcome(own)
        return outcome or Outcome(())

    def _job(self, case: Case, seeds: Sequence[int], urgent: bool) -> Job:
        key = _arithmetic_key(case)
        probe = key not in self._probes and key not in self._arithmetics and not self._cache.arithmetic(case)

        def requests() -> list[Request[EvidenceGiven] | Request[ArithmeticProbed]]:
            weights = str(self._weights.folder_of(case.workload))
            evidence = [GiveEvidence(case, weights, seed) for seed in seeds]
            return [*evidence, *([ProbeArithmetic(case)] if probe else [])]

        job = Job(case, requests, memory.estimate_evidence(case.workload), urgent)
        if probe:
            self._probes[key] = job
        return job


@dataclass(frozen=True)
class _Examination:
    """Judges the contestants of one question whose launches have been waited for."""

    question: Question
    collector: _Collector

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
        """Contestants compared, and compared again where a tie may explain what differs."""
        findings = self._compared(question)
        for precision, seed in parity.recheck_settings(question.workload.precision):
            doubtful = [one for one, result in findings.items() if _is_possible_tie(result, question.workload.device)]
            if not doubtful:
                break
            again = question.among(question.contestants, precision)
            self.collector.request(again, seed, urgent=True, anew=anew)
            self.collector.wait_for(again, seed)
            compared = self._compared(again, seed)
            used.append((again, seed))
            cleared = [one for one in doubtful if one in compared and compared[one].status is None]
            words = parity.recheck_words(precision, seed, question.workload.precision)
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
        if device != "cuda" or self.collector.on_card(case):
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


def _arithmetic_key(case: Case) -> tuple[Contestant, str, str]:
    return case.contestant, case.workload.precision, case.workload.device


def _arithmetic_in(outcome: Outcome) -> str:
    """The arithmetic that a launch's probe has found; "" if it has found none."""
    for answer in outcome.answers:
        if isinstance(answer, ArithmeticProbed):
            found = fingerprint.arithmetic(answer.scores)
            return "" if found == fingerprint.UNKNOWN else found
    return ""


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
    nobody to be compared with.
    """
    if result.status is not None or result.parity is None or identity.parity is None:
        return result
    if identity.status is Status.MISMATCH:
        return GateResult(identity.parity, Status.MISMATCH, f"in {precision}: {identity.reason}")
    shown = precision if identity.parity.contestants > 1 else ""
    return replace(result, parity=replace(result.parity, identity=shown))


def _is_possible_tie(result: GateResult, device: str) -> bool:
    return (
        result.status is Status.MISMATCH
        and result.parity is not None
        and parity.explained_by_argmax_ties(result.parity, device)
    )
