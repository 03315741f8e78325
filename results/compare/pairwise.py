"""Comparison of two campaigns, case by case.

Launches of two campaigns never ran concurrently, so they are compared as independent samples (Welch, on logarithms),
and the difference includes everything else that changed between the two. Two interpreters of one campaign
(results.compare.interpreters) did run concurrently: their launches are paired, which is the better measurement.

Launches of two nodes are neither compared nor paired. Where a case is of the same nodes in both campaigns, each node
has a ratio, and the estimate is over nodes (results.stats.nodes). Several other nodes are samples of their machine
type. A single node against others is not compared: nothing tells their difference from one of the campaigns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from impls.host.environment import words
from results.machine import USUAL
from results.schema import environment
from results.schema.record import Case
from results.schema.system import System
from results.stats.estimates import (
    CONFIDENCE,
    Comparison,
    Estimate,
    geometric,
    geometric_mean,
    holm,
    independent_ratio,
    paired_ratio,
)
from results.stats.launches import Launches
from results.stats.nodes import compared_over_nodes, time_over_nodes
from results.stats.verdicts import Judgement, TimingVerdict, bound, judge, launches_needed
from results.store.campaigns import StoredCampaign
from results.store.journal import SYSTEM, ResultsError
from results.words import in_words, share_of_cases

VARIABLES = "kept variables", "inherited variables"
"""Differences in the environment variables of launches: "none", or in words."""
SAME_SYSTEM = (
    "cpu", "cores", "threads", "memory in GiB", "os", "architecture", "gpus", "cards", "usable cores",
    *VARIABLES,
)  # fmt: skip
"""Facts of a machine that must be equal; kernel, drivers and Python may be the subject of the comparison."""
REPORTED_DIFFERENCES = (
    "kernel", "python", "drivers", "cpu_quota", "memory_limit_bytes", "preset", "fresh_interpreter", "deadheat",
    "niceness", "scheduling", "choosing variables",
)  # fmt: skip


Outcome = tuple[str, str]
"""The status of a launch, and its reason."""


@dataclass(frozen=True)
class Change:
    """One case in both campaigns. `p_slower` is Holm-adjusted over all cases; NaN with a single launch on a side."""

    case: str
    contestant: str
    workload: str
    baseline_seconds: float
    candidate_seconds: float
    ratio: Estimate
    p_slower: float
    judgement: Judgement
    launches_needed: float

    @property
    def verdict(self) -> TimingVerdict:
        return self.judgement.verdict


@dataclass(frozen=True)
class Report:
    """The result of a comparison. `missing`: by case, the side without it, and why.

    `differences` between the two systems: the first `machines` of them make the systems different machines.
    `problems`: unreadable lines of either campaign.
    """

    baseline: str
    candidate: str
    changes: tuple[Change, ...]
    missing: Mapping[str, str]
    overall: Mapping[str, Estimate]
    differences: tuple[str, ...]
    machines: int = 0
    problems: tuple[str, ...] = ()

    @property
    def slower(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.verdict is TimingVerdict.SLOWER)

    def headline(self) -> str:
        """Headline for terminal and page: the numbers of cases that are slower, unclear and not compared."""
        unclear = sum(change.verdict is TimingVerdict.UNCLEAR for change in self.changes)
        parts = [f"{share_of_cases(len(self.slower), len(self.changes))} slower"]
        parts += [f"{unclear} {'is' if unclear == 1 else 'are'} unclear"] if unclear else []
        parts += [f"{len(self.missing)} could not be compared"] if self.missing else []
        return "; ".join(parts)


def compare(
    baseline: StoredCampaign, candidate: StoredCampaign, across_systems: bool = False, side_by_side: bool = False
) -> Report:
    """Compare the candidate's times with the baseline's; `side_by_side`: both are of one campaign.

    ResultsError if the systems differ or are unknown and `across_systems` is not set, or if no case was measured in
    both.
    """
    if not across_systems:
        for campaign in (baseline, candidate):
            if machine_of(campaign) is None:
                raise ResultsError(f"{unknown_machine(campaign)}; to compare it nevertheless, use --across-systems")
    different = system_differences(baseline, candidate, SAME_SYSTEM)
    if different and not across_systems:
        raise ResultsError(
            f"{baseline.name} and {candidate.name} are of different systems ({'; '.join(different)}); "
            "measure both on one machine, or use --across-systems"
        )
    problems = (*baseline.problems, *candidate.problems)
    before, after = launches_of(baseline), launches_of(candidate)
    both = [case for case in before if case in after]
    apart = {} if across_systems or side_by_side else _other_nodes(baseline, candidate, both)
    both = [case for case in both if case not in apart]
    if not both and apart:
        raise ResultsError(
            f"no case was measured on the same machines: {next(iter(apart.values()))}; measure both on the same ones, "
            "or use --across-systems"
        )
    if not both:
        unread = f" (unreadable, the first of {len(problems)}: {problems[0]})" if problems else ""
        raise ResultsError(
            f"no case was measured both in {baseline.name} and in {candidate.name}; nothing to compare{unread}"
        )
    ratios = {case: _compared(before[case], after[case], side_by_side) for case in both}
    found = {case: ratio for case, ratio in ratios.items() if ratio}
    changes = _changes(found, before, after)
    missing = {**_missing((baseline, before), (candidate, after)), **{case.id: why for case, why in apart.items()}}
    named = (
        *different,
        *system_differences(baseline, candidate, REPORTED_DIFFERENCES),
        *_version_differences(baseline, candidate),
    )
    return Report(baseline.name, candidate.name, changes, missing, _overall(found), named, len(different), problems)


def machine_of(campaign: StoredCampaign) -> Mapping[str, Any] | None:
    """The facts that identify the campaign's machine; None if the campaign has none."""
    found = described(campaign.system)
    return {key: found.get(key) for key in SAME_SYSTEM} if found.get("cpu") or found.get("cores") else None


