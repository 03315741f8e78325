"""Layers in JAX: functions of maps (batch, height, width, channels) or vectors (batch, length).

Where JAX offers several ways to compute the same, the comments say which was faster; ratios are medians of
interleaved rounds on two CPU cores with jax 0.10, relative to the plain form. Functions accept maps of any size
and are traced for every shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from impls import layers
from impls.arrays import link_mask
from impls.errors import Unsupported
from impls.layers import Pads, Pair, Shape
from impls.network import Network, Row

Arrays = dict[str, Array]
Apply = Callable[[Arrays, Arrays, Array, bool, Any], tuple[Array, Arrays]]
"""(params, statistics, images, training, key) -> (scores, new statistics); arrays by canonical name."""


@dataclass
class Run:
    """State of one pass through the network while it is traced: what layers read besides their input, and write."""

    params: Mapping[str, Array]
    statistics: Arrays
    training: bool
    keys: list[Array]  # one per remaining dropout

    def arrays(self, layer: layers.Layer, *suffixes: str) -> tuple[Array, ...]:
        """The layer's trainable arrays with these suffixes."""
        return tuple(self.params[f"{layer.name}.{suffix}"] for suffix in suffixes)


Function = Callable[[Array, Run], Array]


def translate(network: Network, of_row: Callable[[Row], Function] | None = None) -> Apply:
    """The network as one pure function. `key` may be None without dropout, or when not training.

    `of_row`: replaces `function`, which gives the function of a row.
    """
    functions = [(of_row or function)(row) for row in network.rows]
    dropouts = sum(isinstance(layer, layers.Dropout) for layer in network.layers)

    def apply(params: Arrays, statistics: Arrays, images: Array, training: bool, key: Any) -> tuple[Array, Arrays]:
        keys = list(jax.random.split(key, dropouts)) if training and dropouts else []
        run = Run(params, dict(statistics), training, keys)
        return reduce(lambda x, layer: layer(x, run), functions, images), run.statistics

    return apply


def function(row: Row) -> Function:  # noqa: C901 (one case a kind of layer)
    """The function for one row of a network."""
    match row.layer:
        case layers.Conv() as layer:
            return partial(convolution, layer)
        case layers.Subsample() as layer:
            return partial(subsample, layer)
        case layers.Pool(kind="max") as layer:
            return partial(max_layer, layer)
        case layers.Pool() as layer:
            return partial(average_layer, layer)
        case layers.LocalResponseNorm() as layer:
            return partial(local_response_norm, layer)
        case layers.BatchNorm() as layer:
            return partial(batch_norm, layer)
        case layers.Activation(kind=kind) if kind in ACTIVATIONS:
            return partial(activation, ACTIVATIONS[kind])
        case layers.Dropout() as layer:
            return partial(dropout, layer)
        case layers.Flatten():
            return flatten
        case layers.Dense() as layer:
            return partial(dense, layer)
        case layers.RadialBasis() as layer:
            return partial(radial_basis, layer)
        case layers.GlobalAverage():
            return global_average
        case layers.WindowPyramid() as layer:
            return partial(window_pyramid, layer)
        case layers.WindowAverage():
            return window_average
        case layers.SpatialPyramid() as layer:
            return partial(spatial_pyramid, layer)
    raise Unsupported(f"jax: no function for {type(row.layer).__name__}; add a case in {__name__}")


def scaled_tanh(x: Array) -> Array:
    return layers.Activation.AMPLITUDE * jnp.tanh(layers.Activation.SLOPE * x)


ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {
    "relu": jax.nn.relu,  # its gradient at 0 is 0, as elsewhere; that of jnp.maximum is 1/2
    "tanh": jnp.tanh,
    "scaled_tanh": scaled_tanh,
}


def activation(squash: Callable[[Array], Array], x: Array, run: Run) -> Array:
    return squash(x)


def shape_of(x: Array) -> Shape:
    """The shape of maps in the order of tables: (channels, height, width)."""
    _, height, width, channels = x.shape
    return channels, height, width


