"""How time grows with the size of images, and what a new size costs the first time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from reports import numbers, svg
from reports.drawn import by_turns
from reports.lines import lines
from reports.networks import Row, rows
from results.limits import Limits
from results.record import Status

FEWEST_SIZES = 3
"""Sizes of a network from which on they are a curve."""
SAME = ["architecture", "batch", "precision", "device", "phase"]


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
    """One network and phase over its sizes. `rebuilt`: whether it has other parameters at another size.

    `figure` is "" where it is not among those that are drawn.
    """

    title: str
    rebuilt: bool
    contestants: Sequence[str]
    sizes: Sequence[Size]
    figure: Markup


def growth(cases: pd.DataFrame, limits: Limits, slots: Sequence[str], key: str) -> list[Growth]:
    """A table for each network and phase that was measured at several sizes, and a curve for some of each network."""
    plain = cases[(cases["stream"] == "") & (cases["probe"] == "")]
    found = [
        (dict(zip(SAME, values)), rows(part))
        for values, part in plain.groupby(SAME, sort=False)
        if part["size"].nunique() >= FEWEST_SIZES
    ]
    drawn = {id(own) for _, own in by_turns(found, lambda one: one[0]["architecture"])}
    return [
        _growth(names, own, limits, slots, f"{key}-growth{number}" if id(own) in drawn else "")
        for number, (names, own) in enumerate(found)
    ]


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
    figure = svg.draw(lambda: _curves(own, slots), key, label) if key else ""
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
    x = "megapixels of an image", lambda row: row["megapixels"] / row["batch"]
    y = "ms per megapixel (less is faster)", lambda row: 1e3 * row["seconds"] / row["megapixels"]
    return lines(own, slots, x, y)