def unknown_machine(campaign: StoredCampaign) -> str:
    """Why the campaign's machine is unknown, in words."""
    about = f"/{SYSTEM}:" if campaign.system == System() else f"/{SYSTEM}: machine"
    why = next((problem for problem in campaign.problems if about in problem), f"{SYSTEM} names no machine")
    return f"{campaign.name} is of an unknown machine ({why})"


def system_differences(baseline: StoredCampaign, candidate: StoredCampaign, keys: Iterable[str]) -> tuple[str, ...]:
    """The differences between two machines among `keys`, in words."""
    one, other = described(baseline.system), described(candidate.system)
    return tuple(f"{key} {one.get(key)} and {other.get(key)}" for key in keys if one.get(key) != other.get(key))


def described(system: System) -> dict[str, Any]:
    """The facts of a system.json that are compared; None for those that it lacks."""
    machine, cards = system.machine, system.machine.gpus or ()
    return {
        "cpu": machine.cpu,
        "cores": machine.cores,
        "threads": machine.threads,
        "cpu_quota": machine.cpu_quota,
        # A kernel keeps some for itself, more or less.
        "memory in GiB": None if machine.memory_bytes is None else round(machine.memory_bytes / 2**30),
        "memory_limit_bytes": machine.memory_limit_bytes,
        "os": machine.os,
        "kernel": machine.kernel,
        "architecture": machine.architecture,
        "python": machine.python,
        "gpus": [card.name for card in cards],
        # Of what launches computed on; campaigns on the CPU have none, and older ones do not say.
        "cards": [" ".join(filter(None, (card.uuid, card.pci, card.mig_profile))) for card in machine.cards or ()],
        "drivers": [card.driver for card in cards],
        "usable cores": system.settings.cores,
        # Older campaigns say nothing of these: they are taken for what is usual.
        "niceness": machine.niceness or 0,
        "scheduling": machine.scheduling or USUAL,
        "kept variables": words(environment.kept(system)),
        "inherited variables": words(environment.inherited(system)),
        "choosing variables": words(environment.choosing(system)),
        "preset": system.suite.preset,
        "fresh_interpreter": system.suite.fresh_interpreter,
        "deadheat": system.deadheat,
    }


def versions_of(system: System) -> dict[str, Mapping[str, str]]:
    """The package versions of each contestant."""
    return {name: facts.versions for name, facts in system.contestants.items()}


def _version_differences(baseline: StoredCampaign, candidate: StoredCampaign) -> Iterable[str]:
    """Version differences of the contestants that both have, each once."""
    after = versions_of(candidate.system)
    return dict.fromkeys(
        f"{package} {version} and {after[contestant].get(package)}"
        for contestant, before in versions_of(baseline.system).items()
        for package, version in before.items()
        if contestant in after and after[contestant].get(package) != version
    )


def launches_of(campaign: StoredCampaign) -> dict[Case, Launches]:
    """Each measured case's valid launches."""
    return {case: own.counted for case, own in campaign.launches.items() if len(own.counted)}


