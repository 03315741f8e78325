"""What a reader of a campaign should know before believing it, each with figures and what to do."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from results.quality.health import MIN_LAUNCHES_BOTH_MODES, STEAL_SHARE, THROTTLED_SHARE, drift, split_modes
from results.quality.plausibility import implausible
from results.schema.record import Status
from results.stats.estimates import BAND, TimingVerdict, geometric
from results.store.campaigns import StoredCampaign
from results.tables import cases as table
from results.tables.launches import launches as launches_of
from results.units import duration

Note = dict[str, str]
"""{"what": a sentence with figures, "remedy": what to do about it}."""


def warnings_for(campaign: StoredCampaign) -> list[Note]:
    """Sentences about a campaign, the gravest first."""
    cases, launches = table.cases([campaign]), launches_of([campaign])
    return [
        *_unreadable(campaign),
        *_unmeasured(cases),
        *_dropped_out(cases, launches),
        *campaign.system.get("warnings", ()),
        *_stopped(campaign, cases),
        *_flagged(cases, launches),
        *_few(cases),
        *_repeated(cases),
        *_subsets(cases),
        *_unclear(campaign, cases),
    ]


def _unreadable(campaign: StoredCampaign) -> Iterator[Note]:
    for problem in campaign.problems:
        yield {"what": f"left out, unreadable: {problem}", "remedy": "nothing to do; what could be read is here"}


def _unmeasured(cases: pd.DataFrame) -> Iterator[Note]:
    for _, rows in cases[cases.status != Status.MEASURED].groupby(["status", "reason"], sort=False):
        status, reason = Status(rows.status.iloc[0]), rows.reason.iloc[0]
        contestants = ", ".join(dict.fromkeys(rows.contestant))
        what = f"{_count(rows, 'case')} {status.value.replace('_', ' ')} ({contestants}): {reason}{_logs(rows)}"
        yield {"what": what, "remedy": _REMEDIES[status]}


def _dropped_out(cases: pd.DataFrame, launches: pd.DataFrame) -> Iterator[Note]:
    """Cases that were measured, until they failed."""
    measured = cases[cases.status == Status.MEASURED].case
    lost = launches[(launches.status != Status.MEASURED) & launches.case.isin(measured)]
    for _, rows in lost.groupby(["status", "reason"], sort=False):
        status, reason = Status(rows.status.iloc[0]), rows.reason.iloc[0]
        contestants = ", ".join(dict.fromkeys(rows.contestant))
        what = f"{_count(rows, 'launch', 'launches')} {status.value.replace('_', ' ')} ({contestants})"
        yield {"what": f"{what}: {reason}{_logs(rows)}", "remedy": _REMEDIES[status]}


def _logs(rows: pd.DataFrame) -> str:
    """Where what they had printed is kept, below the campaign's folder."""
    first, *more = dict.fromkeys(rows.log[rows.log.notna() & (rows.log != "")]) or [""]
    return f" (log: {first}{f' and {len(more)} more' if more else ''})" if first else ""


def _stopped(campaign: StoredCampaign, cases: pd.DataFrame) -> Iterator[Note]:
    suite, stop = campaign.system.get("suite", {}), campaign.system.get("stop")
    if stop not in ("budget", "interrupted"):
        return
    some = _range(sorted(set(cases[cases.status == Status.MEASURED].launches)) or [0])
    why = f"the budget of {suite.get('budget')} s was spent" if stop == "budget" else "it was interrupted"
    yield {
        "what": f"{why} after {some} launches a case; the suite asks for {_asked(suite.get('launches'))}",
        "remedy": f"go on with --resume {campaign.name}, give more time with --budget, or measure less with -k",
    }


def _asked(launches: Any) -> str:
    """A suite's launches in words; older campaigns hold one number."""
    fewest, most = launches if isinstance(launches, list) else (launches, launches)
    return str(most) if fewest == most else f"{fewest} to {most}"


def _flagged(cases: pd.DataFrame, launches: pd.DataFrame) -> Iterator[Note]:
    """A sentence for each flag that some case carries."""
    counting = launches[launches.status == Status.MEASURED]
    last = counting.groupby(["case", "launch", "subset"]).attempt.transform("max")
    launches = counting[counting.attempt == last]
    flagged = cases.assign(flag=cases.quality_flags.str.split(", ")).explode("flag")
    for flag, rows in flagged[flagged.flag != ""].groupby("flag", sort=False):
        describe, remedy = FLAGS[str(flag)]
        seen = Flagged(rows, launches[launches.case.isin(rows.case)], cases)
        yield {"what": f"{_count(rows, 'case')}: {describe(seen)}", "remedy": remedy}


