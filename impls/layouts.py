"""Conversion between the canonical layout and that of channels-last frameworks, for weights and gradients.

Channels-last frameworks keep convolution weights as (height, width, inputs, outputs) and full connections as
(inputs, outputs). Flattened maps are in the order row, column, channel; the inputs of the first full connection
after a flatten are reordered here, once, instead of in every step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from impls.layers import Conv, Dense, Flatten, Shape, SpatialPyramid
from impls.network import Network, Row

PART = 16
"""Number of outputs of a full connection that are reordered at a time."""

Blocks = tuple[Shape, ...]
"""Shapes (channels, height, width) of the maps that a vector concatenates."""


class ChannelsLast:
    """Converts the arrays of one network between the two layouts."""

    def __init__(self, network: Network):
        self._kinds = {name: type(row.layer) for row in network.rows for name in row.array_names()}
        self._blocks = _vector_blocks(network)

    def native_shape(self, name: str, shape: Shape) -> Shape:
        """The shape that `to_native` gives an array of a canonical shape."""
        if not name.endswith(".weight"):
            return shape
        return tuple(shape[axis] for axis in (2, 3, 1, 0)) if self._kinds[name] is Conv else shape[::-1]

    def to_native(self, name: str, array: np.ndarray) -> np.ndarray:
        """Convert from the canonical layout; a contiguous copy if the order differs."""
        if not name.endswith(".weight"):
            return array
        if self._kinds[name] is Conv:
            return np.ascontiguousarray(array.transpose(2, 3, 1, 0))
        native = np.empty(array.shape[::-1], array.dtype)
        for rows in _slices(len(array)):
            for start, (channels, height, width) in _offsets(self._vector(name, array.shape[1])):
                end = start + channels * height * width
                part = array[rows, start:end].reshape(-1, channels, height * width)
                native[start:end].reshape(height * width, channels, -1)[:, :, rows] = part.transpose(2, 1, 0)
        return native

    def to_canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        """Convert to the canonical layout: the inverse of `to_native`, but always a copy."""
        if not name.endswith(".weight"):
            return array.copy()
        if self._kinds[name] is Conv:
            return array.transpose(3, 2, 0, 1).copy()
        canonical = np.empty(array.shape[::-1], array.dtype)
        for columns in _slices(array.shape[1]):
            part = np.ascontiguousarray(array[:, columns])  # read row by row: less than half the time
            for start, (channels, height, width) in _offsets(self._vector(name, len(array))):
                end = start + channels * height * width
                cells = part[start:end].reshape(height * width, channels, -1)
                canonical[columns, start:end] = cells.transpose(2, 1, 0).reshape(-1, end - start)
        return canonical

    def _vector(self, name: str, length: int) -> Blocks:
        """The maps behind the inputs of a full connection; a plain vector is one row of cells without channels."""
        return self._blocks.get(name, ((length, 1, 1),))

    def all_to_native(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: self.to_native(name, array) for name, array in arrays.items()}

    def all_to_canonical(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: self.to_canonical(name, array) for name, array in arrays.items()}


def _vector_blocks(network: Network) -> dict[str, Blocks]:
    """For each full connection that reads a vector made of maps: those maps."""
    blocks: Blocks = ()
    blocks_by_array = {}
    for row in network.rows:
        if isinstance(row.layer, (Flatten, SpatialPyramid)) and len(row.input) == 3:
            blocks = _blocks_of(row)
        elif isinstance(row.layer, Dense):
            if blocks:
                blocks_by_array[f"{row.layer.name}.weight"] = blocks
            blocks = ()
    return blocks_by_array


def _blocks_of(row: Row) -> Blocks:
    if isinstance(row.layer, SpatialPyramid):
        return tuple((row.input[0], level, level) for level in row.layer.levels)
    return (row.input,)


def _slices(length: int) -> list[slice]:
    """Slices for a large transposition: in parts that fit into the cache it takes a fifth of the time."""
    return [slice(start, start + PART) for start in range(0, length, PART)]


def _offsets(blocks: Blocks) -> list[tuple[int, Shape]]:
    starts = np.cumsum([0, *map(math.prod, blocks)])
    return list(zip(map(int, starts), blocks))
