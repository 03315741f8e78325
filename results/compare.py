"""Two campaigns, case by case: did something become slower?

Launches of two campaigns never ran side by side, so they are compared as independent samples (Welch, on logarithms),
and what changed between the two besides the candidate is in the difference. Two interpreters of one campaign
(results.interpreters) did run side by side: their launches are paired, which is the better measurement.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from results.counting import by_block, counted
from results.journal import ResultsError
from results.record import Case, Record
from results.statistics import (
    CONFIDENCE,
    Comparison,
    Estimate,
    Verdict,
    geometric,
    geometric_mean,
    holm,
    independent_ratio,
    launches_needed,
    paired_ratio,
    verdict,
)
from results.store import Campaign

SAME_SYSTEM = ("cpu", "cores", "threads", "memory in GiB", "os", "architecture", "gpus", "usable cores")
"""What of a machine must be equal; kernel, drivers and Python may be what is compared, and are only named."""
WORTH_NAMING = ("kernel", "python", "drivers", "preset", "fresh")


Times = Mapping[object, float]
"""Of a case: a launch's seconds by the block that it ran in."""


@dataclass(frozen=True)
class Change:
    """One case in both campaigns. `p_slower` is Holm's, over all cases; NaN with a single launch on a side."""

    case: str
    contestant: str
    workload: str
    baseline_seconds: float
    candidate_seconds: float
    ratio: Estimate
    p_slower: float
    verdict: Verdict
    launches_needed: float


@dataclass(frozen=True)
class Report:
    """What became of the baseline's cases. `missing`: case -> which side lacks it, and why."""

    baseline: str
    candidate: str
    changes: tuple[Change, ...]
    missing: Mapping[str, str]
    overall: Mapping[str, Estimate]
    differences: tuple[str, ...]

    @property
    def slower(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.verdict is Verdict.SLOWER)


def compare(
    baseline: Campaign, candidate: Campaign, across_systems: bool = False, side_by_side: bool = False
) -> Report:
    """The candidate's times over the baseline's; `side_by_side` where both are of one campaign.

    ResultsError if the systems differ and `across_systems` is not set, or if no case was measured in both.
    """
    different = system_differences(baseline, candidate, SAME_SYSTEM)
    if different and not across_systems:
        raise ResultsError(
            f"{baseline.name} and {candidate.name} are of different systems ({'; '.join(different)}); "
            "measure both on one machine, or say --across-systems"
        )
    before, after = _times(baseline), _times(candidate)
    both = [case for case in before if case in after]
    if not both:
        raise ResultsError(f"no case was measured both in {baseline.name} and in {candidate.name}; nothing to compare")
    ratio = paired_ratio if side_by_side else _independent_ratio
    found = {case: comparison for case in both if (comparison := ratio(after[case], before[case]))}
    changes = _changes(found, before, after)
    missing = _missing((baseline, before), (candidate, after))
    named = (
        *different,
        *system_differences(baseline, candidate, WORTH_NAMING),
        *_version_differences(baseline, candidate),
    )
    return Report(baseline.name, candidate.name, changes, missing, _overall(found), named)


def system_differences(baseline: Campaign, candidate: Campaign, keys: Iterable[str]) -> tuple[str, ...]:
    """What differs between two machines, among `keys`, in words."""
    one, other = _described(baseline.system), _described(candidate.system)
    return tuple(f"{key} {one.get(key)} and {other.get(key)}" for key in keys if one.get(key) != other.get(key))


def _described(system: Mapping[str, Any]) -> dict[str, Any]:
    """The machine of a system.json, as far as two are compared."""
    machine, suite = system.get("machine", {}), system.get("suite", {})
    gpus, memory = machine.get("gpus") or [], machine.get("memory_bytes")
    return {
        **machine,
        "memory in GiB": round(memory / 2**30) if memory else None,  # a kernel keeps some for itself, more or less
        "gpus": [gpu.get("name") for gpu in gpus],
        "drivers": [gpu.get("driver") for gpu in gpus],
        "usable cores": system.get("settings", {}).get("cores"),
        "preset": suite.get("preset"),
        "fresh": suite.get("fresh"),
    }


def _version_differences(baseline: Campaign, candidate: Campaign) -> Iterable[str]:
    for contestant, said in baseline.system.get("contestants", {}).items():
        before = said.get("versions", {})
        after = candidate.system.get("contestants", {}).get(contestant, {}).get("versions", before)
        for package in before:
            if before[package] != after.get(package):
                yield f"{package} {before[package]} and {after.get(package)}"


def _times(campaign: Campaign) -> dict[Case, Times]:
    launches: dict[Case, list[Record]] = {}
    for record in counted(campaign.records):
        launches.setdefault(record.case, []).append(record)
    return {case: by_block(own) for case, own in launches.items()}


def _independent_ratio(times: Times, reference: Times) -> Comparison | None:
    return independent_ratio(list(times.values()), list(reference.values()))


def _changes(
    found: Mapping[Case, Comparison], before: Mapping[Case, Times], after: Mapping[Case, Times]
) -> tuple[Change, ...]:
    slower = holm({case: comparison.slower for case, comparison in found.items()})
    faster = holm({case: comparison.faster for case, comparison in found.items()})
    return tuple(
        Change(
            case.id,
            case.contestant.id,
            case.workload.id,
            geometric(list(before[case].values())).value,
            geometric(list(after[case].values())).value,
            comparison.ratio,
            slower[case],
            judged := _verdict(comparison.ratio, slower[case], faster[case]),
            launches_needed(comparison.ratio) if judged is verdict(comparison.ratio) is Verdict.UNCLEAR else math.nan,
        )
        for case, comparison in found.items()
    )


def _verdict(ratio: Estimate, slower: float, faster: float) -> Verdict:
    """Slower and faster only where Holm's p values say so; then a gate errs in at most 5 % of comparisons."""
    if slower < 1 - CONFIDENCE:
        return Verdict.SLOWER
    if faster < 1 - CONFIDENCE:
        return Verdict.FASTER
    return Verdict.DEAD_HEAT if verdict(ratio) is Verdict.DEAD_HEAT else Verdict.UNCLEAR


def _missing(*sides: tuple[Campaign, Mapping[Case, Any]]) -> dict[str, str]:
    """Cases that either campaign speaks of and that cannot be compared, with what is the matter on each side."""
    said = [{record.case: record for record in campaign.records} for campaign, _ in sides]  # the last of each case
    missing = {}
    for case in dict.fromkeys(case for records in said for case in records):
        reasons = [
            _why_missing(campaign.name, records.get(case))
            for (campaign, times), records in zip(sides, said, strict=True)
            if case not in times
        ]
        if reasons:
            missing[case.id] = "; ".join(reasons)
    return missing


def _why_missing(name: str, last: Record | None) -> str:
    return f"{last.status.value.replace('_', ' ')} in {name}: {last.reason}" if last else f"not measured in {name}"


def _overall(found: Mapping[Case, Comparison]) -> dict[str, Estimate]:
    """By contestant, the geometric mean of its ratios over the workloads that all contestants have in both."""
    contestants: dict[str, dict[str, Estimate]] = {}
    for case, comparison in found.items():
        contestants.setdefault(case.contestant.id, {})[case.workload.id] = comparison.ratio
    common = set.intersection(*(set(ratios) for ratios in contestants.values()))
    return (
        {name: geometric_mean([ratios[one] for one in sorted(common)]) for name, ratios in contestants.items()}
        if common
        else {}
    )
