"""Cases in the formats of services that follow benchmarks from commit to commit.

Both services key on the case's id, which is the same in every campaign that measures the case.

- github-action-benchmark, tool `customSmallerIsBetter`: a list of {name, unit, value, range, extra}. The values are
  ratios to the reference, which survive a change of the runner, as times do not.
- Bencher Metric Format (BMF): {case: {measure: {value, lower_value, upper_value}}}. Latency is in nanoseconds, as
  Bencher's own measure of that name is; bounds are the ends of the 95 % interval, and absent where it is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from results.store.journal import ResultsError
from results.tables.cases import judgement

NANOSECONDS = 1e9
Row = Mapping[Any, Any]


def github_action(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The ratios of a table of cases, for github-action-benchmark. ResultsError without any ratio."""
    entries = [_entry(row) for row in frame.to_dict("records") if judgement(row)]
    if not entries:
        raise ResultsError("no case has a ratio to a reference; use --to bmf, which has times")
    return entries


def _entry(row: Row) -> dict[str, Any]:
    entry = {"name": row["case"], "unit": f"time relative to {row['reference']}", "value": row["ratio"]}
    if not math.isnan(row["ratio_low"]):
        entry["range"] = f"± {(row['ratio_high'] - row['ratio_low']) / 2:.2g}"
        interval = f"95 % interval [{row['ratio_low']:.4g}, {row['ratio_high']:.4g}], "
    else:
        interval = ""
    return {**entry, "extra": f"{judgement(row)}; {interval}{row['pairs']} paired launches"}


def bencher(frame: pd.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """Latency, ratio and memory of every measured case, for Bencher. ResultsError if nothing was measured."""
    found = {row["case"]: _measures(row) for row in frame.to_dict("records") if not math.isnan(row["seconds"])}
    if not found:
        raise ResultsError("no case was measured, so there is nothing to export")
    return found


def _measures(row: Row) -> dict[str, dict[str, float]]:
    measures = {"latency": _metric(row, "seconds", NANOSECONDS)}
    if judgement(row):
        measures["ratio"] = _metric(row, "ratio")
    if not math.isnan(row["memory_bytes"]):
        measures["memory"] = {"value": row["memory_bytes"]}
    return measures


def _metric(row: Row, column: str, scale: float = 1.0) -> dict[str, float]:
    """A value with the ends of its interval; a NaN would make Bencher refuse the whole file."""
    ends = {"lower_value": row[f"{column}_low"], "upper_value": row[f"{column}_high"]}
    return {name: scale * end for name, end in {"value": row[column], **ends}.items() if math.isfinite(end)}


FORMATS: Mapping[str, Callable[[pd.DataFrame], Any]] = {"github-action": github_action, "bmf": bencher}
"""By the name of the format (`export --to`)."""
