"""Percentiles of single steps of a network: a row a case, and a curve a contestant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.figures.drawing import svg
from reports.figures.lines import lines
from reports.format import numbers
from reports.format.networks import Network, Row
from reports.format.numbers import MILLISECONDS, FormattedEstimate
from results.schema.record import Case, Status
from results.stats.estimates import Estimate
from results.stats.percentiles import PER_MILLE, REPORTED
from results.tables.latency import column_of


@dataclass(frozen=True)
class LatencyRow:
    """`percentiles`: ms, in the order of REPORTED; None for one that is missing, why is in `missing`."""

    phase: str
    contestant: str
    percentiles: Sequence[FormattedEstimate | None]
    tail: FormattedEstimate | None
    steps: str
    missing: str


def latency_rows(table: pd.DataFrame, network: Network) -> list[LatencyRow]:
    """The rows of results.tables.latency that are of the network, in its order."""
    rows = {(row["phase"], row["contestant"]): row for row in table.to_dict("records") if _is_of(row, network)}
    order = [(phase, contestant) for phase in network.phases for contestant in network.contestants]
    return [_row(rows[key]) for key in order if key in rows]


def _is_of(row: Mapping[Any, Any], network: Network) -> bool:
    return bool(row["group"].removesuffix(f"-{row['phase']}") == network.id)


def _row(row: Mapping[Any, Any]) -> LatencyRow:
    def estimate(name: str, scale: float) -> FormattedEstimate | None:
        return numbers.estimate(row[name], row[f"{name}_low"], row[f"{name}_high"], scale)

    return LatencyRow(
        row["phase"],
        row["contestant"],
        [estimate(column_of(name), MILLISECONDS) for name in REPORTED],
        estimate("tail", 1.0),
        "" if pd.isna(row["steps"]) else f"{row['steps']:,.0f}",
        row["missing"],
    )


def latency_figure(curves: Mapping[Case, Mapping[str, Estimate]], slots: Sequence[str], key: str, title: str) -> str:
    """The distribution of each case's single steps: milliseconds over the number of steps of which one takes longer.

    `curves`: percentiles by case (results.tables.latency.percentiles_of); "" if there are none.
    """
    rows: list[Row] = [
        {
            "contestant": case.contestant.id,
            "status": Status.MEASURED,
            "of": 1000 / (1000 - PER_MILLE[name]),
            "ms": MILLISECONDS * estimate.value,
        }
        for case, found in curves.items()
        for name, estimate in found.items()
    ]
    if not rows:
        return ""
    x = "one step in so many takes longer", lambda row: row["of"]
    y = "ms per step", lambda row: row["ms"]
    return svg.draw(lambda: lines(rows, slots, x, y), key, f"{title}: {y[0]}; {x[0]}; numbers in the table")
