"""Layers in plain jax.lax: what each of the framework's tricks replaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from impls import layers
from impls.frameworks.jax.layers import Function, Run, function, pointwise, shape_of, squarable
from impls.network import Row


def of_row(plain: tuple[str, ...]) -> Callable[[Row], Function]:
    """The function of a row, without the tricks called `plain`."""
    replacements = [REPLACED[name] for name in plain]

    def chosen(row: Row) -> Function:
        return next((found for replacement in replacements if (found := replacement(row))), None) or function(row)

    return chosen


def groups(row: Row) -> Function | None:
    layer = row.layer
    return partial(convolution, layer) if isinstance(layer, layers.Conv) and layer.groups > 1 else None


def ones(row: Row) -> Function | None:
    match row.layer:
        case layers.Conv() as layer if pointwise(layer, row.input):
            return partial(convolution, layer)
    return None


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


def product(row: Row) -> Function | None:
    return partial(dense, row.layer) if isinstance(row.layer, layers.Dense) else None


def dense(layer: layers.Dense, x: Array, run: Run) -> Array:
    weight, bias = run.arrays(layer, "weight", "bias")
    return x @ weight + bias


def pools(row: Row) -> Function | None:
    match row.layer:
        case layers.Pool(kind="max") as layer:
            return partial(max_pool, layer)
        case layers.Pool() as layer:
            return partial(average_pool, layer)
        case layers.Subsample() as layer:
            return partial(subsample, layer)
    return None


def max_pool(layer: layers.Pool, x: Array, run: Run) -> Array:
    return window(layer, x, -np.inf, lax.max)


def average_pool(layer: layers.Pool, x: Array, run: Run) -> Array:
    return window(layer, x, 0, lax.add) / window(layer, jnp.ones((1, *x.shape[1:3], 1), x.dtype), 0, lax.add)


def subsample(layer: layers.Subsample, x: Array, run: Run) -> Array:
    coefficient, bias = run.arrays(layer, "coefficient", "bias")
    pool = layers.Pool(layer.name, kernel=layer.side, stride=layer.side)
    return window(pool, x, 0, lax.add) * coefficient + bias


def window(layer: layers.Pool, x: Array, start: float, operation: Callable[[Array, Array], Array]) -> Array:
    kernel, stride = layer.windows()
    pads = ((0, 0), *layer.pads(shape_of(x)), (0, 0))
    return lax.reduce_window(x, np.array(start, x.dtype), operation, (1, *kernel, 1), (1, *stride, 1), pads)


def powers(row: Row) -> Function | None:
    return partial(normalise, row.layer) if isinstance(row.layer, layers.LocalResponseNorm) else None


def normalise(layer: layers.LocalResponseNorm, x: Array, run: Run) -> Array:
    sides = layer.size // 2, (layer.size - 1) // 2
    pads = ((0, 0), (0, 0), (0, 0), sides)
    kind, x = x.dtype, squarable(x)
    size = (1, 1, 1, layer.size)
    total = lax.reduce_window(jnp.square(x), np.zeros((), x.dtype), lax.add, size, (1, 1, 1, 1), pads)
    return (x / (layer.k + layer.alpha * total) ** layer.beta).astype(kind)


def pyramid(row: Row) -> Function | None:
    match row.layer:
        case layers.SpatialPyramid() as layer if not isinstance(layer, layers.WindowPyramid):
            return partial(bins, layer)
    return None


def bins(layer: layers.SpatialPyramid, x: Array, run: Run) -> Array:
    _, height, width, _ = x.shape
    maxima = [
        x[:, top:bottom, left:right].max((1, 2))
        for level in layer.levels
        for top, bottom in layer.bins(height, level)
        for left, right in layer.bins(width, level)
    ]
    return jnp.concatenate(maxima, 1)


REPLACED: Mapping[str, Callable[[Row], Function | None]] = {
    "groups": groups,
    "pointwise": ones,
    "product": product,
    "pools": pools,
    "powers": powers,
    "pyramid": pyramid,
}
"""By trick of a layer: the plain function of a row that it is about, None for other rows."""
OF_STEPS = ()
"""The tricks of a model's steps, which are not of a layer."""
