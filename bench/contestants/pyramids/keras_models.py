"""Models with alternative pyramids in Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import keras
from keras import ops

from impls.frameworks import Plan
from impls.frameworks.keras.layers import OfRow, Style, by_slices, keras_layers
from impls.frameworks.keras.on_tensorflow import KerasModel
from impls.layers import SpatialPyramid
from impls.network import Row

Level = Callable[[SpatialPyramid, int, tuple[int, int], Style], Callable[[Any], Any]]


def builtin(layer: SpatialPyramid, level: int, sides: tuple[int, int], style: Style) -> Callable[[Any], Any]:
    if level == 1:  # here Keras's layer divides by zero in TensorFlow, which kills the process
        return keras.layers.GlobalMaxPooling2D(dtype=style.dtype)
    return keras.layers.AdaptiveMaxPooling2D(level, dtype=style.dtype)


def slices(layer: SpatialPyramid, level: int, sides: tuple[int, int], style: Style) -> Callable[[Any], Any]:
    rows, columns = (layer.bins(side, level) for side in sides)
    return lambda x: ops.stack([ops.max(x[:, a:b, c:d], (1, 2)) for a, b in rows for c, d in columns], 1)


def passes(layer: SpatialPyramid, level: int, sides: tuple[int, int], style: Style) -> Callable[[Any], Any]:
    rows, columns = (layer.bins(side, level) for side in sides)
    return partial(by_slices, bins=(rows, columns), style=style)


LEVELS: Mapping[str, Level] = {"builtin": builtin, "slices": slices, "passes": passes}


class Pyramid(keras.Layer):
    """All levels, concatenated, each in memory order."""

    def __init__(self, layer: SpatialPyramid, sides: tuple[int, int], style: Style, level: Level):
        super().__init__(name=layer.name, dtype=style.dtype)
        self._flatten = keras.layers.Flatten("channels_last", dtype=style.dtype)
        self._levels = [level(layer, n, sides, style) for n in layer.levels]

    def call(self, inputs: Any) -> Any:
        return ops.concatenate([self._flatten(level(inputs)) for level in self._levels], 1)


def of_row(row: Row, style: Style, level: Level) -> list[keras.Layer]:
    if not isinstance(row.layer, SpatialPyramid):
        return keras_layers(row, style)
    height, width = row.input[1:]
    return [Pyramid(row.layer, (height, width), style, level)]


def build(plan: Plan) -> KerasModel:
    """The network with the pyramid implementation of the execution."""
    translate_row: OfRow = partial(of_row, level=LEVELS[plan.execution])
    return type("Pyramid", (KerasModel,), {"of_row": lambda self, plan: translate_row})(plan)
