"""Shared by several tables: building the DataFrame from rows, and parts of a row."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from results.compare.limits import Limits
from results.schema.columns import PARITY, USAGE, Column
from results.schema.record import Case
from results.stats.estimates import Estimate
from results.stats.launches import Launches
from results.store.campaigns import StoredCampaign
from results.words import missing_words


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
        "devices": workload.devices,
    }


def known(values: np.ndarray) -> list[float]:
    """Those that are not missing."""
    return list(values[~np.isnan(values)].tolist())


def whole(count: float) -> float:
    """A count as a whole number, NaN where it is unknown."""
    return count if math.isnan(count) else int(count)


def usage_row(launches: Launches) -> dict[str, Any]:
    """The median of each quantity over the launches that have it, and the reasons for quantities that none has."""
    found = {name: known(launches[name]) for name in blank(USAGE)}
    reasons: dict[str, list[str]] = {}
    for missing in texts(launches["usage_missing"]):
        for name, reason in missing.items():
            if not found.get(name) and name not in reasons.setdefault(reason, []):
                reasons[reason].append(name)
    sources = dict.fromkeys(source for said in texts(launches["usage_sources"]) for source in said.values())
    return {
        **{name: float(median(values)) if values else math.nan for name, values in found.items()},
        "usage_missing": missing_words(reasons),
        "allocator_source": ", ".join(sources),
    }


def texts(column: Iterable[str]) -> list[dict[str, str]]:
    """The different texts by name in a column of them as JSON, in order of appearance."""
    return [json.loads(said) for said in dict.fromkeys(column) if said]


def time_row(estimate: Estimate) -> dict[str, float]:
    return {"seconds": estimate.value, "seconds_low": estimate.low, "seconds_high": estimate.high}


def parity_row(launches: Launches) -> dict[str, Any]:
    """Of the last of the launches that has one."""
    known = np.flatnonzero(~np.isnan(launches["parity_contestants"]))
    if not len(known):
        return dict(blank(PARITY))
    last = {name: launches[name][known[-1]] for name in blank(PARITY)}
    return {**last, "parity_contestants": whole(last["parity_contestants"])}