def _few(cases: pd.DataFrame) -> Iterator[Note]:
    """A sentence where launches are so few that no flag may say that intervals are too narrow."""
    few = cases[(cases.launches > 1) & (cases.launches < MIN_LAUNCHES_BOTH_MODES)]
    if len(few):
        launches = _range(sorted(set(few.launches)))
        yield {
            "what": f"{_count(few, 'case')}: {launches} launches may be too few to show two kinds, if there are any; "
            "where all happen to be of one, intervals are too narrow",
            "remedy": "where much rests on it, use --preset strict, "
            f"or `launches` of {MIN_LAUNCHES_BOTH_MODES} and more in the suite",
        }


def _repeated(cases: pd.DataFrame) -> Iterator[Note]:
    if count := int(cases.repeated_launches.sum()):
        yield {
            "what": f"{count} launches were made again, as their blocks were disturbed; the first count in nothing",
            "remedy": "nothing to do, but a quieter machine would be faster at this",
        }


def _subsets(cases: pd.DataFrame) -> Iterator[Note]:
    apart = cases[cases.subsets > 1]
    if len(apart):
        ratios = apart.pairs.where(apart.contestant != apart.reference, 0).any()
        how = "with the reference in each; ratios pair within a part" if ratios else "everyone alone: there is no ratio"
        yield {
            "what": f"{_count(apart.drop_duplicates('group'), 'group')} did not fit in memory: "
            f"{apart.subsets.max()} parts, {how}",
            "remedy": "raise `memory` in the suite if the machine has more, or use a smaller batch",
        }


def _unclear(campaign: StoredCampaign, cases: pd.DataFrame) -> Iterator[Note]:
    judged = cases[cases.verdict.notna() & (cases.verdict != "")]
    unclear = judged[judged.verdict == TimingVerdict.UNCLEAR]
    if not len(unclear):
        return
    widest = ((unclear.ratio_high - unclear.ratio_low) / 2 / unclear.ratio).max()
    width = "unknown, from one launch" if math.isnan(widest) else f"up to ±{widest:.0%}"
    yield {
        "what": f"{len(unclear)} of {len(judged)} verdicts are unclear: intervals {width}, band ±{BAND:.0%}",
        "remedy": _more(campaign.system, unclear.launches_needed, int(unclear.launches.max())),
    }


def _more(system: Mapping[str, Any], needed: pd.Series, launches: int) -> str:
    """What would settle them: half of them at least, as the rest may take for ever."""
    middle = float(needed.fillna(math.inf).median())
    if not math.isfinite(middle) or not launches:
        return "measure again with --preset standard, which goes on until intervals are narrow"
    minutes = system.get("measuring_seconds", math.nan) / 60 * middle / launches
    time = "" if math.isnan(minutes) else f", about {max(minutes, 1):.1f} min in all"
    return f"{middle:.0f} launches would settle half of them{time}: use --preset standard and a larger --budget"


def _range(counts: Sequence[int]) -> str:
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _launches(count: int) -> str:
    return "1 launch" if count == 1 else f"{count} launches"


def _count(rows: pd.DataFrame, one: str, more: str = "") -> str:
    return f"1 {one}" if len(rows) == 1 else f"{len(rows)} {more or one + 's'}"


@dataclass(frozen=True)
class Flagged:
    """The cases that carry a flag, their launches that count, and all cases of the campaign."""

    rows: pd.DataFrame
    launches: pd.DataFrame
    cases: pd.DataFrame

    def times(self) -> Iterator[tuple[str, list[float]]]:
        """Each case's launches in the order in which they ran."""
        for case, own in self.launches.groupby("case", sort=False):
            yield str(case), own.seconds.tolist()


def _kinds(seen: Flagged) -> str:
    """The two kinds of the case where they are furthest apart."""
    found = [(case, both) for case, times in seen.times() if (both := split_modes(times))]
    case, both = max(found, key=lambda one: geometric(one[1][1]).value / geometric(one[1][0]).value)
    parts = " and ".join(f"{_launches(len(kind))} of {duration(geometric(kind).value)}" for kind in both)
    return f"launches fall into two kinds ({parts} in {case}); a mean describes neither, its interval may be too narrow"


def _drift(seen: Flagged) -> str:
    """The way of the case that goes furthest."""
    case, most = max(((case, drift(times)) for case, times in seen.times()), key=lambda one: abs(one[1]))
    way = f"by {most:+.1%} from the first to the last in {case}"
    return f"launches grow or shrink as the campaign goes on ({way}): times are of no one state; ratios are paired"


