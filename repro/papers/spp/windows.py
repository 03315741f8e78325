"""SPP-net's speed, read from what was measured: features once for all windows against a forward pass for each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from repro.claims.claim import CheckResult
from repro.papers._tables import faster, listed
from results.compare.limits import limits_of
from results.schema.findings import Verdict
from results.schema.streams import StreamKind, stream_kind
from results.stats.estimates import Estimate, independent_ratio, launch_time
from results.stats.pairing import counted
from results.store.campaigns import DATA, RECORDS, StoredCampaign, campaigns_in, read_campaign
from results.store.journal import by_start

COMMAND = "tox -e bench -- --suite windows"
PAPER = "paper 270x and 49x, of the convolutions alone, against R-CNN on a GPU"


class Way(NamedTuple):
    """What both ways of computing some windows have in common."""

    windows: int
    contestant: str
    device: str
    precision: str
    phase: str


def features_once(data: Path = DATA) -> CheckResult:
    """Judged by the newest campaign in `data` that has both ways, and there by its largest number of windows."""
    for folder in reversed(by_start(campaigns_in(data))):
        if StreamKind.TENS not in (folder / RECORDS).read_text(encoding="utf-8", errors="replace"):
            continue  # without a pass for each window there is nothing to compare
        found = speed_ups(read_campaign(folder))
        if found:
            most = max(way.windows for way in found)
            return _judged({way: one for way, one in found.items() if way.windows == most}, folder.name)
    return CheckResult(
        Verdict.NOT_TESTABLE, f"nothing measured both ways in {str(data)!r} yet; measure with `{COMMAND}` ({PAPER})"
    )


def speed_ups(campaign: StoredCampaign) -> dict[Way, Estimate]:
    """Times of a pass each over times of features once. Other launches made each, so the interval is Welch's."""
    limits = limits_of(campaign)
    shared: dict[Way, list[float]] = {}
    each: dict[Way, list[float]] = {}
    for record in counted(campaign.records):
        work, contestant = record.case.workload, record.case.contestant.id
        windows = work.batch * (limits.facts(work.id).windows or 0)
        times, images = (shared, windows) if windows else (each, work.batch)
        if windows or stream_kind(work.stream) is StreamKind.TENS:
            way = Way(images, contestant, work.device, work.precision, work.phase)
            times.setdefault(way, []).append(launch_time(record.seconds))
    return _over(each, shared)


def _over(each: Mapping[Way, Sequence[float]], shared: Mapping[Way, Sequence[float]]) -> dict[Way, Estimate]:
    compared = {way: independent_ratio(each[way], times) for way, times in shared.items() if way in each}
    return {way: one.ratio for way, one in compared.items() if one}


def _judged(found: Mapping[Way, Estimate], campaign: str) -> CheckResult:
    """By direction only: the paper's factors are of another machine, other networks and more windows."""
    verdict = faster(found.values())
    windows = next(iter(found)).windows
    line = f"{windows:,} windows, features once: {listed(_told(way, one) for way, one in found.items())} ({PAPER}); "
    line += f"campaign {campaign}"
    if any(math.isnan(one.low) for one in found.values()):
        line += f"; one launch has no interval, measure more with `{COMMAND} --preset standard`"
    return CheckResult(verdict, line)


def _told(way: Way, speed_up: Estimate) -> str:
    interval = "" if math.isnan(speed_up.low) else f" [{speed_up.low:.1f}, {speed_up.high:.1f}]"
    return f"{way.contestant} {speed_up.value:.1f}x as fast{interval}"
