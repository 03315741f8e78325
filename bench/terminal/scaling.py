"""Scaling over devices, in lines: what each contestant gains from several."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from results.schema.record import Status
from results.store.campaigns import StoredCampaign
from results.tables.scaling import scaling
from results.words import SHARED_CORES, in_words

SAME = ["architecture", "size", "batch", "precision", "device", "phase"]


def scaling_lines(campaign: StoredCampaign) -> list[str]:
    """A line for each contestant of a workload on several devices, unless it was skipped there; none without one."""
    table = scaling([campaign])
    lines: list[str] = []
    for values, part in table.groupby(SAME, sort=False):
        network = "{architecture} {size}, {phase}, batch {batch}, {precision} on {device}".format(
            **dict(zip(SAME, values))
        )
        lines.append(f"speedup over devices of {network}:")
        for contestant, own in part.groupby("contestant", sort=False):
            several = [row for row in own.to_dict("records") if row["devices"] > 1]
            if any(row["status"] != Status.SKIPPED for row in several):
                lines.append(f"  {contestant}: {', '.join(map(_words, several))}")
    if (table.device == "cpu").any():
        lines.append(SHARED_CORES)
    return lines


def _words(row: Mapping[Hashable, Any]) -> str:
    """ "1.82 [1.76, 1.88] on 2 (efficiency 91%)", or the status of what was not measured."""
    if row["status"] != Status.MEASURED:
        return f"{in_words(row['status'])} on {row['devices']}"
    if pd.isna(row["speedup"]):
        return f"no time on one device beside {row['devices']}"
    interval = "" if pd.isna(row["speedup_low"]) else f" [{row['speedup_low']:.3g}, {row['speedup_high']:.3g}]"
    return f"{row['speedup']:.2f}{interval} on {row['devices']} (efficiency {row['efficiency']:.0%})"
