"""How time grows with the size of images, and what a new size costs the first time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from reports import numbers, svg
from reports.figures import WIDTH, log_axis, printable_label, style
from reports.networks import Row, rows
from results.limits import Limits
from results.record import Status

FEWEST_SIZES = 3
"""Sizes of a network from which on they are a curve."""
HEIGHT = 300


@dataclass(frozen=True)
class Size:
    """One network at one size: its parameters, and for each contestant milliseconds a megapixel, images a second and
    the seconds of the first call; None where it was not measured."""

    size: str
    megapixels: str
    parameters: str
    cells: Sequence[tuple[str, str, str] | None]


@dataclass(frozen=True)
class Growth:
    """One network and phase over its sizes. `rebuilt`: whether it has other parameters at another size."""

    title: str
    rebuilt: bool
    contestants: Sequence[str]
    sizes: Sequence[Size]
    figure: Markup


def growth(cases: pd.DataFrame, limits: Limits, slots: Sequence[str], key: str) -> list[Growth]:
    """A table and a curve for each network and phase that was measured at several sizes."""
    plain = cases[(cases["stream"] == "") & (cases["probe"] == "")]
    found = []
    names = ["architecture", "batch", "precision", "device", "phase"]
    for number, (values, part) in enumerate(plain.groupby(names, sort=False)):
        if part["size"].nunique() >= FEWEST_SIZES:
            found.append(_growth(dict(zip(names, values)), rows(part), limits, slots, f"{key}-growth{number}"))
    return found


def _growth(names: Mapping[str, Any], own: Sequence[Row], limits: Limits, slots: Sequence[str], key: str) -> Growth:
    title = (
        f"{names['architecture']}, {names['phase']}, batch {names['batch']}, {names['precision']} on {names['device']}"
    )
    who = list(dict.fromkeys(row["contestant"] for row in own))
    ordered = sorted({(row["megapixels"], row["size"]) for row in own})
    at = {(row["size"], row["contestant"]): row for row in own}
    parameters = {row["size"]: limits.workloads.get(row["group"], {}).get("parameters") for row in own}
    sizes = [
        Size(
            size,
            numbers.plain(megapixels),
            f"{parameters[size]:,}" if parameters[size] else "not recorded",
            [_cells(at.get((size, one))) for one in who],
        )
        for megapixels, size in ordered
    ]
    label = f"{title}: milliseconds for a megapixel over pixels of an image; numbers in the table"
    figure = svg.draw(lambda: _curves(own, slots), key, label)
    return Growth(title, len(set(parameters.values())) > 1, who, sizes, Markup(figure))


def _cells(row: Row | None) -> tuple[str, str, str] | None:
    if row is None or row["status"] != Status.MEASURED:
        return None
    return (
        numbers.plain(1e3 * row["seconds"] / row["megapixels"]),
        numbers.plain(row["images_per_second"]),
        numbers.plain(row["first_call_seconds"]),
    )


def _curves(own: Sequence[Row], slots: Sequence[str]) -> Figure:
    figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xscale="log", yscale="log", xlabel="megapixels of an image", ylabel="ms per megapixel (less is faster)")
    axes.grid(color=svg.INK, alpha=0.15, linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    for who in dict.fromkeys(row["contestant"] for row in own):
        mine = sorted((row for row in own if row["contestant"] == who), key=lambda row: row["megapixels"])
        known = [row for row in mine if row["status"] == Status.MEASURED]
        across = [row["megapixels"] / row["batch"] for row in known]
        up = [1e3 * row["seconds"] / row["megapixels"] for row in known]
        axes.plot(across, up, label=printable_label(who), **style(slots, who))
    for axis, ends in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        log_axis(axis, *ends)
    figure.legend(loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    return figure
