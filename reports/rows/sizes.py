"""Throughput, time and memory over image size, and the first call at a new size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from reports.figures.drawing import svg
from reports.figures.drawing.selection import round_robin
from reports.figures.size_sweep import PANELS, milliseconds, pixels, size_sweep
from reports.format import numbers
from reports.format.networks import Row, grouped, text
from results.compare.limits import Limits
from results.schema.columns import device_columns
from results.schema.record import Status
from results.words import in_words, missing_reasons, on

FEWEST_SIZES = 2
"""Minimum number of sizes of a network for a curve."""
DRAWN = 8
"""Maximum number of figures, each as large as two of others."""
SAME = ["batch", "precision", "device", "devices", "phase"]


@dataclass(frozen=True)
class Cell:
    """One contestant at one size, formatted; `missing`: why there are no numbers.

    `memory` of a step in MB; "" if unknown, with the reason.
    """

    missing: str = ""
    images: str = ""
    per_megapixel: str = ""
    first_call: str = ""
    memory: str = ""
    memory_missing: str = ""


@dataclass(frozen=True)
class Size:
    """One network at one size: its parameters, and each contestant's values."""

    size: str
    megapixels: str
    network: str
    parameters: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Growth:
    """A network, with and without a pyramid, in one phase over its sizes.

    `rebuilt`: networks with other parameters at other sizes. `figure` is "" if it is not drawn.
    """

    title: str
    rebuilt: Sequence[str]
    contestants: Sequence[str]
    sizes: Sequence[Size]
    figure: Markup


def growth(cases: pd.DataFrame, limits: Limits, slots: Sequence[str], key: str) -> list[Growth]:
    """A table for each network and phase with several sizes, some of them measured, with a figure for some networks."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    plain = cases[(cases["stream"] == "") & (cases["peak_probe"] == "")]
    for own in grouped(plain, ["architecture", *SAME]).values():
        if len({row["size"] for row in own}) >= FEWEST_SIZES and any(row["status"] == Status.MEASURED for row in own):
            same = limits.facts(own[0]["group"]).variant_of or own[0]["architecture"], *(own[0][name] for name in SAME)
            found.setdefault(same, []).extend(own)
    drawn = set(round_robin(list(found), lambda same: same[0], DRAWN))
    return [
        _growth(own, limits, slots, f"{key}-growth{number}" if same in drawn else "")
        for number, (same, own) in enumerate(found.items())
    ]


def _growth(own: Sequence[Row], limits: Limits, slots: Sequence[str], key: str) -> Growth:
    first, parameters = own[0], {row["group"]: limits.facts(row["group"]).parameters for row in own}
    contestants, networks = (list(dict.fromkeys(row[name] for row in own)) for name in ("contestant", "architecture"))
    workload = (
        f"{first['phase']}, batch {first['batch']}, {first['precision']} on {on(first['device'], first['devices'])}"
    )
    title = f"{' and '.join(networks)}, {workload}"
    label = f"{title}: {', '.join(PANELS)}, each over megapixels of an image; numbers in the table"
    figure = svg.draw(lambda: size_sweep(own, networks, slots), key, label) if key else ""
    counts = {name: {parameters[row["group"]] for row in own if row["architecture"] == name} for name in networks}
    rebuilt = [name for name in networks if len(counts[name]) > 1]
    at: dict[str, dict[str, Row]] = {}
    for row in sorted(own, key=pixels):
        at.setdefault(row["group"], {})[row["contestant"]] = row
    sizes = [
        _size(next(iter(found.values())), parameters[group], map(found.get, contestants)) for group, found in at.items()
    ]
    return Growth(title, rebuilt, contestants, sizes, Markup(figure))


def _size(row: Row, parameters: int | None, cells: Iterable[Row | None]) -> Size:
    counted = f"{parameters:,}" if parameters else "not recorded"
    return Size(row["size"], numbers.plain(pixels(row)), row["architecture"], counted, [_cell(one) for one in cells])


def _cell(row: Row | None) -> Cell:
    if row is None:
        return Cell("not measured: no record")
    if row["status"] != Status.MEASURED:
        return Cell(f"{in_words(row['status'])}: {text(row['reason'])}")
    memory = row["memory_bytes"]
    return Cell(
        images=numbers.plain(row["images_per_second"]),
        per_megapixel=numbers.plain(milliseconds(row)[0]),
        first_call="" if math.isnan(row["first_call_seconds"]) else numbers.plain(row["first_call_seconds"]),
        memory="" if math.isnan(memory) else numbers.plain(memory / 1e6),
        memory_missing=_memory_missing(row) if math.isnan(memory) else "",
    )


def _memory_missing(row: Row) -> str:
    """Why memory of a step is unknown, from the launches' reasons."""
    name = device_columns(row["device"]).step_memory
    for reason, names in missing_reasons(text(row["usage_missing"])).items():
        if name in names:
            return f"not known: {reason}"
    return "not known: the campaign did not measure it"
