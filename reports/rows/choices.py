"""Data for the page's script: choice of the networks, phases and reference shown, and commands that measure again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reports.format import numbers
from reports.format.networks import Network
from reports.format.numbers import MILLISECONDS
from reports.format.words import kind
from reports.rows.matrix import Block
from results import words
from results.compare.ratios import Ratios
from results.stats.estimates import Estimate
from results.stats.verdicts import JUDGEMENTS, judge


def menu(
    parts: Iterable[tuple[str, Network]],
    contestants: Sequence[str],
    versions: Sequence[str],
    reference: str,
    options: Sequence[str],
) -> Mapping[str, Any]:
    """For the page's script: the networks by the ids of their parts of the page, the contestants with their versions,
    and the end of the command that measures a case again."""
    return {
        "parts": {part: _part(network) for part, network in parts},
        "contestants": list(contestants),
        "versions": list(versions),
        "reference": reference,
        "options": "".join(f" {shlex.quote(option)}" for option in options),
    }


def _part(network: Network) -> Mapping[str, str]:
    return {
        "id": network.id,
        "network": network.architecture,
        "conditions": network.conditions,
        "batch": str(network.batch),
        "precision": network.precision,
    }


def choices(
    blocks: Sequence[Block], contestants: Sequence[str], ratios: Mapping[str, Ratios], believable: bool = True
) -> Mapping[str, Any]:
    """For the page's script: verdicts as [class, word], and a row for each line of the matrix.

    A row has a cell per contestant: null if it was not measured; else its time, [text, interval, seconds], and for each
    contestant as the reference [index of the verdict, text, interval, ratio], or null if the two never ran in the same
    block. Without `believable` controls every verdict is unclear, as in the table of cases.
    """
    rows = [
        [_cell(block, line.phase, contestant, contestants, ratios, believable) for contestant in contestants]
        for block in blocks
        for line in block.lines
    ]
    verdicts = [[kind(one.verdict), words.verdict(one)] for one in JUDGEMENTS]
    return {"verdicts": verdicts, "rows": rows}


def _cell(
    block: Block,
    phase: str,
    contestant: str,
    contestants: Sequence[str],
    ratios: Mapping[str, Ratios],
    believable: bool,
) -> list[Any] | None:
    row = block.network.rows.get((phase, contestant))
    time = numbers.estimate(row["seconds"], row["seconds_low"], row["seconds_high"], MILLISECONDS) if row else None
    if row is None or time is None:
        return None
    found = ratios.get(row["group"], {})
    return [
        [f"{time.text} ms", time.interval, float(f"{time.value:.8g}")],
        [_ratio(found.get((contestant, to)), believable) for to in contestants],
    ]


def _ratio(found: Estimate | None, believable: bool) -> list[Any] | None:
    shown = numbers.estimate(found.value, found.low, found.high) if found else None
    if found is None or shown is None:
        return None
    verdict = JUDGEMENTS.index(judge(found if believable else None))
    return [verdict, shown.text, shown.interval, float(f"{shown.value:.8g}")]
