"""Percentiles of the time of a single step that is waited for, of campaigns whose suite asks for them.

Each launch gives its percentiles (results.stats.percentiles), and counts once, as with medians of rounds: the estimate
is their geometric mean over launches, with Student's interval on the logarithm; of several nodes, over nodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from results.schema.columns import Column
from results.schema.record import Case, Status
from results.stats.estimates import Estimate, geometric
from results.stats.launches import Launches
from results.stats.nodes import over_nodes
from results.stats.percentiles import PER_MILLE, REPORTED, fewest
from results.store.campaigns import StoredCampaign, computed_once
from results.tables import CAMPAIGNS, Table
from results.tables._rows import blank, frame, known
from results.tables.cases import references_in

TAIL = ("99", "50")
"""Column `tail` is the first of these percentiles over the second."""
COMPARED = ("50", "99")
"""Percentiles with a ratio to those of the reference."""


def column_of(percentile: str) -> str:
    """The column of a percentile: p99_9 of 99.9."""
    return f"p{percentile.replace('.', '_')}"


def _columns(percentile: str) -> tuple[Column, ...]:
    name = column_of(percentile)
    share = f"{percentile} % of single steps take no longer"
    return (
        Column(name, "s/step", f"{share}: geometric mean over launches; empty if one made too few steps"),
        Column(f"{name}_low", "s/step", "lower end of its 95 % interval over launches"),
        Column(f"{name}_high", "s/step", "upper end of its 95 % interval over launches"),
    )


def _ratio_columns(percentile: str) -> tuple[Column, ...]:
    name = f"{column_of(percentile)}_ratio"
    return (
        Column(name, "", f"p{percentile} over the reference's, paired by launch of both: below 1 is faster"),
        Column(f"{name}_low", "", "lower end of its 95 % interval over launches"),
        Column(f"{name}_high", "", "upper end of its 95 % interval over launches"),
    )


COLUMNS = (
    Column("campaign", "", "folder of the campaign"),
    Column("case", "", "workload and contestant in one id, as in the test's name"),
    Column("group", "", "id of the workload"),
    Column("architecture", "", "name of the network's table"),
    Column("size", "", "size of the images"),
    Column("batch", "images", "images per step"),
    Column("precision", "", "arithmetic"),
    Column("device", "", "cpu or cuda"),
    Column("phase", "", "infer, forward, gradient or train"),
    Column("contestant", "", "framework:execution"),
    Column("status", "", "measured, skipped, mismatch, out_of_memory, crashed, timed_out or failed"),
    Column("launches", "", "number of valid launches that timed single steps"),
    Column("steps", "", "smallest number of steps that one of them timed"),
    *(column for percentile in REPORTED for column in _columns(percentile)),
    Column("tail", "", f"p{TAIL[0]} over p{TAIL[1]} of a launch: geometric mean over launches"),
    Column("tail_low", "", "lower end of its 95 % interval over launches"),
    Column("tail_high", "", "upper end of its 95 % interval over launches"),
    Column("other_cpus_used", "cores", "CPUs used by other processes during those steps, mean over launches"),
    Column("missing", "", "why percentiles are missing"),
    Column("reference", "", "reference contestant of the ratios"),
    *(column for percentile in COMPARED for column in _ratio_columns(percentile)),
)


def latency(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """One row for each case of a campaign that timed single steps."""
    return frame((row for campaign in campaigns for row in _rows(campaign)), COLUMNS)


def is_timed(campaign: StoredCampaign) -> bool:
    """Whether launches of the campaign timed single steps."""
    return not np.isnan(campaign.source.column("latency_steps").astype(float)).all()


@computed_once
def latency_of(campaign: StoredCampaign) -> pd.DataFrame:
    """The rows of one campaign; none where no launch timed single steps."""
    return latency([campaign])


def timed(launches: Launches) -> Launches:
    """Of one case: the counted launches that timed single steps."""
    return launches.counted.where(launches.counted["latency_steps"] > 0)


def percentiles_of(launches: Launches) -> dict[str, Estimate]:
    """The percentiles that each of these launches of a case has, by name, in increasing order."""
    found = {name: _estimate(launches, _value(name)) for name in PER_MILLE}
    return {name: estimate for name, estimate in found.items() if estimate}


def _value(percentile: str) -> Callable[[Mapping[str, float]], float | None]:
    return lambda own: own.get(percentile)


def _estimate(launches: Launches, value: Callable[[Mapping[str, float]], float | None]) -> Estimate | None:
    """The geometric mean of a value of each launch's percentiles; None unless each has it."""
    nodes = [[value(own or {}) for own in node["latency_seconds"]] for node in launches.by_node().values()]
    values = [[one for one in node if one is not None] for node in nodes]
    if not len(launches) or any(len(own) < len(node) for own, node in zip(values, nodes, strict=True)):
        return None
    return over_nodes([geometric(own) for own in values])


