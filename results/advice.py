"""Warnings about a campaign, each with figures and a remedy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from impls.host import nvidia
from results import quality, words
from results.quality.stability import MIN_LAUNCHES_BOTH_MODES
from results.schema.columns import PARITY, USAGE, WORKLOAD
from results.schema.record import Status
from results.schema.system import NodeFacts
from results.stats.nodes import FEWEST_NODES
from results.stats.verdicts import TimingVerdict
from results.store.campaigns import StoredCampaign
from results.tables import cases as table
from results.tables.controls import control_of
from results.tables.launches import NAMES
from results.tables.launches import launches as launches_of
from results.tables.nodes import scope_of, summaries_of
from results.words import in_words, stop_reason

MOST_DIFFERING = 0.5
"""Of the ratios of a node: with more that differ from other nodes, the machine is the likely cause."""
MOST_SLOWER = 0.1
"""Nodes of one type whose times differ by more, in the middle of their cases, are hardly alike."""

_COMMON = {one.name for one in (*WORKLOAD, *USAGE, *PARITY)} | {"usage_missing", "allocator_source", "started"}
OF_LAUNCHES = ("case", "contestant", *(name for name in NAMES if name not in _COMMON))
"""Columns of launches that warnings, and descriptions of flags, may use; of what a case has in common, see its row."""
Note = dict[str, str]
"""{"what": a sentence with figures, "remedy": what to do about it}."""


def warnings_for(campaign: StoredCampaign) -> list[Note]:
    """Warnings about a campaign, the most severe first."""
    cases, launches = table.cases([campaign]), launches_of([campaign], OF_LAUNCHES, compact=True)
    return [
        *_unreadable(campaign),
        *_unmeasured(cases),
        *_dropped_out(cases, launches),
        *({"what": one.what, "remedy": one.remedy} for one in campaign.system.warnings),
        *_stopped(campaign, cases),
        *_flagged(cases, launches),
        *_few(cases),
        *_repeated(cases),
        *_subsets(campaign, cases),
        *_undecided(campaign, cases),
        *_noisy(campaign),
        *_nodes(campaign),
    ]


def _unreadable(campaign: StoredCampaign) -> Iterator[Note]:
    for problem in campaign.problems:
        yield {"what": f"left out, unreadable: {problem}", "remedy": "none; the other records are used"}


def _unmeasured(cases: pd.DataFrame) -> Iterator[Note]:
    for _, rows in cases[cases.status != Status.MEASURED].groupby(["status", "reason"], sort=False):
        status, reason = Status(rows.status.iloc[0]), rows.reason.iloc[0]
        contestants = ", ".join(dict.fromkeys(rows.contestant))
        what = f"{_count(rows, 'case')} {in_words(status)} ({contestants}): {reason}{_logs(rows)}"
        yield {"what": what, "remedy": _REMEDIES[status]}


def _dropped_out(cases: pd.DataFrame, launches: pd.DataFrame) -> Iterator[Note]:
    """Warn of measured cases with launches that failed."""
    measured = cases[cases.status == Status.MEASURED].case
    lost = launches[(launches.status != Status.MEASURED) & launches.case.isin(measured)]
    for _, rows in lost.groupby(["status", "reason"], sort=False):
        status, reason = Status(rows.status.iloc[0]), rows.reason.iloc[0]
        contestants = ", ".join(dict.fromkeys(rows.contestant))
        what = f"{_count(rows, 'launch', 'launches')} {in_words(status)} ({contestants})"
        yield {"what": f"{what}: {reason}{_logs(rows)}", "remedy": _REMEDIES[status]}


def _logs(rows: pd.DataFrame) -> str:
    """The paths of their logs, relative to the campaign's folder."""
    first, *more = dict.fromkeys(rows.log[rows.log.notna() & (rows.log != "")]) or [""]
    return f" (log: {first}{f' and {len(more)} more' if more else ''})" if first else ""


def _stopped(campaign: StoredCampaign, cases: pd.DataFrame) -> Iterator[Note]:
    suite, stop = campaign.system.suite, campaign.system.stop
    if stop not in ("budget", "interrupted"):
        return
    after = _range(sorted(set(cases[cases.status == Status.MEASURED].launches)) or [0])
    yield {
        "what": f"{stop_reason(stop, suite.budget)} after {after} launches per case; "
        f"the suite asks for {_asked(suite.launches)}",
        "remedy": f"resume with --resume {campaign.name}, raise --budget, or select fewer cases with -k",
    }


