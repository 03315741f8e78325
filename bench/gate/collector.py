"""Collects evidence: from launches of its own, or from an earlier campaign where nothing has changed."""

from __future__ import annotations

from collections.abc import Sequence

from bench.cost import memory
from bench.gate import parity
from bench.gate.evidence_cache import CachedEvidence, EvidenceCache
from bench.gate.pool import Job, Outcome, Pool
from bench.gate.question import Question
from bench.launch.process import LaunchFailed
from bench.launch.weights import Weights
from bench.worker import arithmetic as fingerprint
from bench.worker.evidence import Evidence
from bench.worker.messages import ArithmeticProbed, EvidenceGiven, GiveEvidence, ProbeArithmetic, Request
from results.schema.record import Case, Contestant, Status


class Collector:
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


def _arithmetic_key(case: Case) -> tuple[Contestant, str, str]:
    return case.contestant, case.workload.precision, case.workload.device


def _arithmetic_in(outcome: Outcome) -> str:
    """The arithmetic that a launch's probe has found; "" if it has found none."""
    for answer in outcome.answers:
        if isinstance(answer, ArithmeticProbed):
            found = fingerprint.arithmetic(answer.scores)
            return "" if found == fingerprint.UNKNOWN else found
    return ""
