"""The generated blocks of docs/parallel.md: speedups over devices of a CPU, of the committed campaign."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tabulate import tabulate

from results.store.campaigns import read_campaign
from results.tables.scaling import scaling
from results.units import step_time

CAMPAIGN = Path(__file__).parent.parent / "results" / "data" / "reference-parallel"


def speedups() -> str:
    """A row for each contestant and workload, with the speedups on several devices and their intervals."""
    campaign = read_campaign(CAMPAIGN)
    frame = scaling([campaign])
    devices = sorted(set(frame.devices) - {1})
    rows = []
    for (network, batch, phase, contestant), own in frame.groupby(
        ["architecture", "batch", "phase", "contestant"], sort=False
    ):
        by_devices = own.set_index("devices")
        cells = [_cell(by_devices.loc[count]) for count in devices]
        one = step_time(by_devices.loc[1].seconds)
        rows.append((f"{network}, batch {batch}, {phase}", f"`{contestant}`", one, *cells))
    headers = ["workload", "contestant", "one device", *(f"speedup on {count}" for count in devices)]
    machine = campaign.system.machine
    where = f"{machine.cpu}, {machine.threads} cores, {(campaign.system.started or '')[:10]}"
    table = tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
    return f"{table}\n\nMeasured on {where}, so that four devices have half a core each.\n"


def _cell(row) -> str:
    if row.status != "measured":
        return row.status
    return f"{row.speedup:.2f} [{row.speedup_low:.2f}, {row.speedup_high:.2f}]"


BLOCKS: dict[str, Callable[[], str]] = {"speedups": speedups}
