"""How images a second, time and memory grow with the size of images, and what a new size costs the first time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports import numbers, svg
from reports.drawn import by_turns
from reports.figures import WIDTH, log_axis, printable_label, style
from reports.matrix import MILLISECONDS, status_word
from reports.networks import Row, rows, text
from results.limits import Limits
from results.record import Status

FEWEST_SIZES = 3
"""Sizes of a network from which on they are a curve."""
PYRAMID = "-spp"
"""What a network's name ends in, a number of bins perhaps after it, when it is another's with a pyramid."""
DRAWN = 8
"""Figures, each as large as two of others."""
SAME = ["batch", "precision", "device", "phase"]

PANEL, GAP, ABOVE, BELOW, LEFT, RIGHT, LEGEND = 130, 30, 22, 44, 46, 12, 16
"""Pixels: of a panel, between two, above the first, below the last, beside them, of a line of the legend."""
STRETCH = 1.5
"""An interval is drawn up to this many times beyond the values; a wider one runs off the edge."""
STROKES: Sequence[Any] = ("-", "--", ":", "-.")
"""Of a network, where there are several in a figure."""

Values = tuple[float, float, float]
"""A value and its interval; NaN where there is none."""


def _images(row: Row) -> Values:
    return row["images_per_second"], row["images_per_second_low"], row["images_per_second_high"]


def _milliseconds(row: Row) -> Values:
    scale = MILLISECONDS / row["megapixels"]
    return scale * row["seconds"], scale * row["seconds_low"], scale * row["seconds_high"]


def _first_call(row: Row) -> Values:
    """The longest is no mean: it has no interval."""
    return row["first_call_seconds"], math.nan, math.nan


PANELS: Mapping[str, Callable[[Row], Values]] = {
    "images/s (more is faster)": _images,
    "ms a megapixel (less is faster)": _milliseconds,
    "first call, s: longest of the launches": _first_call,
}


@dataclass(frozen=True)
class Cell:
    """One contestant at one size, ready to be printed; `missing` says why there are no numbers.

    `memory` is of a step, in MB; where it is not known, "" and why.
    """

    missing: str = ""
    images: str = ""
    per_megapixel: str = ""
    first_call: str = ""
    memory: str = ""
    memory_missing: str = ""


@dataclass(frozen=True)
class Size:
    """One network at one size: its parameters, and what each contestant took."""

    size: str
    megapixels: str
    network: str
    parameters: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Growth:
    """A network, with and without a pyramid, in one phase over its sizes.

    `rebuilt` are those that have other parameters at another size. `figure` is "" where it is not among those that are
    drawn.
    """

    title: str
    rebuilt: Sequence[str]
    contestants: Sequence[str]
    sizes: Sequence[Size]
    figure: Markup


def growth(cases: pd.DataFrame, limits: Limits, slots: Sequence[str], key: str) -> list[Growth]:
    """A table for each network and phase that was measured at several sizes, and a figure for some of each network."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for _, part in cases[(cases["stream"] == "") & (cases["peak_probe"] == "")].groupby(
        ["architecture", *SAME], sort=False
    ):
        if part["size"].nunique() >= FEWEST_SIZES:
            own = rows(part)
            same = own[0]["architecture"].partition(PYRAMID)[0], *(own[0][name] for name in SAME)
            found.setdefault(same, []).extend(own)
    drawn = set(by_turns(list(found), lambda same: same[0], DRAWN))
    return [
        _growth(own, limits, slots, f"{key}-growth{number}" if same in drawn else "")
        for number, (same, own) in enumerate(found.items())
    ]


def _growth(own: Sequence[Row], limits: Limits, slots: Sequence[str], key: str) -> Growth:
    first, parameters = own[0], {row["group"]: limits.workloads.get(row["group"], {}).get("parameters") for row in own}
    who, networks = (list(dict.fromkeys(row[name] for row in own)) for name in ("contestant", "architecture"))
    workload = f"{first['phase']}, batch {first['batch']}, {first['precision']} on {first['device']}"
    title = f"{' and '.join(networks)}, {workload}"
    label = f"{title}: {', '.join(PANELS)}, each over megapixels of an image; numbers in the table"
    figure = svg.draw(lambda: _figure(own, networks, slots), key, label) if key else ""
    counts = {name: {parameters[row["group"]] for row in own if row["architecture"] == name} for name in networks}
    rebuilt = [name for name in networks if len(counts[name]) > 1]
    at: dict[str, dict[str, Row]] = {}
    for row in sorted(own, key=_pixels):
        at.setdefault(row["group"], {})[row["contestant"]] = row
    sizes = [_size(next(iter(found.values())), parameters[group], map(found.get, who)) for group, found in at.items()]
    return Growth(title, rebuilt, who, sizes, Markup(figure))


def _pixels(row: Row) -> float:
    """Megapixels of an image."""
    return float(row["megapixels"] / row["batch"])


