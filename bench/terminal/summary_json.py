"""A campaign's summary for programs: `python -m bench show --json`, and `--json FILE` of a run. See docs/results.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from results import words
from results.export import plain
from results.schema import environment
from results.stats.verdicts import Judgement, TimingVerdict
from results.store.campaigns import StoredCampaign
from results.tables import cases
from results.tables.controls import control_of
from results.tables.largest import is_search, largest
from results.tables.latency import is_timed, latency_of
from results.tables.nodes import differing, scope_of
from results.tables.time import seconds_by_part


def as_json(campaign: StoredCampaign, notes: Sequence[dict[str, str]]) -> dict[str, Any]:
    """The whole summary: what the campaign is, its ratios in figures, every warning and every case."""
    frame = cases.cases([campaign])
    return {
        **_identity(campaign),
        **_ratios(frame),
        "control": _control(campaign),
        "nodes": _nodes(campaign),
        "time": seconds_by_part(campaign) or None,
        "notes": list(notes),
        **_tables(campaign, frame),
    }


def _identity(campaign: StoredCampaign) -> dict[str, Any]:
    had = {"kept": environment.kept(campaign.system), "inherited": environment.inherited(campaign.system)}
    return {
        "campaign": campaign.name,
        "folder": str(campaign.folder),
        "stop": campaign.system.stop,
        "environment": had,
    }


def _ratios(frame: pd.DataFrame) -> dict[str, Any]:
    """Of the ratios that have a verdict: their number, the verdicts, and how wide the intervals are."""
    judged = cases.judgements(frame)
    return {"ratios": len(judged), "verdicts": _counts(judged), "half_width_median": _half_width_median(frame)}


def _control(campaign: StoredCampaign) -> dict[str, Any] | None:
    """How far the same code is from itself, as shares; None without controls."""
    control = control_of(campaign)
    if not control.pairs:
        return None
    return {**asdict(control), "believable": control.believable}


def _nodes(campaign: StoredCampaign) -> dict[str, Any] | None:
    """The machines that verdicts are of, and the cells that differ between them; None for one machine."""
    scope = scope_of(campaign)
    if scope is None:
        return None
    return {
        **asdict(scope),
        "scope": words.scope(scope.type, len(scope.nodes), scope.ratios),
        "differing": plain(differing(campaign)),
    }


def _counts(judged: Sequence[Judgement]) -> dict[str, Any]:
    """By verdict; of `within` by percent, the smallest first."""
    verdicts = Counter(one.verdict for one in judged)
    percents = Counter(one.percent for one in judged if one.percent is not None)
    within = {str(percent): percents[percent] for percent in sorted(percents)}
    return {one.value: within if one is TimingVerdict.WITHIN else verdicts[one] for one in TimingVerdict}


def _half_width_median(frame: pd.DataFrame) -> float | None:
    """Half of an interval on logarithms, the median over those that are known; None if none is."""
    judged = frame[frame.verdict.isin(list(TimingVerdict))]
    widths = (judged.ratio_high / judged.ratio_low).dropna().astype(float)
    return float(np.median(np.log(widths))) / 2 if len(widths) else None


def _tables(campaign: StoredCampaign, frame: pd.DataFrame) -> dict[str, Any]:
    """Columns as in docs/results.md."""
    largest_batches = {"largest": plain(largest([campaign]))} if is_search(campaign) else {}
    latencies = {"latency": plain(latency_of(campaign))} if is_timed(campaign) else {}
    return {"cases": plain(frame), **largest_batches, **latencies}