def _asked(launches: tuple[int, int] | None) -> str:
    """The number of launches of a suite in words."""
    if launches is None:
        return "an unknown number"
    fewest, most = launches
    return str(most) if fewest == most else f"{fewest} to {most}"


def _flagged(cases: pd.DataFrame, launches: pd.DataFrame) -> Iterator[Note]:
    """A warning for each flag that is raised for a case."""
    if not (cases.quality_flags != "").any():
        return
    measured = launches.status == Status.MEASURED
    last = launches.loc[measured].groupby(["case", "node", "launch", "subset"]).attempt.transform("max")
    launches = launches[measured & (launches.attempt == last.reindex(launches.index))]
    flagged = cases.assign(flag=cases.quality_flags.str.split(", ")).explode("flag")
    for flag, rows in flagged[flagged.flag != ""].groupby("flag", sort=False):
        found = quality.flags()[str(flag)]
        seen = quality.Flagged(rows, launches[launches.case.isin(rows.case)], cases)
        yield {"what": f"{_count(rows, 'case')}: {found.describe(seen)}", "remedy": found.hint}


def _few(cases: pd.DataFrame) -> Iterator[Note]:
    """Warn if launches are too few to detect intervals that are too narrow."""
    few = cases[(cases.launches > 1) & (cases.launches < MIN_LAUNCHES_BOTH_MODES)]
    if len(few):
        launches = _range(sorted(set(few.launches)))
        yield {
            "what": f"{_count(few, 'case')}: {launches} launches may be too few to detect a bimodal case; "
            "if all launches are of one mode, intervals are too narrow",
            "remedy": "for important results use --preset strict, "
            f"or at least {MIN_LAUNCHES_BOTH_MODES} `launches` in the suite",
        }


def _repeated(cases: pd.DataFrame) -> Iterator[Note]:
    if count := int(cases.repeated_launches.sum()):
        yield {
            "what": f"{count} launches were repeated because their blocks were disturbed; "
            "the disturbed ones are excluded",
            "remedy": "none; a quieter machine needs fewer repetitions",
        }


def _subsets(campaign: StoredCampaign, cases: pd.DataFrame) -> Iterator[Note]:
    is_exclusive = any(card.compute_mode == nvidia.EXCLUSIVE for card in campaign.system.machine.cards or ())
    why, remedy = (
        ("could not share the GPU", "nvidia-smi -c DEFAULT lets several processes compute on it")
        if is_exclusive
        else ("did not fit in memory", "raise `memory` in the suite if the machine has more, or use a smaller batch")
    )
    apart = cases[cases.subsets > 1]
    if len(apart):
        ratios = apart.pairs.where(apart.contestant != apart.reference, 0).any()
        how = "each with the reference, ratios paired within a subset" if ratios else "one contestant each, no ratios"
        yield {
            "what": f"{_count(apart.drop_duplicates('group'), 'group')} {why} and ran in "
            f"{apart.subsets.max()} subsets, {how}",
            "remedy": remedy,
        }


def _undecided(campaign: StoredCampaign, cases: pd.DataFrame) -> Iterator[Note]:
    judged = table.judgements(cases)
    undecided = cases[cases.launches_needed.notna() | (cases.verdict == TimingVerdict.UNCLEAR)]
    if not len(undecided):
        return
    unclear = undecided[undecided.verdict == TimingVerdict.UNCLEAR]
    bounded = undecided.within_percent.dropna()
    parts = [f"{len(unclear)} unclear"] if len(unclear) else []
    parts += [f"{len(bounded)} within {_range(sorted(map(int, set(bounded))))} %"] if len(bounded) else []
    widest = ((undecided.ratio_high - undecided.ratio_low) / 2 / undecided.ratio).max()
    width = "unknown, from one launch" if math.isnan(widest) else f"up to ±{widest:.0%}"
    peaks = ", those of the machine's peaks included," if (cases.peak_probe != "").any() else ""
    yield {
        "what": f"{len(undecided)} of {len(judged)} verdicts{peaks} are undecided ({', '.join(parts)}): "
        f"intervals {width}",
        "remedy": _more(campaign, len(undecided), undecided.launches_needed, int(undecided.launches.max())),
    }


