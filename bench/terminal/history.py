"""The history of campaigns as JSON and on the terminal."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from bench.terminal.case_tables import STYLES
from bench.terminal.comparison import interval, ratio_json, unreadable
from impls.terminal import console
from results.compare.history import Histories, History, Series
from results.compare.pairwise import VARIABLES
from results.stats.verdicts import TimingVerdict
from results.units import step_time


def as_json(found: Histories, since: str = "") -> dict[str, Any]:
    """What `python -m bench history --json` prints; NaN where something is unknown."""
    return {
        "slower": found.slower(since),
        "histories": [_history_json(history) for history in found.histories],
        "left_out": list(found.left_out),
        "problems": list(found.problems),
    }


def _history_json(history: History) -> dict[str, Any]:
    names = [entry.name for entry in history.campaigns]
    return {
        "machine": dict(history.machine),
        "campaigns": [
            {"name": entry.name, "started": entry.started.isoformat(), "changed": dict(entry.changed)}
            for entry in history.campaigns
        ],
        "cases": [_series_json(series, names) for series in history.series],
    }


def _series_json(series: Series, names: list[str]) -> dict[str, Any]:
    return {
        "case": series.case.id,
        "points": [
            {
                "campaign": names[point.campaign],
                "seconds": point.seconds.value,
                "seconds_low": point.seconds.low,
                "seconds_high": point.seconds.high,
                "launches": point.seconds.launches,
            }
            for point in series.points
        ],
        "steps": [
            {
                "campaign": names[step.campaign],
                "after": names[step.after],
                "seconds": step.seconds,
                **ratio_json(step.ratio),
                "p": step.p,
            }
            for step in series.steps
        ],
        "lost": {names[number]: why for number, why in series.lost.items()},
    }


def print_history(found: Histories) -> None:
    """The headline, a table of steps for each machine, then what is in none of them."""
    out = console()
    out.print(found.headline(), style="red" if found.slower() else "green", highlight=False)
    for history in found.histories:
        out.print(f"{_machine(history)}: {history.headline()}", style="bold", highlight=False, markup=False)
        if any(series.steps for series in history.series):
            out.print(_steps(history))
        for line in history.remarks:
            out.print(f"! {line}", highlight=False, markup=False)
    if len(found.histories) > 1:
        out.print(f"{len(found.histories)} machines: one history each, not averaged", highlight=False)
    for line in (*(f"left out: {one}" for one in found.left_out), *unreadable(found.problems)):
        out.print(f"! {line}", highlight=False, markup=False)


def _machine(history: History) -> str:
    had = [f"{key} {history.machine[key]}" for key in VARIABLES if history.machine.get(key) != "none"]
    return ", ".join([str(history.machine["cpu"]), *had])


def _steps(history: History) -> Table:
    shown = Table(show_edge=False, pad_edge=False)
    for column in ("case", "since", "time", "ratio", "changes at the same campaign"):
        shown.add_column(column, overflow="fold", min_width=30 if column == "ratio" else None)
    for series in history.series:
        for step in series.steps:
            entry = history.campaigns[step.campaign]
            verdict = TimingVerdict.SLOWER if step.ratio.value > 1 else TimingVerdict.FASTER
            ratio = Text(f"×{step.ratio.value:.3f} {interval(step.ratio)} {verdict}", style=STYLES[verdict])
            changed = ", ".join(entry.changed_for(series.case.contestant.id)) or "none recorded"
            time = f"{step_time(step.seconds / step.ratio.value)} → {step_time(step.seconds)}"
            shown.add_row(series.case.id, entry.name, time, ratio, changed)
    return shown
