"""The generated blocks of docs/sizes.md, from the committed campaigns of its suites."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from tabulate import tabulate

from bench.terminal.summary import pays_after
from results.schema.record import Record
from results.stats.estimates import Estimate, ratio
from results.stats.pairing import group_by_block
from results.store.campaigns import StoredCampaign, read_campaign
from results.tables import cases
from results.tables.streams import of_cases
from results.tables.switches import switches
from results.tables.windows import windows as windows_of

DATA = Path(__file__).parent.parent / "results" / "data"
AGAIN = DATA / "reference-spp-layer-again"
"""The rows in which the layer seemed slower, measured again."""
TUTORIAL = ":slices"
SLOWER = 1.03
"""Time over the fastest other way from which on the layer is slower."""


@dataclass(frozen=True)
class Pooled:
    """Our layer at one size of map: its time over that of its framework's fastest other, and the tutorial's over ours.

    Ratios pair the launches of a block. Which other is the fastest goes by the means of what it was measured in.
    """

    framework: str
    pyramid: str
    size: str
    phase: str
    ours: Estimate
    sliced: Estimate

    @property
    def kind(self) -> tuple[str, str, str]:
        return self.framework, self.pyramid, self.phase

    @property
    def place(self) -> tuple[str, str, str, str]:
        return *self.kind, self.size


def layer() -> str:
    """For each framework, pyramid and phase: the range over map sizes of ours over the fastest other, and of slices."""
    campaigns = [read_campaign(folder) for folder in sorted(DATA.glob("reference-spp-layer-*")) if folder != AGAIN]
    every = [row for campaign in campaigns for row in _pooled(campaign)]
    body = []
    for kind in dict.fromkeys(row.kind for row in every):
        own = [row for row in every if row.kind == kind]
        body.append((*kind, _range([row.ours.value for row in own]), _range([row.sliced.value for row in own])))
    headers = ["framework", "pyramid, maps", "phase", "layer / fastest alternative", "slices / layer"]
    shown = tabulate(body, headers=headers, tablefmt="github", disable_numparse=True)
    dates = sorted({_where(campaign) for campaign in campaigns})
    return (
        f"{shown}\n\n{_slower(every)}\nMeasured on {' and '.join(one.removeprefix('measured on ') for one in dates)}.\n"
    )


def _slower(every: Sequence[Pooled]) -> str:
    """Which rows the layer loses, each with its interval, and with that of being measured again."""
    lost = [row for row in every if row.ours.value > SLOWER]
    certain = sum(row.ours.low > SLOWER for row in every)
    said = f"The ratio is at most {SLOWER:g} in {len(every) - len(lost)} of {len(every)} rows (one per map size)"
    said += f"; in {certain} rows the whole 95 % interval is above it"
    if not lost:
        return f"{said}.\n"
    again = {row.place: row for row in _pooled(read_campaign(AGAIN))} if AGAIN.is_dir() else {}
    rows = [
        (*row.place, _told(row.ours), _told(again[row.place].ours) if row.place in again else "not measured")
        for row in lost
    ]
    headers = [
        "framework",
        "pyramid, maps",
        "phase",
        "size",
        "layer / fastest alternative",
        "repeated, with longer turns",
    ]
    body = tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
    return f"{said}. The other rows:\n\n{body}\n"


def _told(estimate: Estimate) -> str:
    if estimate.launches < 2:
        return f"{estimate.value:.3f}, one launch"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}], {estimate.launches} launches"


def _pooled(campaign: StoredCampaign) -> Iterator[Pooled]:
    frame = cases.cases([campaign])
    frame = frame[(frame.status == "measured") & (frame.peak_probe == "")]
    frame = frame.assign(of=[name.removesuffix("-spp") for name in frame.framework])
    launches = {case: group_by_block(records) for case, records in _by_case(campaign).items()}
    for (framework, name, size, phase), part in frame.groupby(["of", "architecture", "size", "phase"], sort=False):
        own = part[part.framework == framework].case
        others = part[part.framework != framework].set_index("case").seconds
        slices = [case for case in others.index if case.endswith(TUTORIAL)]
        if len(own) and slices:
            ours = launches[own.iloc[0]]
            pyramid = name.removeprefix("spp-").replace("x", " bins of ")
            fastest, sliced = ratio(ours, launches[others.idxmin()]), ratio(launches[slices[0]], ours)
            if fastest and sliced:
                yield Pooled(framework, pyramid, size, phase, fastest, sliced)


def _by_case(campaign: StoredCampaign) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in campaign.records:
        found.setdefault(record.case.id, []).append(record)
    return found


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.2f}–{max(values):.2f}"


def sweep() -> str:
    """A network with a pyramid beside the same without, a row for each size and contestant."""
    if not (DATA / "reference-spp").is_dir():
        return "Not measured yet.\n"
    campaign = _campaign("spp")
    frame = cases.cases([campaign])
    workloads = campaign.system.workloads
    parameters = {one.case.id: workloads[one.case.workload.id].parameters for one in campaign.records}
    frame = frame.assign(
        parameters=frame.case.map(parameters), pyramid=frame.group.map(lambda id: bool(workloads[id].variant_of))
    )
    rows = [
        (size, contestant, *_sized(part[part.pyramid]), *_sized(part[~part.pyramid]))
        for (size, contestant), part in frame[frame.peak_probe == ""].groupby(["size", "contestant"], sort=False)
    ]
    each = "images/s", "ms per megapixel", "MB", "first call, s", "million weights"
    headers = ["size", "contestant", *(f"{kind}: {what}" for kind in ("pyramid", "fixed") for what in each)]
    body = tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
    names = " and ".join(frame[frame.peak_probe == ""].architecture.unique())
    return f"{body}\n\n{names}, {frame.iloc[0].phase}; {_where(campaign)}.\n"


def _sized(part: pd.DataFrame) -> tuple[str, ...]:
    """The measurements of one network at one size, or that it was not measured."""
    if len(part) != 1 or part.iloc[0].status != "measured":
        return "not measured", "", "", "", ""
    row = part.iloc[0]
    megapixels = row.batch * row.height * row.width / 1e6
    memory = "not known" if math.isnan(row.memory_bytes) else f"{row.memory_bytes / 1e6:,.0f}"
    speed = f"{row.images_per_second:.3g}", f"{1e3 * row.seconds / megapixels:.0f}"
    return *speed, memory, f"{row.first_call_seconds:.2f}", f"{row.parameters / 1e6:.1f}"


def streams() -> str:
    """Every stream and contestant, cold and warm."""
    return _streams("stream")


def streams_compiled() -> str:
    """The same for PyTorch only, compiled for each size and once for all sizes."""
    return _streams("stream-compile")


def _streams(name: str) -> str:
    if not (DATA / f"reference-{name}").is_dir():
        return "Not measured yet.\n"
    campaign = _campaign(name)
    frame = of_cases(cases.cases([campaign]))
    measured, others = frame[frame.status == "measured"], frame[frame.status != "measured"]
    rows = [
        (
            row["stream"],
            row["contestant"],
            _number(row["cold_images_per_second"]),
            _number(row["images_per_second"]),
            _number(row["compilations"]),
            f"{row['memory_bytes'] / 1e6:,.0f}" if not math.isnan(row["memory_bytes"]) else "not known",
            pays_after(row),
            row["fallback"] if isinstance(row["fallback"], str) else "",
        )
        for row in measured.to_dict("records")
    ]
    headers = ["stream", "contestant", "cold, images/s", "warm, images/s", "compiled", "MB", "break-even", "remark"]
    body = tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
    lines = [
        f"{status.capitalize()}: {', '.join(dict.fromkeys(part.stream))}, {len(part)} cases: {reason}."
        for (status, reason), part in others.groupby(["status", "reason"], sort=False)
    ]
    first = frame.iloc[0]
    lines.append(f"{first.architecture}, {first.phase}, {first.images} images; {_where(campaign)}.")
    return "\n\n".join([body, *lines]) + "\n"


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3g}"


def multisize() -> str:
    """Milliseconds per image with each schedule, and the switching ratio."""
    campaign = _campaign("multisize")
    frame = cases.cases([campaign])
    costs = {row.contestant: _switch(row) for row in switches([campaign]).itertuples()}
    names = list(dict.fromkeys(frame.stream))
    random = next(name for name in names if name.startswith("random-"))
    rows = []
    for contestant, part in frame[frame.status == "measured"].groupby("contestant", sort=False):
        own = part.set_index("stream").reindex(names)
        each = [_number(value) for value in 1e3 * own.seconds / own.batch]
        rows.append((contestant, *each, costs[str(contestant)], _number(own.first_call_seconds[random])))
    headers = ["contestant", *names, "switching ratio", f"first call of {random}, s"]
    body = tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
    said = "Milliseconds per image; switching ratio with its 95 % interval over passes"
    return f"{body}\n\n{said}; {frame.iloc[0].architecture}, {_where(campaign)}.\n"


def _switch(row: Any) -> str:
    if row.status != "measured":
        return f"{row.status}: {row.reason}"
    return (
        f"{row.switching_ratio:.2f} [{row.switching_ratio_low:.2f}, {row.switching_ratio_high:.2f}]"
        if row.passes > 1
        else f"{row.switching_ratio:.2f}"
    )


def windows() -> str:
    """Milliseconds with shared features and with a pass per window, and the speed-up."""
    campaign = _campaign("windows")
    rows = [
        (
            row.contestant,
            f"{row.windows:,}",
            f"{1e3 * row.shared_seconds:,.0f}",
            *(("not measured", "") if math.isnan(row.each_seconds) else _compared(row)),
        )
        for row in windows_of([campaign]).itertuples()
    ]
    headers = ["contestant", "windows", "features once, ms", "a pass per window, ms", "speed-up"]
    body = tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
    return f"{body}\n\nZF-5, batch 1, {_where(campaign)}.\n"


def _compared(row: Any) -> tuple[str, str]:
    return f"{1e3 * row.each_seconds:,.0f}", f"{row.speed_up:.1f}×"


def _campaign(name: str) -> StoredCampaign:
    return read_campaign(DATA / f"reference-{name}")


def _where(campaign: StoredCampaign) -> str:
    machine = campaign.system.machine
    return f"measured on {machine.cpu}, {machine.threads} cores, {(campaign.system.started or '')[:10]}"


BLOCKS = {
    "layer": layer,
    "sweep": sweep,
    "streams": streams,
    "streams-compiled": streams_compiled,
    "multisize": multisize,
    "windows": windows,
}