def _noisy(campaign: StoredCampaign) -> Iterator[Note]:
    """A sentence where controls show more than the intervals of ratios allow."""
    control = control_of(campaign)
    if not control.believable:
        yield {
            "what": f"too noisy to believe: {words.control(control)}; all verdicts are unclear",
            "remedy": "stop what else is running on the machine, and measure again",
        }
    elif control.inflation > 1:
        yield {
            "what": f"intervals of ratios are {_up_to(campaign)}{control.inflation:.2f} times as wide as launches "
            f"suggest, since {control.pairs} controls (the same code against itself) differ by more than those allow",
            "remedy": "none; on a quieter machine they are narrower",
        }


def _nodes(campaign: StoredCampaign) -> Iterator[Note]:
    """Warn of nodes that are no replicates of each other, and of verdicts that are not of the machine type."""
    yield from _software(campaign.system.nodes)
    for node in summaries_of(campaign):
        if node.differing > MOST_DIFFERING * node.tested:
            yield {
                "what": f"node {node.node} differs from the other nodes in {node.differing} of {node.tested} ratios",
                "remedy": "suspect the machine: run `python -m bench doctor` on it, then measure again without it",
            }
        if abs(math.log(node.relative_seconds)) > math.log1p(MOST_SLOWER):
            yield {
                "what": f"node {node.node} takes {node.relative_seconds:.2f} times as long as the other nodes in the "
                "middle of its cases; ratios are within a node and less affected",
                "remedy": "suspect the machine: compare its clock, cooling, memory and other load with the others'",
            }
    scope = scope_of(campaign)
    if scope and (two := scope.ratios.get(2, 0)):
        yield {
            "what": f"{two} of {sum(scope.ratios.values())} ratios are from two nodes: their verdicts are of these two "
            "machines, not of the machine type",
            "remedy": f"measure on {FEWEST_NODES} nodes of this type or more for intervals over nodes",
        }


def _up_to(campaign: StoredCampaign) -> str:
    """Before a factor that is of the node with the largest."""
    scope = scope_of(campaign)
    return "up to " if scope and len(scope.nodes) > 1 else ""


def _software(nodes: Mapping[str, NodeFacts]) -> Iterator[Note]:
    digests: dict[str, list[str]] = {}
    for name, facts in nodes.items():
        if facts.environment:
            digests.setdefault(facts.environment, []).append(name)
    if len(digests) > 1:
        said = "; ".join(f"{', '.join(names)}: {digest[:12]}" for digest, names in digests.items())
        yield {
            "what": f"nodes have {len(digests)} different digests of their software ({said}): a difference between "
            "nodes may be one of versions",
            "remedy": "install the same versions on all nodes, then measure again",
        }


def _more(campaign: StoredCampaign, undecided: int, needed: pd.Series, launches: int) -> str:
    """What would decide more of them: by the schedule's own estimate, or by launches in campaigns without one."""
    system, left = campaign.system, campaign.system.remainder
    if left is not None and left.decidable and left.seconds:
        budget = f"{max(math.ceil(left.seconds / 60), 1)}m"
        of_them = "of them" if left.decidable <= undecided else "verdicts, also of networks without a launch"
        return f"--resume {campaign.name} --budget {budget} is expected to decide {left.decidable} {of_them}"
    middle = float(needed.fillna(math.inf).median())
    if not math.isfinite(middle) or not launches:
        return "repeat with --preset standard, which measures until intervals are narrow"
    scope = scope_of(campaign)
    if scope and max(scope.ratios, default=0) >= FEWEST_NODES:
        return f"measure on more nodes of this type: about {middle:.0f} launches in all are needed for half of them"
    minutes = math.nan if system.measuring_seconds is None else system.measuring_seconds / 60 * middle / launches
    time = "" if math.isnan(minutes) else f" (about {max(minutes, 1):.1f} min in total)"
    return f"{middle:.0f} launches are needed for half of them{time}: use --preset standard and a larger --budget"


def _range(counts: Sequence[int]) -> str:
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _count(rows: pd.DataFrame, one: str, more: str = "") -> str:
    return f"1 {one}" if len(rows) == 1 else f"{len(rows)} {more or one + 's'}"


_REMEDIES = {
    Status.SKIPPED: "nothing to do where that is intended; else resolve the reason, then run again",
    Status.MISMATCH: "it computes a different network; compare its outputs with the others' before using it",
    Status.OUT_OF_MEMORY: "use a smaller batch or size, or a machine with more memory",
    Status.CRASHED: "read its log; run only this case with -k; the likely cause is a bug in the framework or its build",
    Status.TIMED_OUT: "raise time_limit in the suite, or --budget if it was spent; or exclude the case with -k",
    Status.FAILED: "read the reason and the log in the campaign's folder",
}
