"""Generated blocks of docs/frameworks.md: contestants, levels, tricks, deployment, vendors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from bench.contestants.without import name_of
from impls.frameworks import PHASES, Execution, Framework, frameworks
from results.store.campaigns import read_campaign
from results.tables import cases
from results.tables.cases import judgement
from results.units import step_time

DATA = Path(__file__).parent.parent / "results" / "data"
LEVELS = "reference-levels-*"
"""The campaigns of suites levels-*."""


def contestants() -> str:
    rows = [
        (f"`{framework.name}:{execution.name}`", execution.level, _phases(execution), execution.note, _extra(framework))
        for framework in frameworks().values()
        for execution in framework.executions
    ]
    return _table(["contestant", "level", "phases", "", "extra"], rows)


def _phases(execution: Execution) -> str:
    return "all" if execution.phases == PHASES else ", ".join(execution.phases)


def _extra(framework: Framework) -> str:
    return f"`{framework.extra}`" if framework.extra else ""


def levels() -> str:
    """The idiomatic contestant over the tuned one of each framework, by network and phase."""
    tables = [own for frame in _campaigns(LEVELS) if len(own := frame[frame.level == "idiomatic"])]
    if not tables:
        return _not_yet("levels-jax")
    columns = [str(table.contestant.iloc[0]) for table in tables]
    ratios = {
        (_workload(row), column): _ratio(row)
        for column, table in zip(columns, tables, strict=True)
        for row in table.to_dict("records")
    }
    workloads = dict.fromkeys(workload for workload, _ in ratios)
    rows = [(workload, *(ratios.get((workload, column), "") for column in columns)) for workload in workloads]
    return _table(["workload", *columns], rows) + _measured(LEVELS)


def tricks() -> str:
    """Of each trick the largest and the smallest ratio of the contestant that lacks it to the one that has it.

    Networks and phases that the trick does not change are skipped by the campaign and have no ratio.
    """
    found = pd.concat([pd.DataFrame({"contestant": [], "ratio": []}), *_campaigns(LEVELS)])
    rows = []
    for framework in frameworks().values():
        for execution in _measured_tuned(framework):
            for trick in filter(execution.uses, framework.tricks):
                name = f"without:{name_of(framework.name, execution.name, trick.name)}"
                own = found[(found.contestant == name) & found.ratio.notna()].sort_values("ratio")
                extremes = (
                    [_with_workload(own.iloc[place].to_dict()) for place in (-1, 0)] if len(own) else [UNKNOWN] * 2
                )
                rows.append((f"`{name}`", trick.what, *extremes))
    return _table(["contestant that lacks it", "trick", "largest ratio", "smallest ratio"], rows)


def _measured_tuned(framework: Framework) -> list[Execution]:
    """The tuned execution that suites levels-* measure: the first that has an idiomatic counterpart."""
    return [framework.execution(one.idiomatic_of) for one in framework.executions if one.idiomatic_of][:1]


def deployment() -> str:
    return _ratios("reference-deployment")


def vendors() -> str:
    return _ratios("reference-vendors")


def _ratios(name: str) -> str:
    """The times of the reference and the ratios of all others, a line for each workload of a campaign."""
    found = _campaigns(name)
    if not found:
        return _not_yet(name.removeprefix("reference-"))
    (frame,) = found
    names = list(dict.fromkeys(frame.contestant))
    rows = []
    for _, group in frame.groupby("group", sort=False):
        cells = {row["contestant"]: _cell(row) for row in group.to_dict("records")}
        rows.append((_workload(group.iloc[0].to_dict()), *(cells.get(one, "") for one in names)))
    return _table(["workload", *names], rows) + _measured(name)


def _cell(row: dict) -> str:
    if row["status"] != "measured":
        return row["status"]
    return step_time(row["seconds"]) if row["contestant"] == row["reference"] else f"{_ratio(row)} {judgement(row)}"


UNKNOWN = "not measured yet"


def _not_yet(suite: str) -> str:
    return f"{UNKNOWN.capitalize()} on a reference machine: `python -m bench run --suite {suite}`.\n"


def _campaigns(pattern: str) -> list[pd.DataFrame]:
    """The cases of each campaign, without probes."""
    frames = [cases.cases([read_campaign(folder)]) for folder in sorted(DATA.glob(pattern))]
    return [frame[frame.peak_probe == ""] for frame in frames]


def _workload(row: dict) -> str:
    return f"{row['architecture']} {row['size']}, batch {row['batch']}, {row['phase']}"


def _ratio(row: dict) -> str:
    if row["status"] != "measured":
        return row["status"]
    interval = f" [{row['ratio_low']:.2f}, {row['ratio_high']:.2f}]" if row["ratio_low"] == row["ratio_low"] else ""
    return f"{row['ratio']:.2f}{interval}"


def _with_workload(row: dict) -> str:
    return f"{_ratio(row)} ({row['architecture']}, {row['phase']})"


def _measured(pattern: str) -> str:
    machines = [read_campaign(folder).system for folder in sorted(DATA.glob(pattern))]
    where = dict.fromkeys(
        f"{one.machine.cpu}, {one.machine.threads} cores, {(one.started or '')[:10]}" for one in machines
    )
    return f"\nMeasured on {'; '.join(where)}; brackets: 95 % intervals over launches.\n"


def _table(headers: list[str], rows: Iterable[tuple[str, ...]]) -> str:
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True) + "\n"


BLOCKS: dict[str, Callable[[], str]] = {
    "contestants": contestants,
    "levels": levels,
    "tricks": tricks,
    "deployment": deployment,
    "vendors": vendors,
}
