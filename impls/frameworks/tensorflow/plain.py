"""Layers in plain tf.nn: what each of the framework's tricks replaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from impls import layers
from impls.frameworks.tensorflow import TENSORFLOW
from impls.frameworks.tensorflow.layers import (
    Function,
    OfRow,
    Variables,
    batch_norm,
    function,
    local_response_norm,
    padding_of_any,
    plain_normalisation,
    shape_of,
    squarable,
)
from impls.network import Row


def of_row(plain: tuple[str, ...]) -> OfRow:
    """The function of a row, without the tricks called `plain`."""

    def chosen(row: Row, own: Variables, compiled: bool) -> Function:
        trick = TENSORFLOW.replaced(row, plain)
        return REPLACED[trick](row.layer, own) if trick else function(row, own, compiled)

    return chosen


def lrn(layer: layers.LocalResponseNorm, own: Variables) -> Function:
    settings = dict(depth_radius=layer.size // 2, bias=layer.k, alpha=layer.alpha, beta=layer.beta)
    own_way = local_response_norm(layer)

    def apply(x: tf.Tensor, training: bool) -> tf.Tensor:
        if x.dtype == tf.float64:  # which tf.nn's lacks, and which only the parity check asks for
            return own_way(x, training)
        return tf.cast(tf.nn.local_response_normalization(squarable(x), **settings), x.dtype)

    return apply


def borders(layer: layers.Conv | layers.Pool, own: Variables) -> Function:
    if isinstance(layer, layers.Conv):
        return _convolution(layer, own)
    return lambda x, training: tf.nn.max_pool2d(x, *layer.windows(), _padding(layer, x))


def _convolution(layer: layers.Conv, own: Variables) -> Function:
    _, stride = layer.windows()

    def apply(x: tf.Tensor, training: bool) -> tf.Tensor:
        return tf.nn.conv2d(x, own["weight"], stride, _padding(layer, x)) + own["bias"]

    return apply


def _padding(layer: layers.Conv | layers.Pool, x: tf.Tensor) -> Any:
    """The border as tf.nn takes it: explicit, or its name where it is the same at every size."""
    if layer.padding == "same":
        return padding_of_any(layer)[0]
    return ((0, 0), *layer.pads(shape_of(x)), (0, 0))


def batch_normalisation(layer: layers.BatchNorm, own: Variables) -> Function:
    return batch_norm(layer, **own, fused=plain_normalisation)


def pyramid(layer: layers.SpatialPyramid, own: Variables) -> Function:
    def apply(x: tf.Tensor, training: bool) -> tf.Tensor:
        _, height, width = shape_of(x)
        maxima = [
            tf.reduce_max(x[:, top:bottom, left:right], (1, 2))
            for level in layer.levels
            for top, bottom in layer.bins(height, level)
            for left, right in layer.bins(width, level)
        ]
        return tf.concat(maxima, 1)

    return apply


REPLACED: Mapping[str, Callable[[Any, Variables], Function]] = {
    "lrn": lrn,
    "borders": borders,
    "batch-norm": batch_normalisation,
    "pyramid": pyramid,
}
"""By trick of a layer: the plain function of the layers that it is about."""
