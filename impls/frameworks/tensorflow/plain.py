"""Layers in plain tf.nn: what each of the framework's tricks replaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from impls import layers
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

Replacement = Callable[[Row, Variables], Function | None]


def of_row(plain: tuple[str, ...]) -> OfRow:
    """The function of a row, without the tricks called `plain`."""
    replacements = [REPLACED[name] for name in plain if name in REPLACED]

    def chosen(row: Row, own: Variables, compiled: bool) -> Function:
        found = (replacement(row, own) for replacement in replacements)
        return next(filter(None, found), None) or function(row, own, compiled)

    return chosen


def lrn(row: Row, own: Variables) -> Function | None:
    layer = row.layer
    if not isinstance(layer, layers.LocalResponseNorm):
        return None
    settings = dict(depth_radius=layer.size // 2, bias=layer.k, alpha=layer.alpha, beta=layer.beta)
    own_way = local_response_norm(layer)

    def apply(x: tf.Tensor, training: bool) -> tf.Tensor:
        if x.dtype == tf.float64:  # which tf.nn's lacks, and which only the parity check asks for
            return own_way(x, training)
        return tf.cast(tf.nn.local_response_normalization(squarable(x), **settings), x.dtype)

    return apply


def borders(row: Row, own: Variables) -> Function | None:
    match row.layer:
        # TensorFlow has no gradient of its own grouped convolution on the CPU, so groups are split by hand anyway.
        case layers.Conv(groups=1, connection_table=None) as layer:
            return _convolution(layer, own)
        case layers.Pool(kind="max") as layer:
            return lambda x, training: tf.nn.max_pool2d(x, *layer.windows(), _padding(layer, x))
    return None


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


def batch_normalisation(row: Row, own: Variables) -> Function | None:
    return batch_norm(row.layer, **own, fused=plain_normalisation) if isinstance(row.layer, layers.BatchNorm) else None


def pyramid(row: Row, own: Variables) -> Function | None:
    layer = row.layer
    if not isinstance(layer, layers.SpatialPyramid) or isinstance(layer, layers.WindowPyramid):
        return None

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


REPLACED: Mapping[str, Replacement] = {
    "lrn": lrn,
    "borders": borders,
    "batch-norm": batch_normalisation,
    "pyramid": pyramid,
}
"""By trick of a layer: the plain function of a row that it is about, None for other rows."""
OF_STEPS = ("update", "calls")
"""The tricks of a model's steps, which are not of a layer."""
