"""Many windows of one image: ZF-5 with features computed once for all windows (SPP-net, sections 3.1.5 and 4.1).

The comparison is one forward pass per window: the stream `tens-224` of `zf5-spp`, which has the same layers. There a
window is a rectangle of the image resized to 224 pixels; here it is a rectangle of the image's conv5 map.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from impls.architectures.alexnet import classifier
from impls.architectures.spp import FIFTY_BINS, zf
from impls.layers import Layer, Window, WindowAverage, WindowPyramid
from impls.network import Architecture

SIDE = 400
"""Side of the image in pixels."""
MAP = 24
"""Side of its conv5 map in cells."""
VIEW = 13
"""Side in cells of a view of 224 pixels (He et al. 2015, table 1)."""


def views(count: int) -> tuple[Window, ...]:
    """`count` views of one size, evenly spaced; flipped views would be as many of the flipped image's map."""
    across = int(np.ceil(np.sqrt(count)))
    starts = np.linspace(0, MAP - VIEW, across).round().astype(int).tolist()
    places = [(top, left) for top in starts for left in starts]
    selected = [places[place] for place in np.linspace(0, len(places) - 1, count).round().astype(int)]
    return tuple((top, top + VIEW, left, left + VIEW) for top, left in selected)


def regions(count: int) -> tuple[Window, ...]:
    """Random rectangles, as an object detector proposes them, with sides from 2 cells to the whole map."""
    return tuple(_regions(count, np.random.default_rng(0)))


def _regions(count: int, rng: np.random.Generator) -> Iterator[Window]:
    for _ in range(count):
        height, width = (int(side) for side in rng.integers(2, MAP, 2, endpoint=True))
        top, left = int(rng.integers(MAP - height + 1)), int(rng.integers(MAP - width + 1))
        yield top, top + height, left, left + width


def _table(classes: int, windows: tuple[Window, ...]) -> tuple[Layer, ...]:
    pyramid = WindowPyramid("spp", FIFTY_BINS, windows=windows)
    return (*zf(classes), pyramid, *classifier(classes), WindowAverage("average"))


def _of(windows: tuple[Window, ...]) -> Architecture:
    return Architecture(
        name=f"zf5-windows-{len(windows)}",
        title=f"ZF-5, {len(windows)} windows of one image",
        source="He et al. 2015, sections 3.1.5 and 4.1",
        input_shape=(3, SIDE, SIDE),
        classes=1000,
        table=partial(_table, windows=windows),
        deviations=("scores are averaged over windows, as for views; a detector would use each",),
    )


VIEWS10, VIEWS96 = _of(views(10)), _of(views(96))
WINDOWS100, WINDOWS500, WINDOWS2000 = _of(regions(100)), _of(regions(500)), _of(regions(2000))
