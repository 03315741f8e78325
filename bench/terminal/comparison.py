"""A comparison of two campaigns as JSON, as Markdown for a pull request, and on the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from bench.terminal.case_tables import STYLES
from impls.terminal import console
from results.compare.pairwise import Change, Report
from results.stats.estimates import Estimate
from results.units import step_time
from results.words import VERDICT_ORDER


def as_json(report: Report) -> dict[str, Any]:
    """What `python -m bench compare --json` prints; NaN where something is unknown."""
    return {
        "baseline": report.baseline,
        "candidate": report.candidate,
        "slower": [change.case for change in report.slower],
        "cases": [
            {
                "case": change.case,
                "baseline_seconds": change.baseline_seconds,
                "candidate_seconds": change.candidate_seconds,
                **ratio_json(change.ratio),
                "p_slower": change.p_slower,
                "verdict": change.verdict.value,
                "within_percent": change.judgement.percent,
                "launches_needed": change.launches_needed,
            }
            for change in report.changes
        ],
        "overall": {name: ratio_json(estimate) for name, estimate in report.overall.items()},
        "missing": dict(report.missing),
        "differences": list(report.differences),
        "problems": list(report.problems),
    }


def ratio_json(estimate: Estimate) -> dict[str, float]:
    """A ratio's part of an object in JSON."""
    return {"ratio": estimate.value, "ratio_low": estimate.low, "ratio_high": estimate.high}


def as_markdown(report: Report) -> str:
    """A table for a pull request: slower and faster cases first, then the others, then cases that were not compared."""
    lines = [
        f"**{report.headline()}** ({report.candidate} against {report.baseline})",
        "",
        "| case | baseline | candidate | ratio | 95 % interval | verdict |",
        "|---|---:|---:|---:|---|---|",
    ]
    for change in _sorted(report):
        times = f"{step_time(change.baseline_seconds)} | {step_time(change.candidate_seconds)}"
        judged = f"{change.ratio.value:.3f} | {interval(change.ratio)} | {change.judgement}"
        lines.append(f"| `{change.case}` | {times} | {judged} |")
    lines += ["", *(f"- {name}: {_overall_words(estimate)}" for name, estimate in report.overall.items())]
    lines += ["", *(f"- not compared: `{case}`: {why}" for case, why in report.missing.items())]
    lines += ["", *(f"- differs: {what}" for what in report.differences)]
    lines += ["", *(f"- {line}" for line in unreadable(report.problems))]
    return "\n".join(lines).strip()


def _overall_words(estimate: Estimate) -> str:
    return f"geometric mean of ratios {estimate.value:.3f} {interval(estimate)} over {estimate.launches} workloads"


def interval(estimate: Estimate) -> str:
    """The interval of a ratio, in brackets."""
    return "unknown" if math.isnan(estimate.low) else f"[{estimate.low:.3f}, {estimate.high:.3f}]"


def unreadable(problems: Sequence[str]) -> list[str]:
    """A line for each damaged file, however many of its lines are: JSON and the pages have all of them."""
    files: dict[str, list[str]] = {}
    for problem in problems:
        files.setdefault(problem.partition(" line ")[0], []).append(problem)
    return [
        f"unreadable, left out: {found[0]}" + (f"; and {len(found) - 1} more" if len(found) > 1 else "")
        for found in files.values()
    ]


def _sorted(report: Report) -> list[Change]:
    return sorted(report.changes, key=lambda change: VERDICT_ORDER.index(change.verdict))


def print_report(report: Report) -> None:
    """The same on the terminal."""
    out = console()
    out.print(report.headline(), style="red" if report.slower else "green", highlight=False)
    shown = Table(show_edge=False, pad_edge=False)
    for column in ("case", "baseline", "candidate", "ratio", "verdict"):
        shown.add_column(column, overflow="fold", justify="left" if column in ("case", "verdict") else "right")
    for change in _sorted(report):
        ratio = f"×{change.ratio.value:.3f} {interval(change.ratio)}"
        verdict = Text(str(change.judgement), style=STYLES[change.verdict])
        shown.add_row(
            change.case, step_time(change.baseline_seconds), step_time(change.candidate_seconds), ratio, verdict
        )
    out.print(shown)
    lines = [f"{name}: {_overall_words(estimate)}" for name, estimate in report.overall.items()]
    lines += [f"! not compared: {case}: {why}" for case, why in report.missing.items()]
    lines += [f"! differs: {what}" for what in report.differences]
    lines += [f"! {line}" for line in unreadable(report.problems)]
    for line in lines:
        out.print(line, markup=False, highlight=False)
