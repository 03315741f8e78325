"""Layers in plain keras.layers and keras.ops: what each of the framework's tricks replaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import ops

from impls import layers
from impls.frameworks.keras import KERAS
from impls.frameworks.keras.layers import OfRow, Style, keras_layers, native_padding, normalise, squarable
from impls.layers import Shape
from impls.network import Row


def of_row(plain: tuple[str, ...]) -> OfRow:
    """The layers of a row, without the tricks called `plain`."""

    def chosen(row: Row, style: Style) -> list[keras.Layer]:
        trick = KERAS.replaced(row, plain)
        return REPLACED[trick](row.layer, row.input, style) if trick else keras_layers(row, style)

    return chosen


def lrn(layer: layers.LocalResponseNorm, shape: Shape, style: Style) -> list[keras.Layer]:
    return [LocalResponseNorm(layer, style, name=layer.name, dtype=style.dtype)]


def pyramid(layer: layers.SpatialPyramid, shape: Shape, style: Style) -> list[keras.Layer]:
    return [SpatialPyramid(layer, shape, style, name=layer.name, dtype=style.dtype)]


def groups(layer: layers.Conv, shape: Shape, style: Style) -> list[keras.Layer]:
    placed: dict[str, Any] = dict(name=layer.name, dtype=style.dtype, data_format=style.data_format)
    kernel, stride = layer.windows()
    padding, pads = native_padding(layer, shape)
    settings = dict(placed, strides=stride, padding=padding, groups=layer.groups, kernel_initializer="zeros")
    border = [] if pads is None else [keras.layers.ZeroPadding2D(pads, **dict(placed, name=f"{layer.name}-border"))]
    return [*border, keras.layers.Conv2D(layer.channels, kernel, **settings)]


class LocalResponseNorm(keras.Layer):
    def __init__(self, layer: layers.LocalResponseNorm, style: Style, **common: Any):
        super().__init__(**common)
        self._layer, self._axis = layer, style.channels

    def call(self, inputs: Any) -> Any:
        return ops.cast(normalise(self._layer, self._axis, squarable(inputs))[0], inputs.dtype)


class SpatialPyramid(keras.Layer):
    """All levels, concatenated, each in memory order."""

    def __init__(self, layer: layers.SpatialPyramid, shape: Shape, style: Style, **common: Any):
        super().__init__(**common)
        self._levels = [[layer.bins(side, level) for side in shape[1:]] for level in layer.levels]
        self._style = style

    def call(self, inputs: Any) -> Any:
        axis = self._style.rows
        ahead, sides = (slice(None),) * axis, (axis, axis + 1)
        vectors = []
        for rows, columns in self._levels:
            maxima = [
                ops.max(inputs[(*ahead, slice(*row), slice(*column))], sides) for row in rows for column in columns
            ]
            # In the order of memory, as the other layers leave it.
            level = ops.stack(maxima, 2 if self._style.channels == 1 else 1)
            vectors.append(ops.reshape(level, (-1, level.shape[1] * level.shape[2])))
        return ops.concatenate(vectors, 1)


REPLACED: Mapping[str, Callable[[Any, Shape, Style], list[keras.Layer]]] = {
    "lrn": lrn,
    "groups": groups,
    "pyramid": pyramid,
}
"""By trick of a layer: the plain layers of the rows that it is about."""