def _other_nodes(baseline: StoredCampaign, candidate: StoredCampaign, cases: Iterable[Case]) -> dict[Case, str]:
    """The cases that one campaign has of a single node and the other of others, and of which nodes, in words."""
    found = {}
    for case in cases:
        nodes = [campaign.launches[case].counted.nodes for campaign in (baseline, candidate)]
        unnamed = [""] in nodes and max(map(len, nodes)) == 1  # nobody knows which machine that was
        if nodes[0] != nodes[1] and min(map(len, nodes)) == 1 and not unnamed:
            one, other = (", ".join(filter(None, names)) or "an unnamed machine" for names in nodes)
            found[case] = f"on {one} in {baseline.name}, on {other} in {candidate.name}"
    return found


def _compared(before: Launches, after: Launches, side_by_side: bool) -> Comparison | None:
    """One case: over the nodes that both have, or from one time a node; None without a pair of launches."""
    old, new = before.by_node(), after.by_node()
    if side_by_side:
        found = [paired_ratio(new[node].blocks, own.blocks) for node, own in old.items() if node in new]
    elif old.keys() == new.keys():
        found = [independent_ratio(new[node]["seconds"].tolist(), own["seconds"].tolist()) for node, own in old.items()]
    else:
        found = [independent_ratio(_replicates(after), _replicates(before))]
    known = [one for one in found if one]
    return compared_over_nodes(known) if known else None


def last_outcomes(campaign: StoredCampaign) -> dict[Case, Outcome]:
    """How the last launch of each case ended."""
    return {case: (own["status"][-1], own["reason"][-1]) for case, own in campaign.launches.items()}


def replicates_of(campaign: StoredCampaign) -> dict[Case, list[float]]:
    """The times of each case's launches; of a case of several nodes one time a node, as its launches share it."""
    return {case: _replicates(own) for case, own in launches_of(campaign).items()}


def _replicates(launches: Launches) -> list[float]:
    nodes = [own["seconds"].tolist() for own in launches.by_node().values()]
    return nodes[0] if len(nodes) == 1 else [geometric(own).value for own in nodes]


def _changes(
    found: Mapping[Case, Comparison], before: Mapping[Case, Launches], after: Mapping[Case, Launches]
) -> tuple[Change, ...]:
    slower = holm({case: comparison.slower for case, comparison in found.items()})
    faster = holm({case: comparison.faster for case, comparison in found.items()})
    return tuple(
        Change(
            case.id,
            case.contestant.id,
            case.workload.id,
            time_over_nodes(before[case]).value,
            time_over_nodes(after[case]).value,
            comparison.ratio,
            slower[case],
            judged := _judge(comparison.ratio, slower[case], faster[case]),
            launches_needed(comparison.ratio)
            if not (judged.is_decided or judge(comparison.ratio).is_decided)
            else math.nan,
        )
        for case, comparison in found.items()
    )


def _judge(ratio: Estimate, slower: float, faster: float) -> Judgement:
    """Slower or faster only if Holm's p values are significant: a gate then errs in at most 5 % of comparisons."""
    if slower < 1 - CONFIDENCE:
        return Judgement(TimingVerdict.SLOWER)
    if faster < 1 - CONFIDENCE:
        return Judgement(TimingVerdict.FASTER)
    return bound(ratio)


def _missing(*sides: tuple[StoredCampaign, Mapping[Case, Any]]) -> dict[str, str]:
    """Cases of either campaign that cannot be compared, with the reason on each side."""
    said = [last_outcomes(campaign) for campaign, _ in sides]
    missing = {}
    for case in dict.fromkeys(case for outcomes in said for case in outcomes):
        reasons = [
            why_missing(campaign.name, outcomes.get(case))
            for (campaign, times), outcomes in zip(sides, said, strict=True)
            if case not in times
        ]
        if reasons:
            missing[case.id] = "; ".join(reasons)
    return missing


def why_missing(name: str, last: Outcome | None) -> str:
    """Why a campaign has no time of a case, from how the last launch of that case ended."""
    return f"{in_words(last[0])} in {name}: {last[1]}" if last else f"not measured in {name}"


def _overall(found: Mapping[Case, Comparison]) -> dict[str, Estimate]:
    """For each contestant, the geometric mean of its ratios over the workloads that all contestants have in both."""
    contestants: dict[str, dict[str, Estimate]] = {}
    for case, comparison in found.items():
        contestants.setdefault(case.contestant.id, {})[case.workload.id] = comparison.ratio
    common = set.intersection(*(set(ratios) for ratios in contestants.values()))
    return (
        {name: geometric_mean([ratios[one] for one in sorted(common)]) for name, ratios in contestants.items()}
        if common
        else {}
    )
