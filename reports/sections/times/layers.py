"""Time by layer: bars to compare contestants, and each layer's share of the contestant's step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from reports.figures.drawing import svg
from reports.figures.layer_bars import layer_bars, milliseconds
from reports.format import numbers
from reports.format.networks import Row, rows, text
from reports.sections.section import CampaignView, Section
from results import words
from results.schema.record import Status
from results.tables.layers import layers as layers_of

PERCENT = 100.0
KEYS = ["network", "size", "batch", "precision", "device", "phase"]


@dataclass(frozen=True)
class Cell:
    """A layer in a contestant: milliseconds, and its share of that contestant's step in percent; or why missing."""

    time: tuple[float, str] | None
    share: numbers.FormattedEstimate | None = None
    missing: str = ""


@dataclass(frozen=True)
class LayerRow:
    layer: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class LayerTable:
    """A network in one phase: a row per layer, a cell per contestant; `sums` and `wholes`: all layers, whole step."""

    title: str
    contestants: Sequence[str]
    rows: Sequence[LayerRow]
    sums: Sequence[numbers.FormattedEstimate | None]
    wholes: Sequence[tuple[float, str] | None]
    figure: Markup


def layer_tables(table: pd.DataFrame, slots: Sequence[str], key: str) -> list[LayerTable]:
    """One for each network and phase with isolated layers."""
    groups = table.groupby(KEYS, sort=False)
    return [
        _table(dict(zip(KEYS, values)), rows(part), slots, f"{key}{number}")
        for number, (values, part) in enumerate(groups)
    ]


def _table(names: Mapping[str, object], own: Sequence[Row], slots: Sequence[str], key: str) -> LayerTable:
    title = "{network} {size}, {phase}, batch {batch}, {precision} on {device}".format(**names)
    found = {(row["layer"], row["contestant"]): row for row in own}
    layers, contestants = (list(dict.fromkeys(row[name] for row in own)) for name in ("layer", "contestant"))
    firsts = [next(row for row in own if row["contestant"] == one) for one in contestants]
    label = f"{title}: milliseconds of each isolated layer by contestant; numbers in the table"
    return LayerTable(
        title,
        contestants,
        [LayerRow(layer, [_cell(found.get((layer, one))) for one in contestants]) for layer in layers],
        [_percent(row, "sum_share") for row in firsts],
        [milliseconds(row["whole_seconds"]) for row in firsts],
        Markup(svg.draw(lambda: layer_bars(found, layers, contestants, slots), key, label)),
    )


def _cell(row: Row | None) -> Cell:
    if row is None:
        return Cell(None, missing="no record")
    if row["status"] != Status.MEASURED:
        return Cell(None, missing=words.status(row["status"], text(row["reason"])))
    return Cell(milliseconds(row["seconds"]), _percent(row, "share"))


def _percent(row: Row, name: str) -> numbers.FormattedEstimate | None:
    return numbers.estimate(row[name], row[f"{name}_low"], row[f"{name}_high"], PERCENT)


def build(view: CampaignView) -> list[LayerTable] | None:
    return layer_tables(layers_of([view.campaign]), view.contestants, f"{view.key}-layers") or None


SECTION = Section("layers", "Layer by layer", "layers.html.j2", build)
