"""VGG's speed on several cards, read from what was measured: a training step divided over four, against one card."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from repro.claims.claim import CheckResult
from repro.papers._tables import faster, listed
from results.schema.findings import Verdict
from results.schema.record import Workload
from results.stats.estimates import Estimate
from results.stats.nodes import geometric_over_nodes
from results.stats.pairing import Pass
from results.store.campaigns import DATA, RECORDS, StoredCampaign, campaigns_in, read_campaign
from results.store.journal import by_start

COMMAND = "python -m bench run --suite parallel-gpu --device cuda"
PAPER = "paper 3.75x, on four Titan Black"
CARDS = 4


def four_cards(data: Path = DATA) -> CheckResult:
    """Judged by the newest campaign in `data` that has a training step of a VGG on one card and on four."""
    for folder in reversed(by_start(campaigns_in(data))):
        if f'"devices":{CARDS}' not in (folder / RECORDS).read_text(encoding="utf-8", errors="replace"):
            continue  # nothing was divided over four
        if found := speed_ups(read_campaign(folder)):
            return _judged(found, folder.name)
    return CheckResult(
        Verdict.NOT_TESTABLE, f"nothing measured on four cards in {str(data)!r} yet; measure with `{COMMAND}` ({PAPER})"
    )


def speed_ups(campaign: StoredCampaign) -> dict[str, Estimate]:
    """Time on one card over time on four, paired by launch, by contestant and workload on one card."""
    times: dict[tuple[str, Workload], dict[int, Mapping[Pass, float]]] = {}
    for case, launches in campaign.launches.items():
        work, contestant = case.workload, case.contestant
        if (
            (work.device, work.phase) == ("cuda", "train")
            and work.architecture.startswith("vgg-")
            and not contestant.copy
        ):
            times.setdefault((contestant.id, replace(work, devices=1)), {})[work.devices] = launches.passes
    found = {}
    for (name, work), by_devices in times.items():
        one, four = by_devices.get(1, {}), by_devices.get(CARDS, {})
        ratios = {number: one[number] / seconds for number, seconds in four.items() if number in one}
        if ratios:
            found[f"{work.architecture}, {work.precision}, {name}"] = geometric_over_nodes(ratios)
    return found


def _judged(found: Mapping[str, Estimate], campaign: str) -> CheckResult:
    """By direction only: the paper's factor is of other cards, and of its own program."""
    verdict = faster(found.values())
    line = f"four cards: {listed(_told(what, one) for what, one in found.items())} ({PAPER}); campaign {campaign}"
    if any(math.isnan(one.low) for one in found.values()):
        line += f"; one launch has no interval, measure more with `{COMMAND} --preset standard`"
    return CheckResult(verdict, line)


def _told(what: str, speed_up: Estimate) -> str:
    interval = "" if math.isnan(speed_up.low) else f" [{speed_up.low:.2f}, {speed_up.high:.2f}]"
    return f"{what} {speed_up.value:.2f}x as fast as one{interval}"
