"""Layers in plain jax.lax: what each of the framework's tricks replaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from impls import layers
from impls.frameworks.jax import JAX
from impls.frameworks.jax.layers import Function, Run, function, shape_of, squarable
from impls.network import Row


def of_row(plain: tuple[str, ...]) -> Callable[[Row], Function]:
    """The function of a row, without the tricks called `plain`."""

    def chosen(row: Row) -> Function:
        trick = JAX.replaced(row, plain)
        return partial(REPLACED[trick], row.layer) if trick else function(row)

    return chosen


def convolution(layer: layers.Conv, x: Array, run: Run) -> Array:
    weight, bias = run.arrays(layer, "weight", "bias")
    return bias + lax.conv_general_dilated(
        x,
        weight,
        layer.windows()[1],
        layer.pads(shape_of(x)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=layer.groups,
    )


def dense(layer: layers.Dense, x: Array, run: Run) -> Array:
    weight, bias = run.arrays(layer, "weight", "bias")
    return x @ weight + bias


def pool(layer: layers.Pool | layers.Subsample, x: Array, run: Run) -> Array:
    if isinstance(layer, layers.Subsample):
        return subsample(layer, x, run)
    return max_pool(layer, x) if layer.kind == "max" else average_pool(layer, x)


def max_pool(layer: layers.Pool, x: Array) -> Array:
    return window(layer, x, -np.inf, lax.max)


def average_pool(layer: layers.Pool, x: Array) -> Array:
    return window(layer, x, 0, lax.add) / window(layer, jnp.ones((1, *x.shape[1:3], 1), x.dtype), 0, lax.add)


def subsample(layer: layers.Subsample, x: Array, run: Run) -> Array:
    coefficient, bias = run.arrays(layer, "coefficient", "bias")
    pool = layers.Pool(layer.name, kernel=layer.side, stride=layer.side)
    return window(pool, x, 0, lax.add) * coefficient + bias


def window(layer: layers.Pool, x: Array, start: float, operation: Callable[[Array, Array], Array]) -> Array:
    kernel, stride = layer.windows()
    pads = ((0, 0), *layer.pads(shape_of(x)), (0, 0))
    return lax.reduce_window(x, np.array(start, x.dtype), operation, (1, *kernel, 1), (1, *stride, 1), pads)


def normalise(layer: layers.LocalResponseNorm, x: Array, run: Run) -> Array:
    sides = layer.size // 2, (layer.size - 1) // 2
    pads = ((0, 0), (0, 0), (0, 0), sides)
    kind, x = x.dtype, squarable(x)
    size = (1, 1, 1, layer.size)
    total = lax.reduce_window(jnp.square(x), np.zeros((), x.dtype), lax.add, size, (1, 1, 1, 1), pads)
    return (x / (layer.k + layer.alpha * total) ** layer.beta).astype(kind)


def bins(layer: layers.SpatialPyramid, x: Array, run: Run) -> Array:
    _, height, width, _ = x.shape
    maxima = [
        x[:, top:bottom, left:right].max((1, 2))
        for level in layer.levels
        for top, bottom in layer.bins(height, level)
        for left, right in layer.bins(width, level)
    ]
    return jnp.concatenate(maxima, 1)


REPLACED: Mapping[str, Callable[[Any, Array, Run], Array]] = {
    "groups": convolution,
    "pointwise": convolution,
    "product": dense,
    "pools": pool,
    "powers": normalise,
    "pyramid": bins,
}
"""By trick of a layer: the plain function of the layers that it is about."""
