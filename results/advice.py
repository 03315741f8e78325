"""What a reader of a campaign should know before believing it, each with figures and what to do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pandas as pd

from results import quality
from results.quality.stability import MIN_LAUNCHES_BOTH_MODES
from results.schema.record import Status
from results.schema.system import System
from results.stats.estimates import BAND, TimingVerdict
from results.store.campaigns import StoredCampaign
from results.tables import cases as table
from results.tables.launches import launches as launches_of

Note = dict[str, str]
"""{"what": a sentence with figures, "remedy": what to do about it}."""


def warnings_for(campaign: StoredCampaign) -> list[Note]:
    """Sentences about a campaign, the gravest first."""
    cases, launches = table.cases([campaign]), launches_of([campaign])
    return [
        *_unreadable(campaign),
        *_unmeasured(cases),
        *_dropped_out(cases, launches),
        *({"what": one.what, "remedy": one.remedy} for one in campaign.system.warnings),
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
    suite, stop = campaign.system.suite, campaign.system.stop
    if stop not in ("budget", "interrupted"):
        return
    some = _range(sorted(set(cases[cases.status == Status.MEASURED].launches)) or [0])
    why = f"the budget of {suite.budget} s was spent" if stop == "budget" else "it was interrupted"
    yield {
        "what": f"{why} after {some} launches a case; the suite asks for {_asked(suite.launches)}",
        "remedy": f"go on with --resume {campaign.name}, give more time with --budget, or measure less with -k",
    }


def _asked(launches: tuple[int, int] | None) -> str:
    """A suite's launches in words."""
    if launches is None:
        return "an unknown number"
    fewest, most = launches
    return str(most) if fewest == most else f"{fewest} to {most}"


def _flagged(cases: pd.DataFrame, launches: pd.DataFrame) -> Iterator[Note]:
    """A sentence for each flag that some case carries."""
    counting = launches[launches.status == Status.MEASURED]
    last = counting.groupby(["case", "launch", "subset"]).attempt.transform("max")
    launches = counting[counting.attempt == last]
    flagged = cases.assign(flag=cases.quality_flags.str.split(", ")).explode("flag")
    for flag, rows in flagged[flagged.flag != ""].groupby("flag", sort=False):
        found = quality.flags()[str(flag)]
        seen = quality.Flagged(rows, launches[launches.case.isin(rows.case)], cases)
        yield {"what": f"{_count(rows, 'case')}: {found.describe(seen)}", "remedy": found.hint}


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


def _more(system: System, needed: pd.Series, launches: int) -> str:
    """What would settle them: half of them at least, as the rest may take for ever."""
    middle = float(needed.fillna(math.inf).median())
    if not math.isfinite(middle) or not launches:
        return "measure again with --preset standard, which goes on until intervals are narrow"
    minutes = math.nan if system.measuring_seconds is None else system.measuring_seconds / 60 * middle / launches
    time = "" if math.isnan(minutes) else f", about {max(minutes, 1):.1f} min in all"
    return f"{middle:.0f} launches would settle half of them{time}: use --preset standard and a larger --budget"


def _range(counts: Sequence[int]) -> str:
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _count(rows: pd.DataFrame, one: str, more: str = "") -> str:
    return f"1 {one}" if len(rows) == 1 else f"{len(rows)} {more or one + 's'}"


_REMEDIES = {
    Status.SKIPPED: "do what the reason says, then run again",
    Status.MISMATCH: "it does not compute the same network; compare its scores by hand before trusting it",
    Status.OUT_OF_MEMORY: "use a smaller batch or size, or a machine with more memory",
    Status.CRASHED: "read its log; run that case alone with -k; a bug in the framework or its build is likely",
    Status.TIMED_OUT: "raise time_limit in the suite, or --budget if that had ended; or leave the case out with -k",
    Status.FAILED: "read the reason and its log, in the campaign's folder",
}
