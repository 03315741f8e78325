"""Sheets of small pictures with text beside them. A pixel of y or x is a pixel of the figure."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from reports.figures.drawing.canvas import COLOURS, WIDTH, new_figure

WIDE, SIDE, SPACE, NAMES, MOST_CLASSES = 640, 48, 6, 54, 10
"""Pixels: of a sheet of class maps, a picture, a gap, the slanted names above; number of maps that fit."""

LINE, SHORT, LONG = 11, 3, 13
"""Pixels of a line of text; letters that fit in half a line, and in a line."""


def class_maps(images: np.ndarray, maps: np.ndarray, truth: np.ndarray, names: Sequence[str]) -> Figure:
    """A row per image, with its maps on one scale from 0; the true class's map is framed."""
    chosen = _strongest(maps, truth)
    height = NAMES + len(images) * (SIDE + SPACE)
    figure, axes = _canvas(WIDE, height)
    lefts = [(SIDE + SPACE) * place + 2 * SPACE * (place > 0) + 1 for place in range(len(chosen) + 1)]
    for left, name in zip(lefts, ["image", *(names[place] for place in chosen)]):
        axes.text(left + SIDE / 2, NAMES - 6, _cut(name), rotation=35, ha="left", va="bottom", fontsize=10)
    for row, (image, found, own) in enumerate(zip(images, maps.astype(float), truth)):
        top = NAMES + row * (SIDE + SPACE)
        _show(axes, _rgb(image), lefts[0], top, SIDE)
        kept = np.nan_to_num(found[chosen], nan=0.0, posinf=0.0, neginf=0.0).clip(0)
        for left, place, one in zip(lefts[1:], chosen, kept / (kept.max() or 1.0)):
            _show(axes, _coloured(one), left, top, SIDE)
            if place == own:
                frame = Rectangle((left - 2, top - 2), SIDE + 4, SIDE + 4, fill=False, color=COLOURS[1], linewidth=2.5)
                axes.add_patch(frame)
    return figure


def _strongest(maps: np.ndarray, truth: np.ndarray) -> list[int]:
    """The classes to draw if not all fit: the true ones first, then those of the strongest maps."""
    strength = np.nan_to_num(maps.astype(float)).mean((0, 2, 3))
    own = [int(one) for one in dict.fromkeys(truth.tolist()) if 0 <= one < maps.shape[1]]
    others = [int(one) for one in np.argsort(-strength, kind="stable") if one not in own]
    return sorted([*own, *others][:MOST_CLASSES])


def mistakes(images: np.ndarray, pairs: Sequence[tuple[str, str]]) -> Figure:
    """Each image above its class → predicted class."""
    short = max(len(name) for pair in pairs for name in pair) <= SHORT
    columns, lines = (10, 1) if short else (6, 2)
    cell = (WIDTH - 2) / columns
    tall = SIDE - 12 if short else SIDE
    row_height = tall + LINE * lines + 10
    figure, axes = _canvas(WIDTH, math.ceil(len(images) / columns) * row_height)
    for place, (image, (truth, taken)) in enumerate(zip(images, pairs, strict=True)):
        row, column = divmod(place, columns)
        left, top = column * cell, row * row_height
        _show(axes, _rgb(image), left + (cell - tall) / 2, top + 1, tall)
        text = f"{truth} → {taken}" if short else f"{_cut(truth)}\n→ {_cut(taken)}"
        axes.text(left + cell / 2, top + tall + 3, text, ha="center", va="top", fontsize=9, linespacing=1.1)
    return figure


def filters(weights: np.ndarray) -> Figure:
    """One sheet of all filters: three channels in colour, others as their mean in grey; each on its own scale."""
    found = weights if weights.shape[1] in (1, 3) else weights.mean(1, keepdims=True)
    least, most = found.min((1, 2, 3), keepdims=True), found.max((1, 2, 3), keepdims=True)
    scaled = (255 * (found - least) / np.where(most > least, most - least, 1)).round().astype(np.uint8)
    columns = min(len(scaled), 12)
    cell = min(WIDTH / columns, SIDE)
    figure, axes = _canvas(WIDTH, math.ceil(math.ceil(len(scaled) / columns) * cell))
    for place, one in enumerate(scaled):
        row, column = divmod(place, columns)
        _show(axes, _rgb(one), column * cell + 1, row * cell + 1, cell - 4)
    return figure


def _canvas(width: int, height: int) -> tuple[Figure, Axes]:
    figure = new_figure(height, width)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    axes.set_autoscale_on(False)
    return figure, axes


def _show(axes: Axes, picture: np.ndarray, left: float, top: float, side: float) -> None:
    """Draw an image in a square of `side` with its aspect ratio and its own pixels."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    extent = (left, left + width * scale, top + height * scale, top)
    axes.imshow(picture, extent=extent, interpolation="none", aspect="auto")


def _rgb(image: np.ndarray) -> np.ndarray:
    return np.repeat(image, 3, 0).transpose(1, 2, 0) if len(image) == 1 else image.transpose(1, 2, 0)


def _coloured(values: np.ndarray) -> np.ndarray:
    return np.asarray(colormaps["inferno"](values, bytes=True))[..., :3]


def _cut(name: str) -> str:
    return name if len(name) <= LONG else f"{name[: LONG - 1]}…"
