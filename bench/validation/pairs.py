"""Pairs of contestants with a known ratio, each measured like an ordinary group, for a few seconds."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from bench.clock import now
from bench.contestants.slowed import SLOWDOWNS, name_of
from bench.launch.launcher import Launcher, LauncherLike
from bench.launch.process import LaunchFailed
from bench.launch.weights import Weights
from bench.plan import suite as suites
from bench.plan.cases import workloads
from bench.plan.suite import Suite
from bench.runner.campaign import CampaignRunner
from bench.runner.ledger import Ledger
from bench.runner.retries import RetryPolicy
from results.schema.record import Case, Contestant, Record, Workload
from results.stats.estimates import Estimate, ratio
from results.stats.pairing import counted, group_by_block
from results.stats.verdicts import judge

REFERENCE = "a"
"""Suffix of the reference contestant: the unchanged framework."""
PLANTED = tuple(suffix for suffix in SLOWDOWNS if suffix != REFERENCE)


@dataclass(frozen=True)
class Pair:
    """A measured pair: the injected slowdown and the measured ratio with its interval. `seconds`: total time.

    `verdict` is in words: "faster", "within 4 %".

    With a `failure`, the reason why there is no ratio, measured values are NaN.
    """

    contestant: str
    architecture: str
    slowdown: float
    ratio: float
    low: float
    high: float
    launches: int
    verdict: str
    seconds: float
    stopped: str
    failure: str = ""

    @property
    def found(self) -> bool:
        """Whether a difference is significant, in the direction of the injected slowdown if there is one."""
        differs = Estimate(self.ratio, self.low, self.high, self.launches).is_significant
        return differs and (self.ratio > 1 or not self.slowdown)


class NullWriter:
    """Discards records."""

    def append(self, records: Iterable[Record]) -> None: ...


@dataclass(frozen=True)
class Plan:
    """Which pairs to measure, and for how long: `seconds` per pair, `pairs` per kind, `budget` in seconds for all."""

    contestants: Sequence[Contestant]
    architectures: Sequence[str]
    slowdowns: Sequence[str]
    pairs: int
    seconds: float
    budget: float
    phase: str = "infer"
    seed: int = 0

    def kinds(self) -> Iterator[tuple[Contestant, str, str]]:
        """(contestant, architecture, suffix) of every pair; all kinds in random order, `pairs` times."""
        order = random.Random(self.seed)
        combinations = list(itertools.product(self.contestants, self.architectures, self.slowdowns))
        for _ in range(self.pairs):
            yield from order.sample(combinations, len(combinations))


def suite(seconds: float) -> Suite:
    """Settings of a pair: preset standard, but the time is used up whatever the interval."""
    return suites.load_suite(
        "smoke", "standard", launches=(5, 99), budget=seconds, target=0.001, max_retries=1, sustained=0
    )


def measure(
    plan: Plan, at_least: int = 1, launcher: LauncherLike | None = None, clock: Callable[[], float] | None = None
) -> Iterator[Pair]:
    """Measure pairs of every kind in turn, until all are measured or the next would exceed the budget.

    The budget includes the import of frameworks. At least `at_least` pairs are measured, whatever their time.
    With a `launcher` and its `clock` (bench.launch.fake), launches are simulated.
    """
    clock = clock or now
    if not at_least and plan.seconds > plan.budget:  # do not import frameworks without need
        return
    deadline = clock() + plan.budget
    protocol, retry_policy = suite(plan.seconds), RetryPolicy()  # shared by all pairs, as the machine is the same
    budget = math.inf if at_least else plan.budget
    with launcher or Launcher(protocol.time_limit, budget=budget) as launcher:
        weights = Weights(launcher.folder)
        _import_all(launcher, plan)
        for count, kind in enumerate(plan.kinds()):
            if count >= at_least and clock() + plan.seconds > deadline:
                return
            reseeded = protocol.model_copy(update={"seed": plan.seed + count})  # another order of turns for each pair
            yield measure_pair(launcher, weights, reseeded, retry_policy, *kind, plan.phase, clock)


def _import_all(launcher: LauncherLike, plan: Plan) -> None:
    """Import every framework before the time of the first pair begins."""
    kinds = itertools.product(plan.contestants, plan.architectures)
    cases = [
        Case(workload_of(name, plan.phase), slowed_contestant(contestant, REFERENCE)) for contestant, name in kinds
    ]
    launcher.warm(cases)
    for case in cases:
        with suppress(LaunchFailed), launcher.launch(case)[0]:  # its pairs report the failure
            pass


def slowed_contestant(contestant: Contestant, suffix: str) -> Contestant:
    return Contestant("slowed", name_of(contestant.framework, contestant.execution, suffix))


def measure_pair(
    launcher: LauncherLike,
    weights: Weights,
    protocol: Suite,
    retry_policy: RetryPolicy,
    contestant: Contestant,
    architecture: str,
    suffix: str,
    phase: str,
    clock: Callable[[], float] = now,
) -> Pair:
    """Measure a contestant against itself with the slowdown of `suffix`."""
    start = clock()
    first, second = (slowed_contestant(contestant, end) for end in (REFERENCE, suffix))
    cases = [Case(workload_of(architecture, phase), slowed) for slowed in (first, second)]
    ledger = Ledger(cases, first.id, NullWriter())
    campaign = CampaignRunner(ledger, protocol, retry_policy=retry_policy, clock=clock)
    campaign.measure(launcher, weights, start + protocol.budget)
    estimate = _ratio(ledger.records, first, second)
    failure = (
        ""
        if estimate
        else next((record.reason for record in ledger.records if record.reason), "no launch was measured")
    )
    estimate = estimate or Estimate(math.nan, math.nan, math.nan, 0)
    return Pair(
        contestant.id, architecture, SLOWDOWNS[suffix], estimate.value, estimate.low, estimate.high, estimate.launches,
        str(judge(estimate)), round(clock() - start, 2), next(iter(campaign.rules.values()), "nothing measured"),
        failure,
    )  # fmt: skip


def workload_of(architecture: str, phase: str) -> Workload:
    entry = suites.WorkloadGrid(architectures=(architecture,), batches=(1,), phases=(phase,))
    return next(workloads(entry, "cpu"))


def _ratio(records: Sequence[Record], reference: Contestant, other: Contestant) -> Estimate | None:
    def blocks_of(contestant: Contestant) -> Mapping[object, Sequence[float]]:
        return group_by_block([record for record in counted(records) if record.case.contestant == contestant])

    return ratio(blocks_of(other), blocks_of(reference))