def _above_ceiling(seen: Flagged) -> str:
    highest = seen.rows.nlargest(1, "fraction_of_peak").iloc[0]
    return (
        "more multiply-accumulates a second than the probes of this machine's ceiling reached, up to "
        f"{highest.fraction_of_peak:.2f} times as many in {highest.case}"
    )


def _less_for_more(seen: Flagged) -> str:
    """The first such case, beside one with a part of its work."""
    more: Any = seen.rows.iloc[0].to_dict()
    others: Any = seen.cases[seen.cases.contestant == more["contestant"]].to_dict("records")
    less = next(other for other in others if "non_monotonic" in implausible([other, more]).get(more["case"], ()))
    times = f"{duration(more['seconds'])} for {more['case']}, {duration(less['seconds'])} for {less['case']}"
    return f"less time than the same contestant takes for a part of that work ({times})"


def _unsteady(seen: Flagged) -> str:
    return f"steps had not settled when warm-up ended, in {_launches((seen.launches.warmup_converged == False).sum())}"  # noqa: E712


FLAGS: Mapping[str, tuple[Callable[[Flagged], str], str]] = {
    "cpu_contention": (
        lambda seen: (
            f"other processes took up to {seen.launches.other_cpus_used.max():.2f} cores beside a launch, "
            f"{seen.launches.other_cpus_used.mean():.2f} on average"
        ),
        "stop what else is running (top shows it), then measure these again with -k",
    ),
    "steal": (
        lambda seen: (
            f"the hypervisor took up to {seen.launches.steal.max():.1%} of a launch's cores for others, more than "
            f"{STEAL_SHARE:.0%} disturbs"
        ),
        "use a machine, or a time, with fewer neighbours; compare only within this campaign",
    ),
    "throttled": (
        lambda seen: (
            f"a CPU quota was used up, in up to {seen.launches.throttled_periods.max():.0f} periods of a launch, and "
            f"withheld up to {seen.launches.throttled.max():.1%} of its cores' time, more than {THROTTLED_SHARE:.0%} "
            "disturbs"
        ),
        "raise the container's quota (docker --cpus), bind it to whole cores instead (docker --cpuset-cpus), or leave "
        "out --as-shipped, which starts more threads than a quota allows",
    ),
    "warmup_not_converged": (
        _unsteady,
        "raise warmup_limit in the suite; if they never settle, look at the rounds in results.load()",
    ),
    "major_faults": (
        lambda seen: f"memory came from a disk {seen.launches.major_faults.sum():.0f} times while rounds ran",
        "free memory, or lower `memory` in the suite so that fewer contestants are alive together",
    ),
    "fallback": (
        lambda seen: f"not executed as asked: {seen.launches.fallback[seen.launches.fallback != ''].iloc[0]}",
        "warm times of these are of a mixture; give it fewer shapes (buckets, grouped), or an execution of open shapes",
    ),
    "bimodal": (
        _kinds,
        "look at the launches in the report; thread placement or the allocator are usual causes: try --as-shipped",
    ),
    "drift": (
        _drift,
        "let the machine reach its temperature, or fix its clock; trust the ratios rather than the times",
    ),
    "empty_parity": (
        lambda seen: (
            "that contestants agree is no evidence of the same network: "
            f"{seen.rows.parity_shows_nothing.replace('', None).dropna().iloc[0]}"
        ),
        "compare them on a workload with more classes or other images before trusting these",
    ),
    "above_peak": (
        _above_ceiling,
        "look whether the step does all its work; a fast algorithm (Winograd) on a large card may explain up to 2.25",
    ),
    "non_monotonic": (
        _less_for_more,
        "measure them again, with more launches; if it stays, the step does not do what its name says",
    ),
}
"""By the flags that a case may carry (results.quality.health.flags, results.quality.plausibility.doubts): a sentence,
what to do."""

_REMEDIES = {
    Status.SKIPPED: "do what the reason says, then run again",
    Status.MISMATCH: "it does not compute the same network; compare its scores by hand before trusting it",
    Status.OUT_OF_MEMORY: "use a smaller batch or size, or a machine with more memory",
    Status.CRASHED: "read its log; run that case alone with -k; a bug in the framework or its build is likely",
    Status.TIMED_OUT: "raise time_limit in the suite, or --budget if that had ended; or leave the case out with -k",
    Status.FAILED: "read the reason and its log, in the campaign's folder",
}
