"""What a reader of a campaign should know before believing it, each with figures and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from results import table
from results.record import Status
from results.statistics import BAND, Verdict
from results.store import Campaign


def of(campaign: Campaign) -> list[dict[str, str]]:
    """Sentences about a campaign: {"what": ..., "remedy": ...}, the gravest first."""
    return [*_unmeasured(campaign), *campaign.system.get("warnings", ()), *_stopped(campaign), *_unclear(campaign)]


def _unmeasured(campaign: Campaign) -> Iterator[dict[str, str]]:
    frame = table.cases([campaign])
    for _, rows in frame[frame.status != Status.MEASURED].groupby(["status", "reason"], sort=False):
        status, reason = Status(rows.status.iloc[0]), rows.reason.iloc[0]
        contestants = ", ".join(dict.fromkeys(rows.contestant))
        count = "1 case" if len(rows) == 1 else f"{len(rows)} cases"
        what = f"{count} {status.value.replace('_', ' ')} ({contestants}): {reason}"
        yield {"what": what, "remedy": _REMEDIES[status]}


def _stopped(campaign: Campaign) -> Iterator[dict[str, str]]:
    suite = campaign.system.get("suite", {})
    if campaign.system.get("stop") == "budget":
        done = 1 + max((record.launch for record in campaign.records), default=-1)
        yield {
            "what": f"the budget of {suite.get('budget')} s allowed {done} of {suite.get('launches')} launches a case",
            "remedy": "give more time with --budget, or measure less with -k",
        }


def _unclear(campaign: Campaign) -> Iterator[dict[str, str]]:
    frame = table.cases([campaign])
    judged = frame[frame.verdict.notna() & (frame.verdict != "")]
    unclear = judged[judged.verdict == Verdict.UNCLEAR]
    if len(unclear):
        widest = ((unclear.ratio_high - unclear.ratio_low) / 2 / unclear.ratio).max()
        width = "unknown, from one launch" if widest != widest else f"up to ±{widest:.0%}"
        yield {
            "what": f"{len(unclear)} of {len(judged)} verdicts are unclear: intervals {width}, band ±{BAND:.0%}",
            "remedy": "more launches narrow them: raise `launches` and `budget` in a copy of the suite",
        }


_REMEDIES = {
    Status.SKIPPED: "do what the reason says, then run again",
    Status.MISMATCH: "it does not compute the same network; compare its scores by hand before trusting it",
    Status.OUT_OF_MEMORY: "use a smaller batch or size, or a machine with more memory",
    Status.CRASHED: "run that case alone with -k; a bug in the framework or its build is likely",
    Status.TIMED_OUT: "raise time_limit in the suite, or leave the case out with -k",
    Status.FAILED: "run that case alone with -k and read the reason",
}
