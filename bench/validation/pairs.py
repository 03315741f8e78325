"""Pairs of contestants with a known ratio, measured like a network of a campaign, for a few seconds."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench.clock import now
from bench.contestants.slowed import SLOWDOWNS, name_of
from bench.launch.launcher import Launcher, LauncherLike
from bench.launch.weights import Weights
from bench.plan import suite as suites
from bench.plan.cases import workloads
from bench.plan.suite import Suite
from bench.runner.campaign import CampaignRunner
from bench.scheduling.ledger import Ledger
from impls.frameworks import PHASES
from results.schema.record import Case, Contestant, Record, Workload
from results.stats.campaign_ratios import cells_of
from results.stats.estimates import Estimate
from results.stats.moderation import judged_cells
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
    freedom: float | None = None
    error_share: float = 1.0
    phase: str = "infer"

    @property
    def found(self) -> bool:
        """Whether a difference is significant, in the direction of the injected slowdown if there is one."""
        ratio = Estimate(self.ratio, self.low, self.high, self.launches, self.freedom, self.error_share)
        differs = ratio.is_significant
        return differs and (self.ratio > 1 or not self.slowdown)


class NullWriter:
    """Discards records."""

    def append(self, records: Iterable[Record]) -> None: ...


@dataclass(frozen=True)
class Plan:
    """Which pairs to measure, and for how long: `seconds` for the phases of a network, `budget` in seconds for all.

    `pairs` of every kind are measured in each of the `phases`, which share launches.
    """

    contestants: Sequence[Contestant]
    architectures: Sequence[str]
    slowdowns: Sequence[str]
    pairs: int
    seconds: float
    budget: float
    phases: Sequence[str] = PHASES
    seed: int = 0

    def kinds(self) -> Iterator[tuple[Contestant, str, str]]:
        """(contestant, architecture, suffix) of every pair; all kinds in random order, `pairs` times."""
        order = random.Random(self.seed)
        combinations = list(itertools.product(self.contestants, self.architectures, self.slowdowns))
        for _ in range(self.pairs):
            yield from order.sample(combinations, len(combinations))


def suite(seconds: float) -> Suite:
    """Settings of a pair: those of the default command, but the time is used up whatever the intervals."""
    return suites.load_suite("quick", launches=(2, 99), budget=seconds, target=0.001, sustained=0)


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
    protocol = suite(plan.seconds)
    budget = math.inf if at_least else plan.budget
    with launcher or Launcher(protocol.time_limit, budget=budget) as launcher:
        weights = Weights(launcher.folder)
        _import_all(launcher, plan)
        for count, kind in enumerate(plan.kinds()):
            if count >= at_least and clock() + plan.seconds > deadline:
                return
            reseeded = protocol.model_copy(update={"seed": plan.seed + count})  # another order of turns for each pair
            yield from measure_pair(launcher, weights, reseeded, *kind, plan.phases, clock)


def _import_all(launcher: LauncherLike, plan: Plan) -> None:
    """Import every framework before the time of the first pair begins."""
    kinds = itertools.product(plan.contestants, plan.architectures)
    cases = [
        Case(one, slowed_contestant(contestant, REFERENCE))
        for contestant, name in kinds
        for one in workloads_of(name, plan.phases[:1])
    ]
    launcher.warm(cases)


def slowed_contestant(contestant: Contestant, suffix: str) -> Contestant:
    return Contestant("slowed", name_of(contestant.framework, contestant.execution, suffix))


def measure_pair(
    launcher: LauncherLike,
    weights: Weights,
    protocol: Suite,
    contestant: Contestant,
    architecture: str,
    suffix: str,
    phases: Sequence[str],
    clock: Callable[[], float] = now,
) -> list[Pair]:
    """Measure a contestant against itself with the slowdown of `suffix`: a pair for each phase."""
    start = clock()
    first, second = (slowed_contestant(contestant, end) for end in (REFERENCE, suffix))
    loads = workloads_of(architecture, phases)
    ledger = Ledger([Case(load, slowed) for load in loads for slowed in (first, second)], first.id, NullWriter())
    campaign = CampaignRunner(ledger, protocol, clock=clock)
    campaign.measure(launcher, weights, start + protocol.budget)
    ratios = judged_cells(cells_of(ledger.records, dict.fromkeys(loads, first))).ratios
    seconds = round((clock() - start) / len(loads), 2)
    found = []
    for load in loads:
        ratio = ratios.get(Case(load, second))
        reasons = [record.reason for record in ledger.records if record.case.workload == load and record.reason]
        failure = "" if ratio else next(iter(reasons), "no launch was measured")
        estimate = ratio or Estimate(math.nan, math.nan, math.nan, 0)
        found.append(
            Pair(
                contestant.id, architecture, SLOWDOWNS[suffix], estimate.value, estimate.low, estimate.high,
                estimate.launches, str(judge(ratio)), seconds, campaign.rules.get(load.id, "nothing measured"), failure,
                estimate.freedom, estimate.error_share, load.phase,
            )
        )  # fmt: skip
    return found


def workloads_of(architecture: str, phases: Sequence[str]) -> list[Workload]:
    entry = suites.WorkloadGrid(architectures=(architecture,), batches=(1,), phases=tuple(phases))
    return list(workloads(entry, "cpu"))
