"""Models with alternative pyramids in TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import tensorflow as tf

from impls.frameworks import Plan
from impls.frameworks.tensorflow.layers import (
    Function,
    Variables,
    flatten,
    function,
    largest_in,
    pooled_side_by_side,
    translate,
)
from impls.frameworks.tensorflow.model import TensorFlowModel
from impls.layers import SpatialPyramid
from impls.network import Network, Row


def slices(layer: SpatialPyramid, level: int, x: tf.Tensor) -> tf.Tensor:
    rows, columns = (layer.bins(side, level) for side in x.shape[1:3])
    maxima = [tf.reduce_max(x[:, a:b, c:d], (1, 2)) for a, b in rows for c, d in columns]
    return tf.stack(maxima, 1)


def passes(layer: SpatialPyramid, level: int, x: tf.Tensor) -> tf.Tensor:
    rows, columns = (layer.bins(side, level) for side in x.shape[1:3])
    return largest_in(largest_in(x, rows, 1), columns, 2)


def padded(layer: SpatialPyramid, level: int, x: tf.Tensor) -> tf.Tensor:
    return pooled_side_by_side(x, *(layer.bins(side, level) for side in x.shape[1:3]))


LEVELS: Mapping[str, Callable[[SpatialPyramid, int, tf.Tensor], tf.Tensor]] = {
    "slices": slices,
    "passes": passes,
    "padded": padded,
}


class Pyramid(TensorFlowModel):
    """The network with the pyramid implementation of the execution."""

    def __init__(self, plan: Plan):
        self._level = LEVELS[plan.execution]
        super().__init__(plan)

    def translate(self, network: Network, variables: Mapping[str, tf.Tensor], compiled: bool) -> Function:
        return translate(network, variables, compiled, self._of_row)

    def _of_row(self, row: Row, variables: Variables, compiled: bool) -> Function:
        layer = row.layer
        if not isinstance(layer, SpatialPyramid):
            return function(row, variables, compiled)
        return lambda x, training: tf.concat([flatten(self._level(layer, level, x)) for level in layer.levels], 1)