def _rows(campaign: StoredCampaign) -> Iterator[dict[str, Any]]:
    if not is_timed(campaign):
        return
    references = references_in(campaign)
    for case in campaign.by_suite(campaign.launches):
        reference = Case(case.workload, references[case.workload])
        yield {**_row(campaign, case, campaign.launches[case]), **_ratios(campaign, case, reference)}


def _ratios(campaign: StoredCampaign, case: Case, reference: Case) -> dict[str, Any]:
    """The ratios to the reference, of launches of both in one block; the reference itself has none."""
    row: dict[str, Any] = {"reference": reference.contestant.id}
    if case == reference:
        return row
    sides = [_by_block(timed(campaign.launches[one])) for one in (case, reference)]
    for name in COMPARED:
        own, others = ({block: found[name] for block, found in side.items() if name in found} for side in sides)
        nodes: dict[str, list[float]] = {}
        for block, seconds in own.items():
            if block in others:
                nodes.setdefault(block[0], []).append(seconds / others[block])
        if nodes:
            estimate = over_nodes([geometric(ratios) for _, ratios in sorted(nodes.items())])
            row |= _estimated(f"{column_of(name)}_ratio", estimate)
    return row


def _by_block(launches: Launches) -> dict[tuple[str, ...], Mapping[str, float]]:
    """Percentiles by block, of which the node comes first."""
    keys = zip(*(launches[name].tolist() for name in ("node", "launch", "subset", "attempt")))
    return {key: own or {} for key, own in zip(keys, launches["latency_seconds"], strict=True)}


def _row(campaign: StoredCampaign, case: Case, launches: Launches) -> dict[str, Any]:
    workload, own, counted = case.workload, timed(launches), launches.counted
    found = percentiles_of(own)
    steps = min(known(own["latency_steps"]), default=math.nan)
    row = {
        **blank(COLUMNS),
        "campaign": campaign.name,
        "case": case.id,
        "group": workload.id,
        **{name: getattr(workload, name) for name in ("architecture", "size", "batch", "precision", "device", "phase")},
        "contestant": case.contestant.id,
        "status": Status.MEASURED.value if len(counted) else launches["status"][-1],
        "launches": len(own),
        "steps": steps,
        "missing": _missing(launches, found, steps),
    }
    for name in REPORTED:
        row |= _estimated(column_of(name), found.get(name))
    tail = _estimate(own, lambda one: one[TAIL[0]] / one[TAIL[1]] if TAIL[0] in one else None)
    if others := known(own["latency_other_cpus"]):
        row["other_cpus_used"] = float(np.mean(others))
    return {**row, **_estimated("tail", tail)}


def _estimated(name: str, estimate: Estimate | None) -> dict[str, float]:
    if estimate is None:
        return {}
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _missing(launches: Launches, found: Mapping[str, Estimate], steps: float) -> str:
    """Why percentiles of REPORTED are missing; "" if none is."""
    if not len(launches.counted):
        return str(launches["reason"][-1] or "")
    if math.isnan(steps):
        reasons = dict.fromkeys(filter(None, launches.counted["latency_reason"]))
        return "; ".join(reasons) or "no launch timed single steps"
    lacking = [name for name in REPORTED if name not in found]
    return "; ".join(f"p{name} needs {fewest(name)} steps in every launch, one made {steps:.0f}" for name in lacking)


TABLE = Table(COLUMNS, latency, CAMPAIGNS)