def convolution(layer: layers.Conv, x: Array, run: Run) -> Array:
    """Channels last: 0.6 to 1.0 times channels first forward, the same backward."""
    shape = shape_of(x)
    weight, bias = run.arrays(layer, "weight", "bias")
    if layer.connection_table is not None and run.training:
        # Missing weights are zero from the start, so only training needs the mask: it keeps their gradient zero.
        weight = weight * link_mask(layer, shape[0]).transpose(2, 3, 1, 0).astype(weight.dtype)
    if layer.is_pointwise(shape):  # as a full connection: 0.4 to 1.0 times as long
        return connect(x, weight[0, 0]) + bias
    convolve = partial(
        lax.conv_general_dilated,
        window_strides=layer.windows()[1],
        padding=layer.pads(shape),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    # A convolution a group: 0.25 to 0.56 times feature_group_count forward, 0.1 to 0.3 times backward.
    parts = zip(jnp.split(x, layer.groups, 3), jnp.split(weight, layer.groups, 3), strict=True)
    return jnp.concatenate([convolve(maps, weights) for maps, weights in parts], 3) + bias


def dense(layer: layers.Dense, x: Array, run: Run) -> Array:
    weight, bias = run.arrays(layer, "weight", "bias")
    return connect(x, weight) + bias


def connect(x: Array, weight: Array) -> Array:
    """`x` (..., inputs) times `weight` (inputs, outputs), as one product of matrices."""
    return product(x.reshape(-1, x.shape[-1]), weight).reshape(*x.shape[:-1], -1)


@jax.custom_vjp
def product(x: Array, weight: Array) -> Array:
    """x @ weight. JAX's own gradient gives the weight's transposed, which costs a copy: 2.4 times at batch 1."""
    return x @ weight


def _product_forward(x: Array, weight: Array) -> tuple[Array, tuple[Array, Array]]:
    return x @ weight, (x, weight)


def _product_backward(kept: tuple[Array, Array], change: Array) -> tuple[Array, Array]:
    x, weight = kept
    for_x = lax.dot_general(change, weight, (((1,), (1,)), ((), ())))
    for_weight = lax.dot_general(x, change, (((0,), (0,)), ((), ())))
    return for_x, for_weight


product.defvjp(_product_forward, _product_backward)


@dataclass(frozen=True)
class Windows:
    """Sliding windows over maps of `size`. Shapes are (height, width)."""

    size: Pair
    kernel: Pair
    stride: Pair
    pads: Pads
    outputs: Pair

    @classmethod
    def of(cls, layer: layers.Pool, x: Array) -> Windows:
        shape = shape_of(x)
        return cls((shape[1], shape[2]), *layer.windows(), layer.pads(shape), layer.outputs(shape))

    def cells(self, x: Array, border: float) -> list[Array]:
        """For each cell of a window, row by row: the map of that cell's value in every window.

        Sums and maxima of these take 0.2 to 1.2 times as long as lax.reduce_window, and XLA fuses them with neighbours.
        """
        if self.pads != ((0, 0), (0, 0)):
            x = lax.pad(x, jnp.asarray(border, x.dtype), ((0, 0, 0), *((*pad, 0) for pad in self.pads), (0, 0, 0)))
        (rows, columns), (down, right) = self.outputs, self.stride
        return [
            x[:, i : i + (rows - 1) * down + 1 : down, j : j + (columns - 1) * right + 1 : right]
            for i in range(self.kernel[0])
            for j in range(self.kernel[1])
        ]

    def put_back(self, cells: list[Array]) -> Array:
        """The transpose of `cells` with a border of zeros: adds each value at its source cell."""
        batch, _, _, channels = cells[0].shape
        maps = jax.ShapeDtypeStruct((batch, *self.size, channels), cells[0].dtype)
        return jax.linear_transpose(partial(self.cells, border=0.0), maps)(cells)[0]


def max_layer(layer: layers.Pool, x: Array, run: Run) -> Array:
    return max_pool(x, Windows.of(layer, x))


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def max_pool(x: Array, windows: Windows) -> Array:
    """The maximum of each window; its gradient goes to the first maximum, row by row, as in other frameworks.

    XLA's own gradient (select-and-scatter) gives the same, and takes 1.3 to 14 times as long on the CPU.
    """
    return reduce(jnp.maximum, windows.cells(x, -jnp.inf))


def _max_pool_forward(x: Array, windows: Windows) -> tuple[Array, Array]:
    best, *others = windows.cells(x, -jnp.inf)
    winner = jnp.zeros(best.shape, np.min_scalar_type(len(others)))
    for cell, value in enumerate(others, 1):
        winner = jnp.where(value > best, winner.dtype.type(cell), winner)
        best = jnp.maximum(best, value)
    return best, winner


def _max_pool_backward(windows: Windows, winner: Array, change: Array) -> tuple[Array]:
    cells = windows.kernel[0] * windows.kernel[1]
    return (windows.put_back([jnp.where(winner == cell, change, 0) for cell in range(cells)]),)


max_pool.defvjp(_max_pool_forward, _max_pool_backward)


def average_layer(layer: layers.Pool, x: Array, run: Run) -> Array:
    windows = Windows.of(layer, x)
    counts = sum(windows.cells(jnp.ones((1, *windows.size, 1), x.dtype), 0.0))
    return sum(windows.cells(x, 0.0)) / counts


def subsample(layer: layers.Subsample, x: Array, run: Run) -> Array:
    coefficient, bias = run.arrays(layer, "coefficient", "bias")
    pool = layers.Pool(layer.name, kernel=layer.side, stride=layer.side)
    return sum(Windows.of(pool, x).cells(x, 0.0)) * coefficient + bias


def squarable(x: Array) -> Array:
    """`x` in the format in which it is normalised (impls.precision.POLICIES)."""
    return x.astype(jnp.float32) if x.dtype == jnp.float16 else x


def local_response_norm(layer: layers.LocalResponseNorm, x: Array, run: Run) -> Array:
    """The sum as lax.reduce_window: with gradient 0.1 times shifted slices, 0.2 to 0.5 times a band matrix."""
    kind, x = x.dtype, squarable(x)
    before, after = layer.size // 2, (layer.size - 1) // 2
    pads = ((0, 0), (0, 0), (0, 0), (before, after))
    total = lax.reduce_window(jnp.square(x), np.zeros((), x.dtype), lax.add, (1, 1, 1, layer.size), (1, 1, 1, 1), pads)
    return (x * inverse_power(layer.k + layer.alpha * total, layer.beta)).astype(kind)


def inverse_power(x: Array, exponent: float) -> Array:
    """x ** -exponent, for positive x."""
    if exponent == 0.75:  # by square roots: 0.2 to 0.4 times LRN with a power
        root = lax.rsqrt(x)
        return root * jnp.sqrt(root)
    return x**-exponent


def batch_norm(layer: layers.BatchNorm, x: Array, run: Run) -> Array:
    scale, shift = run.arrays(layer, "scale", "shift")
    of_mean, of_variance = f"{layer.name}.mean", f"{layer.name}.variance"
    kind = x.dtype
    x = x.astype(run.statistics[of_mean].dtype)  # a mean in bfloat16 is too imprecise: use the statistics' format
    if run.training:
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        for name, now in ((of_mean, mean), (of_variance, variance)):
            run.statistics[name] = layer.momentum * run.statistics[name] + (1 - layer.momentum) * now
    else:
        mean, variance = run.statistics[of_mean], run.statistics[of_variance]
    return ((x - mean) * (lax.rsqrt(variance + layer.epsilon) * scale) + shift).astype(kind)


def dropout(layer: layers.Dropout, x: Array, run: Run) -> Array:
    if not run.training:
        return x
    kept = jax.random.bernoulli(run.keys.pop(0), 1 - layer.rate, x.shape)
    return jnp.where(kept, x / (1 - layer.rate), 0)


def flatten(x: Array, run: Run) -> Array:
    return x.reshape(x.shape[0], -1)


def radial_basis(layer: layers.RadialBasis, x: Array, run: Run) -> Array:
    return -jnp.square(x[:, None] - np.array(layer.codes, x.dtype)).sum(2)


def global_average(x: Array, run: Run) -> Array:
    return x.mean((1, 2))


def spatial_pyramid(layer: layers.SpatialPyramid, x: Array, run: Run) -> Array:
    """All levels, concatenated, each by row, column, channel."""
    bins = tuple(tuple(layer.bins(side, level) for side in x.shape[1:3]) for level in layer.levels)
    return jnp.concatenate([flatten(level, run) for level in pooled(x, bins)], 1)


def window_pyramid(layer: layers.WindowPyramid, x: Array, run: Run) -> Array:
    """Pyramids of windows by table lookup (`layers.WindowPyramid.lookup`), one pyramid per window."""
    *bins, places = zip(*map(layer.lookup, layer.levels))
    tables = pooled(x, tuple(zip(*bins)))
    found = [
        table.reshape(len(x), -1, x.shape[3])[:, np.array(where)].reshape(len(x), len(layer.windows), -1)
        for table, where in zip(tables, places)
    ]
    return jnp.concatenate(found, 2)


def window_average(x: Array, run: Run) -> Array:
    return x.mean(1)


Bins = tuple[Pair, ...]
"""Half-open ranges [start, end) of one side of a map."""
Levels = tuple[tuple[Bins, Bins], ...]
"""(rows, columns) of each level's bins."""

FEW, LARGE = 2, 5
"""Bins per side up to which, or cells per side of a bin from which, slices per bin have the faster gradient."""
SMALL = 9
"""Cells per side of a map up to which passes over columns and rows have the faster gradient."""


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def pooled(x: Array, levels: Levels) -> tuple[Array, ...]:
    """The maximum of each bin of each level, level by level.

    All levels share one gradient function: with one per level, XLA's step takes up to twice as long.
    """
    return tuple(maxima(x, *bins) for bins in levels)


def _pooled_forward(x: Array, levels: Levels) -> tuple[tuple[Array, ...], Callable[[tuple[Array, ...]], tuple[Array]]]:
    return jax.vjp(lambda x: tuple(_differentiable_maxima(x, *bins) for bins in levels), x)


def _pooled_backward(
    levels: Levels, back: Callable[[tuple[Array, ...]], tuple[Array]], change: tuple[Array, ...]
) -> tuple[Array]:
    return back(change)


pooled.defvjp(_pooled_forward, _pooled_backward)


def maxima(x: Array, rows: Bins, columns: Bins) -> Array:
    """The maximum of each range of rows in each range of columns.

    As windows if they are adjacent, else along columns, then along rows: overlapping windows of two axes take up to ten
    times as long.
    """
    steps = [step for step in (sliding(rows, x.shape[1]), sliding(columns, x.shape[2])) if step and step[0] == step[1]]
    if (len(rows), len(columns)) != (1, 1) and len(steps) == 2:
        return windows(x, *steps)
    return along(along(x, columns, 2), rows, 1)


def along(x: Array, bins: Bins, axis: int) -> Array:
    """The maximum of each bin along an axis."""
    if len(bins) > 1 and (steps := sliding(bins, x.shape[axis])):
        return windows(x, *(steps if at == axis else (1, 1) for at in (1, 2)))
    return one_by_one(x, bins, axis)


def one_by_one(x: Array, bins: Bins, axis: int) -> Array:
    """The maximum of each bin along an axis, by slices."""
    return jnp.stack([lax.slice_in_dim(x, start, end, axis=axis).max(axis) for start, end in bins], axis)


def windows(x: Array, *steps: Pair) -> Array:
    """The maximum of windows of `length` (rows, columns) at a distance of `stride`."""
    lengths, strides = zip(*steps, strict=True)
    least = np.array(-np.inf, x.dtype)
    return lax.reduce_window(x, least, lax.max, (1, *lengths, 1), (1, *strides, 1), "VALID")


def sliding(bins: Bins, side: int) -> Pair | None:
    """(length, stride) of bins with equal length and distance that fill the side; None for others."""
    length = bins[0][1]
    stride = bins[1][0] if len(bins) > 1 else side
    if not stride:
        return None
    even = tuple((start, start + length) for start in range(0, side - length + 1, stride))
    return (length, stride) if bins == even else None


def _differentiable_maxima(x: Array, rows: Bins, columns: Bins) -> Array:
    """The same with a fast gradient; slices of a whole bin share it among equal cells."""
    if max(rows[-1][1], columns[-1][1]) <= SMALL:
        return one_by_one(one_by_one(x, columns, 2), rows, 1)
    shortest = min(end - start for start, end in (*rows, *columns))
    if max(len(rows), len(columns)) > FEW and shortest < LARGE:
        return bin_maxima(bin_maxima(x, columns, 2), rows, 1)
    cells = [x[:, top:bottom, left:right].max((1, 2)) for top, bottom in rows for left, right in columns]
    return jnp.stack(cells, 1).reshape(len(x), len(rows), len(columns), -1)


def bin_maxima(x: Array, bins: tuple[Pair, ...], axis: int) -> Array:
    """The maximum of each bin along an axis."""
    width = max(end - start for start, end in bins)
    # Bins of equal width, the shorter ones with their last cell repeated, which is never the first maximum.
    cells = np.array([[min(start + i, end - 1) for i in range(width)] for start, end in bins])
    return first_max(jnp.take(x, cells, axis), axis + 1)


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def first_max(x: Array, axis: int) -> Array:
    """The maximum along an axis; its gradient goes to the first maximum (that of jnp.max to all of them)."""
    return x.max(axis)


def _first_max_forward(x: Array, axis: int) -> tuple[Array, Array]:
    return x.max(axis), jax.nn.one_hot(x.argmax(axis), x.shape[axis], axis=axis, dtype=bool)


def _first_max_backward(axis: int, winner: Array, change: Array) -> tuple[Array]:
    return (jnp.where(winner, jnp.expand_dims(change, axis), 0),)


first_max.defvjp(_first_max_forward, _first_max_backward)
