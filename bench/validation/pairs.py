"""Pairs of contestants whose ratio is known, each measured as any other group is, with a few seconds of its own."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from results.stats.estimates import Estimate, ratio, verdict
from results.stats.pairing import counted, group_by_block

REFERENCE = "a"
"""Suffix of the contestant that all are compared with: the framework as it is."""
PLANTED = tuple(suffix for suffix in SLOWDOWNS if suffix != REFERENCE)


@dataclass(frozen=True)
class Pair:
    """One pair measured: what was planted, and what came out. `seconds` it took in all.

    With a `failure`, the reason why there is no ratio, everything that came out is NaN.
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
        """Whether a difference is seen, on the side of what was planted (either side where nothing was)."""
        seen = Estimate(self.ratio, self.low, self.high, self.launches).is_significant
        return seen and (self.ratio > 1 or not self.slowdown)


class NullWriter:
    """A writer for records that nobody will read."""

    def append(self, records: Iterable[Record]) -> None: ...


@dataclass(frozen=True)
class Plan:
    """What to measure pairs of, and for how long. `seconds` of each pair, `pairs` of each kind, `budget` of all."""

    contestants: Sequence[Contestant]
    architectures: Sequence[str]
    slowdowns: Sequence[str]
    pairs: int
    seconds: float
    budget: float
    phase: str = "infer"
    seed: int = 0

    def kinds(self) -> Iterator[tuple[Contestant, str, str]]:
        """(contestant, architecture, suffix) of every pair, over and over in a random order of its own each time."""
        order = random.Random(self.seed)
        every = list(itertools.product(self.contestants, self.architectures, self.slowdowns))
        for _ in range(self.pairs):
            yield from order.sample(every, len(every))


def suite(seconds: float) -> Suite:
    """How a pair is measured: as with the preset standard, but that its time is used up whatever the interval."""
    return suites.load_suite(
        "smoke", "standard", launches=(5, 99), budget=seconds, target=0.001, max_retries=1, sustained=0
    )


def measure(
    plan: Plan, at_least: int = 1, launcher: LauncherLike | None = None, clock: Callable[[], float] | None = None
) -> Iterator[Pair]:
    """Pairs of every kind by turns, until there are as many as asked for or the next would not end within the budget.

    The budget is for the import of frameworks, too. `at_least` so many are measured, whatever they take.
    With a `launcher` and its `clock` (bench.launch.fake), launches are simulated.
    """
    clock = clock or now
    if not at_least and plan.seconds > plan.budget:  # all would be imported for nothing
        return
    deadline = clock() + plan.budget
    protocol, retry_policy = suite(plan.seconds), RetryPolicy()  # one for all: the next pair's machine is the same
    budget = math.inf if at_least else plan.budget
    with launcher or Launcher(protocol.time_limit, budget=budget) as launcher:
        weights = Weights(launcher.folder)
        _import_all(launcher, plan)
        for count, kind in enumerate(plan.kinds()):
            if count >= at_least and clock() + plan.seconds > deadline:
                return
            own = protocol.model_copy(update={"seed": plan.seed + count})  # or all pairs had turns in the same order
            yield measure_pair(launcher, weights, own, retry_policy, *kind, plan.phase, clock)


def _import_all(launcher: LauncherLike, plan: Plan) -> None:
    """Import every framework before the first pair's time begins."""
    kinds = itertools.product(plan.contestants, plan.architectures)
    cases = [Case(workload_of(name, plan.phase), planted_contestant(one, REFERENCE)) for one, name in kinds]
    launcher.warm(cases)
    for case in cases:
        with suppress(LaunchFailed), launcher.launch(case)[0]:  # its pairs will say why
            pass


def planted_contestant(contestant: Contestant, suffix: str) -> Contestant:
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
    """A contestant against itself, slowed down by what `suffix` stands for."""
    start = clock()
    first, second = (planted_contestant(contestant, end) for end in (REFERENCE, suffix))
    cases = [Case(workload_of(architecture, phase), one) for one in (first, second)]
    ledger = Ledger(cases, first.id, NullWriter())
    campaign = CampaignRunner(ledger, protocol, retry_policy=retry_policy, clock=clock)
    campaign.measure(launcher, weights, start + protocol.budget)
    found = _ratio(ledger.records, first, second)
    failure = "" if found else next((one.reason for one in ledger.records if one.reason), "no launch was measured")
    found = found or Estimate(math.nan, math.nan, math.nan, 0)
    return Pair(
        contestant.id, architecture, SLOWDOWNS[suffix], found.value, found.low, found.high, found.launches,
        verdict(found).value, round(clock() - start, 2), next(iter(campaign.rules.values()), "nothing measured"),
        failure,
    )  # fmt: skip


def workload_of(architecture: str, phase: str) -> Workload:
    entry = suites.WorkloadGrid(architectures=(architecture,), batches=(1,), phases=(phase,))
    return next(workloads(entry, "cpu"))


def _ratio(records: Sequence[Record], reference: Contestant, other: Contestant) -> Estimate | None:
    own = {one: [r for r in counted(records) if r.case.contestant == one] for one in (reference, other)}
    return ratio(group_by_block(own[other]), group_by_block(own[reference]))