def _size(row: Row, parameters: int | None, everyone: Iterable[Row | None]) -> Size:
    counted = f"{parameters:,}" if parameters else "not recorded"
    return Size(
        row["size"], numbers.plain(_pixels(row)), row["architecture"], counted, [_cell(one) for one in everyone]
    )


def _cell(row: Row | None) -> Cell:
    if row is None:
        return Cell("not measured: no record")
    if row["status"] != Status.MEASURED:
        return Cell(f"{status_word(row['status'])}: {text(row['reason'])}")
    memory = row["memory_bytes"]
    return Cell(
        images=numbers.plain(row["images_per_second"]),
        per_megapixel=numbers.plain(_milliseconds(row)[0]),
        first_call="" if math.isnan(row["first_call_seconds"]) else numbers.plain(row["first_call_seconds"]),
        memory="" if math.isnan(memory) else numbers.plain(memory / 1e6),
        memory_missing=_memory_missing(row) if math.isnan(memory) else "",
    )


def _memory_missing(row: Row) -> str:
    """Why memory of a step is not known, as its launches said."""
    name = "peak_rss_step_bytes" if row["device"] == "cpu" else "gpu_memory_bytes"
    for part in text(row["usage_missing"]).split("; "):
        names, _, reason = part.partition(": ")
        if name in names.split(", "):
            return f"not known: {reason}"
    return "not known: the campaign did not look at it"


def _figure(own: Sequence[Row], networks: Sequence[str], slots: Sequence[str]) -> Figure:
    """A panel below the other, over the same sizes: a colour and sign a contestant, a stroke a network."""
    strokes = {name: STROKES[place % len(STROKES)] for place, name in enumerate(networks)}
    legend = {
        who: Line2D([], [], linestyle="none", **style(slots, who))
        for who in dict.fromkeys(row["contestant"] for row in own)
    }
    if len(networks) > 1:
        legend |= {name: Line2D([], [], color=svg.INK, linestyle=stroke) for name, stroke in strokes.items()}
    below = BELOW + LEGEND * math.ceil(len(legend) / 2)
    height = ABOVE + len(PANELS) * PANEL + (len(PANELS) - 1) * GAP + below
    figure = Figure(figsize=(WIDTH / 72, height / 72))
    for place, (name, of) in enumerate(PANELS.items()):
        bottom = height - ABOVE - (place + 1) * PANEL - place * GAP
        axes = figure.add_axes((LEFT / WIDTH, bottom / height, 1 - (LEFT + RIGHT) / WIDTH, PANEL / height))
        axes.set(xscale="log", yscale="log")
        axes.set_title(name, fontsize=10, loc="left", pad=4)
        axes.grid(color=svg.INK, alpha=0.15, linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        _panel(axes, own, strokes, slots, of)
        axes.tick_params(axis="x", labelbottom=place == len(PANELS) - 1)
    axes.set_xlabel("megapixels of an image")
    labels = [printable_label(name) for name in legend]
    look = {"fontsize": 9, "frameon": False, "borderpad": 0, "labelspacing": 0.3}
    figure.legend(list(legend.values()), labels, loc="lower center", ncols=2, **look)
    return figure


def _panel(
    axes: Axes, own: Sequence[Row], strokes: Mapping[str, Any], slots: Sequence[str], of: Callable[[Row], Values]
) -> None:
    """A line for each network and contestant; what was not measured has no point. Hollow: without an interval."""
    lines: dict[tuple[str, str], list[tuple[float, *Values]]] = {}
    for row in own:
        if row["status"] == Status.MEASURED and of(row)[0] > 0:
            lines.setdefault((row["architecture"], row["contestant"]), []).append((_pixels(row), *of(row)))
    for (network, who), points in lines.items():
        look = {**style(slots, who), "markersize": 4, "linewidth": 1.2}
        across, up, lows, _ = zip(*sorted(points))
        face = "none" if all(map(math.isnan, lows)) else look["color"]
        axes.plot(across, up, linestyle=strokes[network], markerfacecolor=face, **look)
        if intervals := [(x, low, high) for x, _, low, high in points if low < high]:
            axes.vlines(*zip(*intervals), color=look["color"], linewidth=1.2, alpha=0.6)
    if lines:
        _limit(axes, [values for points in lines.values() for _, *values in points])
    log_axis(axes.xaxis, *axes.get_xlim())


def _limit(axes: Axes, drawn: Sequence[Sequence[float]]) -> None:
    """An axis that holds every value, and of the intervals what does not press them flat."""
    values = [value for value, _, _ in drawn]
    ends = [end for one in drawn for end in one if not math.isnan(end)]
    low, high = max(min(ends), min(values) / STRETCH), min(max(ends), max(values) * STRETCH)
    axes.set_ylim(low / 1.1, high * 1.1)
    log_axis(axes.yaxis, *axes.get_ylim())
