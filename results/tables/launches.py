"""Every launch of a campaign, measured or not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd

from results.compare.limits import limits_of
from results.quality.interference import Disturbance
from results.schema.columns import CARD, OUTCOME, PARITY, USAGE, WORKLOAD, Column
from results.stats.launches import FIELDS, Kind, Launches, as_array
from results.store.campaigns import StoredCampaign
from results.tables import CAMPAIGNS, Table
from results.tables._rows import workload_row
from results.words import missing_words

COLUMNS = (
    *WORKLOAD,
    Column("launch", "", "number of the launch (of the block), from 0"),
    Column(
        "subset",
        "",
        "number of the subset, of a group that did not fit in memory together; ratios are paired within a subset",
    ),
    Column(
        "node", "", "the machine that it ran on, a key of `nodes` in system.json; empty in campaigns of one machine"
    ),
    Column("attempt", "", "number of earlier attempts at this launch, which were disturbed; the last attempt is valid"),
    *OUTCOME,
    Column("seconds", "s/step", "median of the launch's rounds"),
    Column("rounds", "", "number of recorded rounds"),
    Column("steps", "", "number of steps in a round"),
    Column("first_call_seconds", "s", "time of the first step without compiled code, tracing and compiling included"),
    Column(
        "cached_first_call_seconds", "s", "time of the first step, in the first launch that could find compiled code"
    ),
    Column("build_seconds", "s", "time to build the model and load its weights"),
    Column("start_seconds", "s", "time from requesting the process until it responds"),
    Column("started", "UTC", "when the launch began"),
    Column(
        "warmup_converged",
        "",
        "whether step times had converged at the end of warm-up; empty if rounds are too few for the test",
    ),
    Column(
        "pinned_threads", "", "number of its threads that were pinned to a core each; empty if threads were not pinned"
    ),
    Column("other_cpus_used", "cores", "CPUs used by other processes during its rounds"),
    Column("steal", "share", "of its cores' time, given to other guests by the hypervisor"),
    Column("pressure", "share", "of the time in which any task on the machine waited for a core"),
    Column("process_cpus_used", "cores", "CPUs used by its own threads during its rounds"),
    Column("minor_faults", "", "number of minor page faults (pages new to the process) during its rounds"),
    Column("major_faults", "", "number of major page faults (pages read from disk) during its rounds"),
    Column("runnable", "tasks", "tasks running or ready to run on the whole machine, mean over its rounds"),
    Column(
        "throttled", "share", "of its cores' time, withheld because the CPU quota was used up; empty if no quota is set"
    ),
    Column("throttled_periods", "", "number of periods in which the quota was used up"),
    *CARD,
    Column("device_seconds", "s/step", "median of the launch's rounds by the device's own clock"),
    Column(
        "effective_precision", "", "precision in which its products were computed, as detected, whatever was requested"
    ),
    Column("compilations", "", "number of times that its steps were traced or compiled"),
    Column("fallback", "", "why it was not executed as requested; empty if it was"),
    *USAGE,
    Column("allocator_source", "", "which statistic of the framework allocator_bytes is, and since when"),
    Column("usage_missing", "", "why some of these quantities are missing"),
    *PARITY,
)


NAMES = tuple(column.name for column in COLUMNS)


def launches(campaigns: Iterable[StoredCampaign], names: Sequence[str] = NAMES, compact: bool = False) -> pd.DataFrame:
    """One row per launch, measured or not, in the order recorded.

    `names`: columns to compute, of a large campaign not more than are needed. `compact`: texts as categories, which
    take a tenth of the memory.
    """
    found = [
        pd.DataFrame(_columns(campaign, names, compact), copy=False) for campaign in campaigns if campaign.launches
    ]
    if not found:
        return pd.DataFrame(columns=list(names))
    return found[0] if len(found) == 1 else pd.concat(found, ignore_index=True)


def _columns(campaign: StoredCampaign, names: Sequence[str], compact: bool) -> dict[str, Any]:
    own, source = campaign.launches, campaign.source
    rows = np.concatenate([np.arange(launches.rows.start, launches.rows.stop) for launches in own.values()])
    number = np.repeat(np.arange(len(own)), [len(launches) for launches in own.values()])
    order = np.argsort(source.column("line")[rows])
    whole = Launches(source, slice(0, int(rows.max()) + 1), rows[order])
    limits = limits_of(campaign)
    of_case = pd.DataFrame([workload_row(campaign, case, limits) for case in own])
    if compact:
        of_case = of_case.astype(dict.fromkeys(of_case.select_dtypes("str"), "category"))
    rates = vars(Disturbance.each(whole)) if _RATES.intersection(names) else {}

    def column(name: str) -> Any:
        if name in of_case:
            return of_case[name].take(number[order]).array
        return rates[name] if name in rates else _column(whole, name, compact)

    return {name: column(name) for name in names}


def _column(launches: Launches, name: str, compact: bool) -> Any:
    """A column of the launches' own."""
    values = launches[_STORED.get(name, name)]
    if name in _WORDS:
        return _in_words(values, _WORDS[name])
    match FIELDS[name]:
        case Kind.COUNT if not np.isnan(values).any():
            return values.astype(int)
        case Kind.WORD | Kind.TEXT if not any(isinstance(value, str) for value in values):
            return np.full(len(values), math.nan)
        case Kind.WORD | Kind.TEXT if compact:
            return pd.Categorical(values)
    return values


def _in_words(said: np.ndarray, words: Callable[[Mapping[str, str]], str]) -> np.ndarray:
    known = {text: words(json.loads(text)) if text else "" for text in dict.fromkeys(said)}
    return as_array(Kind.WORD, [known[text] for text in said])


def _why_missing(reasons: Mapping[str, str]) -> str:
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names.setdefault(reason, []).append(name)
    return missing_words(names)


_RATES = {field.name for field in fields(Disturbance)}
_STORED = {"allocator_source": "usage_sources"}
_WORDS: Mapping[str, Callable[[Mapping[str, str]], str]] = {
    "usage_missing": _why_missing,
    "allocator_source": lambda sources: ", ".join(dict.fromkeys(sources.values())),
}
"""Columns that are stored as texts by the name of a quantity."""


TABLE = Table(COLUMNS, launches, CAMPAIGNS)
