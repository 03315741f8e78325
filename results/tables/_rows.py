"""Shared by several tables: building the DataFrame from rows, and parts of a row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

import pandas as pd

from results.compare.limits import Limits
from results.schema.columns import PARITY, USAGE, Column
from results.schema.record import Case, Parity, Record
from results.stats.estimates import Estimate
from results.store.campaigns import StoredCampaign


def frame(rows: Iterable[Mapping[str, Any]], columns: Sequence[Column]) -> pd.DataFrame:
    """The DataFrame of the rows. ValueError for a row with a key that is no column, or without the key of a column.

    It is built column by column, so that the rows are never all in memory: of many launches, they take a gigabyte.
    """
    values: dict[str, list[Any]] = {column.name: [] for column in columns}
    for row in rows:
        if row.keys() != values.keys():
            raise ValueError(_differences(row, values))
        for name, into in values.items():
            into.append(row[name])
    return pd.DataFrame(values) if any(values.values()) else pd.DataFrame(columns=list(values))


def blank(columns: Sequence[Column]) -> dict[str, float]:
    """NaN for each of the columns: a row without values."""
    return {column.name: math.nan for column in columns}


def _differences(row: Mapping[str, Any], columns: Mapping[str, Any]) -> str:
    unknown, without = sorted(row.keys() - columns.keys()), sorted(columns.keys() - row.keys())
    said = {"keys that are no columns": unknown, "columns without a key": without}
    return "a row of a table has " + "; ".join(f"{what}: {', '.join(names)}" for what, names in said.items() if names)


def workload_row(campaign: StoredCampaign, case: Case, limits: Limits) -> dict[str, Any]:
    workload, contestant = case.workload, case.contestant
    return {
        "campaign": campaign.name,
        "case": case.id,
        "group": workload.id,
        "architecture": workload.architecture,
        "height": workload.height,
        "width": workload.width,
        "size": workload.size,
        "stream": workload.stream,
        "megapixels": sum(one.height * one.width * one.batch for one in workload.batches) / 1e6,
        "sizes": len({(one.height, one.width, one.batch) for one in workload.batches}),
        "channels": workload.channels,
        "classes": workload.classes,
        "batch": workload.batch,
        "precision": workload.precision,
        "device": workload.device,
        "phase": workload.phase,
        "contestant": contestant.id,
        "framework": contestant.framework,
        "execution": contestant.execution,
        "interpreter": contestant.interpreter,
        "setting": contestant.setting,
        "peak_probe": limits.probe(workload),
    }


def usage_row(records: Sequence[Record]) -> dict[str, Any]:
    """The median of each quantity over the launches that have it, and the reasons for quantities that none has."""
    used = [record.usage for record in records if record.usage]
    values = {name: [one.values[name] for one in used if name in one.values] for one in used for name in one.values}
    reasons: dict[str, list[str]] = {}
    for one in used:
        for name, reason in one.missing.items():
            if name not in values and name not in reasons.setdefault(reason, []):
                reasons[reason].append(name)
    sources = dict.fromkeys(source for one in used for source in one.sources.values())
    missing = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
    return {
        **{name: float(median(values[name])) if name in values else math.nan for name in blank(USAGE)},
        "usage_missing": missing,
        "allocator_source": ", ".join(sources),
    }


def time_row(estimate: Estimate) -> dict[str, float]:
    return {"seconds": estimate.value, "seconds_low": estimate.low, "seconds_high": estimate.high}


def parity_row(parity: Parity | None) -> dict[str, Any]:
    if parity is None:
        return dict(blank(PARITY))
    return {
        "parity_scores": parity.scores,
        "parity_loss": parity.loss,
        "parity_gradients": parity.gradients,
        "parity_worst_gradient": parity.worst_gradient,
        "parity_contestants": parity.contestants,
        "parity_shows_nothing": parity.shows_nothing,
        "parity_cleared": parity.cleared,
        "parity_evidence_from": parity.evidence_from,
    }
