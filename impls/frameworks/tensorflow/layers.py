"""Layers in tf.nn, channels last.

Where XLA needs another form than TensorFlow's kernels, `compiled` chooses; the figures are ratios of medians of
forward and backward on two CPU cores, TensorFlow 2.21. Functions accept maps of any size: what depends on the size is
computed when they are traced, or in the graph if the size is unknown then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import tensorflow as tf

from impls import layers
from impls.arrays import link_mask
from impls.errors import Unsupported
from impls.layers import Pads, Pair, Shape
from impls.network import Network, Row

Function = Callable[[tf.Tensor, bool], tf.Tensor]
"""(batch, training) -> batch."""

Variables = Mapping[str, tf.Variable]

Normalised = tuple[tf.Tensor, tf.Tensor, tf.Tensor]
"""(output, mean, variance over the count)."""

Bins = tuple[Pair, ...]
"""Half-open ranges [start, end) of one side of a map."""


OfRow = Callable[[Row, Variables, bool], Function]
"""(row of a network, its variables, whether XLA compiles it) -> its function."""


def translate(network: Network, variables: Variables, compiled: bool, of_row: OfRow | None = None) -> Function:
    """The network as one function of native operations. `variables` hold its arrays and statistics by name.

    `of_row` replaces `function`, which gives the function of a row.
    """
    functions = [(of_row or function)(row, _own(row, variables), compiled) for row in network.rows]

    def scores(x: tf.Tensor, training: bool) -> tf.Tensor:
        for layer in functions:
            x = layer(x, training)
        return x

    return scores


def _own(row: Row, variables: Variables) -> dict[str, tf.Variable]:
    """The variables of a row by suffix."""
    return {suffix: variables[f"{row.layer.name}.{suffix}"] for suffix in (*row.facts.arrays, *row.facts.statistics)}


def function(row: Row, own: Variables, compiled: bool) -> Function:  # noqa: C901 (one case a kind of layer)
    """The function for one row of a network."""
    match row.layer:
        case layers.Conv() as layer:
            return convolution(layer, row.input[0], **own)
        case layers.Subsample() as layer:
            return subsample(layer, **own)
        case layers.Pool(kind="average") as layer:
            return average_pool(layer)
        case layers.Pool(kind="max") as layer:
            return max_pool(layer, compiled)
        case layers.LocalResponseNorm() as layer:
            return local_response_norm(layer)
        case layers.BatchNorm() as layer:
            return batch_norm(layer, **own)
        case layers.Activation(kind="relu"):
            return lambda x, training: tf.nn.relu(x)
        case layers.Activation(kind="tanh"):
            return lambda x, training: tf.tanh(x)
        case layers.Activation(kind="scaled_tanh") as scaled:
            return lambda x, training: scaled.AMPLITUDE * tf.tanh(scaled.SLOPE * x)
        case layers.Dropout() as layer:
            return dropout(layer)
        case layers.Flatten():
            return lambda x, training: flatten(x)
        case layers.Dense():
            return dense(**own)
        case layers.RadialBasis() as layer:
            return radial_basis(layer)
        case layers.GlobalAverage():
            return lambda x, training: tf.reduce_mean(x, (1, 2))
        case layers.WindowPyramid() as pyramid:
            return lambda x, training: window_pyramid(pyramid, x)
        case layers.WindowAverage():
            return lambda x, training: tf.reduce_mean(x, 1)
        case layers.SpatialPyramid() as layer:
            return spatial_pyramid(layer, compiled)
    raise Unsupported(f"tensorflow: no function for {type(row.layer).__name__}; add a case in {__name__}")


def shape_of(x: tf.Tensor) -> Shape:
    """The shape of maps in the order of tables: (channels, height, width); None for an unknown side."""
    _, height, width, channels = x.shape
    return channels, height, width


def convolution(layer: layers.Conv, inputs: int, weight: tf.Variable, bias: tf.Variable) -> Function:
    _, stride = layer.windows()
    mask = None if layer.connection_table is None else link_mask(layer, inputs).transpose(2, 3, 1, 0)

    def apply(x: tf.Tensor, training: bool) -> tf.Tensor:
        padding, pads = native_padding(layer, shape_of(x))
        # Missing weights are zero from the start, so only training needs the mask: it keeps their gradient zero.
        kernel = weight * mask if training and mask is not None else weight

        def convolve(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
            return tf.nn.conv2d(x, kernel, stride, padding)

        y = in_groups(convolve, layer.groups, around(x, pads), kernel)
        return tf.nn.bias_add(y, bias)  # the form that TensorFlow fuses into the convolution, with the ReLU after it

    return apply


def in_groups(
    convolve: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], groups: int, x: tf.Tensor, kernel: tf.Tensor
) -> tf.Tensor:
    """One convolution per group: the native grouped one has no gradient in float64 or without oneDNN.

    Under XLA on the CPU its gradient takes 5 times as long; in AlexNet's graph it is no faster.
    """
    if groups == 1:
        return convolve(x, kernel)
    parts = zip(tf.split(x, groups, 3), tf.split(kernel, groups, 3))
    return tf.concat([convolve(*part) for part in parts], 3)


@cache
def native_padding(layer: layers.Conv | layers.Pool, shape: Shape) -> tuple[str, Pads | None]:
    """The named padding with the same windows, or "VALID" and the cells to pad explicitly.

    Explicit paddings of tf.nn are not used: gradients through them take up to 1.7 times as long (convolution) and
    4 times (maximum), and XLA has none for pools.
    """
    if None in shape:
        return padding_of_any(layer)
    pads = layer.pads(shape)
    if not any(map(any, pads)):
        return "VALID", None
    kernel, stride = layer.windows()
    sides = list(zip(shape[1:], kernel, stride, layer.outputs(shape)))
    same = tuple(_halves(max((outputs - 1) * s + k - size, 0)) for size, k, s, outputs in sides)
    if same == pads and all(outputs == -(-size // s) for size, _, s, outputs in sides):
        return "SAME", None
    return "VALID", pads


def padding_of_any(layer: layers.Conv | layers.Pool) -> tuple[str, Pads | None]:
    """The same as above, for maps of any size."""
    if layer.padding == "same" or (layer.margin is not None and replace(layer, padding="same").margin == layer.margin):
        return "SAME", None
    if layer.margin is None:
        raise Unsupported(f"tensorflow: {layer.name} has an uneven border, which needs a known size; use graph")
    # With (stride - 1) more cells at the end, the number of inner windows is that of overhanging windows without.
    top, left = layer.margin
    below, right = (step - 1 if layer.ceil else 0 for step in layer.windows()[1])
    pads = (top, top + below), (left, left + right)
    return "VALID", pads if any(map(any, pads)) else None


def _halves(cells: int) -> Pair:
    return cells // 2, cells - cells // 2


def around(x: tf.Tensor, pads: Pads | None, value: float = 0.0) -> tf.Tensor:
    """`x` with its maps padded by cells of `value`."""
    return x if pads is None else tf.pad(x, ((0, 0), *pads, (0, 0)), constant_values=tf.constant(value, x.dtype))


def subsample(layer: layers.Subsample, coefficient: tf.Variable, bias: tf.Variable) -> Function:
    def apply(x: tf.Tensor, training: bool) -> tf.Tensor:
        total = layer.side**2 * tf.nn.avg_pool2d(x, layer.side, layer.side, "VALID")
        return total * coefficient + bias

    return apply


def average_pool(layer: layers.Pool) -> Function:
    kernel, stride = layer.windows()

    def apply(x: tf.Tensor, training: bool) -> tf.Tensor:
        shape = shape_of(x)
        padding, pads = native_padding(layer, shape)
        average = tf.nn.avg_pool2d(around(x, pads), kernel, stride, padding)
        if pads is None:
            return average
        if None in shape:
            raise Unsupported(f"tensorflow: {layer.name} averages over a border, which needs a known size; use graph")
        return average * tf.constant(kernel[0] * kernel[1] / cells_averaged(layer, shape, pads), x.dtype)

    return apply


def cells_averaged(layer: layers.Pool, shape: Shape, pads: Pads) -> np.ndarray:
    """How many cells of the map each window covers, shaped (rows, columns, 1)."""
    counts = []
    for size, k, s, (before, _), outputs in zip(shape[1:], *layer.windows(), pads, layer.outputs(shape)):
        starts = np.arange(outputs) * s - before
        counts.append(np.minimum(starts + k, size) - np.maximum(starts, 0))
    return np.multiply.outer(*counts)[..., np.newaxis]


def max_pool(layer: layers.Pool, compiled: bool) -> Function:
    kernel, stride = layer.windows()

    def apply(x: tf.Tensor, training: bool) -> tf.Tensor:
        shape = shape_of(x)
        if compiled:
            return largest_shifted(around(x, layer.pads(shape), -np.inf), kernel, stride, layer.outputs(shape))
        padding, pads = native_padding(layer, shape)
        return tf.nn.max_pool2d(around(x, pads, -np.inf), kernel, stride, padding)

    return apply


def largest_shifted(x: tf.Tensor, kernel: Pair, stride: Pair, outputs: Pair) -> tf.Tensor:
    """Max pooling as the largest of the map's shifted copies, which XLA fuses into one loop.

    XLA's own gradient of a pool takes 7 to 14 times as long. Of equal cells the first wins, as in a pool.
    """
    rows, columns = ((count - 1) * step + 1 for count, step in zip(outputs, stride))
    largest = None
    for top, left in product(*map(range, kernel)):
        shifted = x[:, top : top + rows : stride[0], left : left + columns : stride[1]]
        largest = shifted if largest is None else tf.maximum(largest, shifted)
    return largest


def local_response_norm(layer: layers.LocalResponseNorm) -> Function:
    """Formula and handwritten derivative: 2 to 4 times as fast as tf.nn's, which also lacks float64."""

    @tf.custom_gradient
    def normalise(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        scale = layer.k + layer.alpha * over_neighbours(x * x, layer.size)
        factor = negative_power(scale, layer.beta)
        y = x * factor

        def gradient(dy: tf.Tensor) -> tf.Tensor:
            back = over_neighbours(dy * y / scale, layer.size, transposed=True)
            return dy * factor - 2 * layer.alpha * layer.beta * x * back

        return y, gradient

    return lambda x, training: tf.cast(normalise(squarable(x)), x.dtype)


def squarable(x: tf.Tensor) -> tf.Tensor:
    """`x` in the format in which it is normalised (impls.precision.POLICIES)."""
    return tf.cast(x, tf.float32) if x.dtype == tf.float16 else x


def over_neighbours(x: tf.Tensor, size: int, transposed: bool = False) -> tf.Tensor:
    """The sum over `size` neighbouring channels; for an even size the window reaches further back, or `transposed`."""
    before, after = size // 2, (size - 1) // 2
    channels = x.shape[-1]
    padded = tf.pad(x, ((0, 0), (0, 0), (0, 0), (after, before) if transposed else (before, after)))
    return tf.add_n([padded[..., start : start + channels] for start in range(size)])


def negative_power(x: tf.Tensor, exponent: float) -> tf.Tensor:
    """x to the power of -exponent, for positive x."""
    if exponent == 0.75:  # AlexNet's, by square roots: tf.pow takes 4 times as long
        root = tf.math.rsqrt(x)
        return root * tf.sqrt(root)
    return tf.pow(x, -exponent)


def batch_norm(
    layer: layers.BatchNorm,
    scale: tf.Variable,
    shift: tf.Variable,
    mean: tf.Variable,
    variance: tf.Variable,
    fused: Callable[..., Normalised] | None = None,
) -> Function:
    """`fused`: the function that normalises float32."""

    def apply(x: tf.Tensor, training: bool) -> tf.Tensor:
        kind = x.dtype
        if kind != mean.dtype:  # a mean in bfloat16 is too imprecise: computed in the statistics' format
            x, gain, offset = (tf.cast(value, mean.dtype) for value in (x, scale, shift))
        else:
            gain, offset = scale, shift
        normalise = (fused or fused_normalisation) if x.dtype == tf.float32 else plain_normalisation
        if not training:
            return tf.cast(normalise(x, gain, offset, layer.epsilon, mean, variance)[0], kind)
        y, *moments = normalise(x, gain, offset, layer.epsilon)
        for running, new in zip((mean, variance), moments):
            running.assign(layer.momentum * running + (1 - layer.momentum) * new)
        return tf.cast(y, kind)

    return apply


def fused_normalisation(
    x: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor, epsilon: float, mean: tf.Tensor = None, variance: tf.Tensor = None
) -> Normalised:
    """TensorFlow's kernel: twice as fast, and for float32 only. Its variance divides by the count less one."""
    training = mean is None
    y, mean, variance = tf.compat.v1.nn.fused_batch_norm(x, scale, shift, mean, variance, epsilon, is_training=training)
    if not training:
        return y, mean, variance
    count = tf.cast(tf.size(x) // x.shape[3], x.dtype)
    return y, mean, variance * ((count - 1) / count)


def plain_normalisation(
    x: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor, epsilon: float, mean: tf.Tensor = None, variance: tf.Tensor = None
) -> Normalised:
    if mean is None:
        mean, variance = tf.nn.moments(x, (0, 1, 2))
    return tf.nn.batch_normalization(x, mean, variance, shift, scale, epsilon), mean, variance


def flatten(x: tf.Tensor) -> tf.Tensor:
    """In memory order: row, column, channel."""
    sides = x.shape[1:]
    if sides.is_fully_defined():
        return tf.reshape(x, (-1, math.prod(sides)))
    return tf.reshape(x, (tf.shape(x)[0], -1))


def dense(weight: tf.Variable, bias: tf.Variable) -> Function:
    def apply(x: tf.Tensor, training: bool) -> tf.Tensor:
        if x.shape.rank == 2:
            return tf.nn.bias_add(tf.matmul(x, weight), bias)
        rows = tf.reshape(x, (-1, x.shape[-1]))  # one product instead of one per window
        return tf.reshape(apply(rows, training), (-1, *x.shape[1:-1], weight.shape[1]))

    return apply


def dropout(layer: layers.Dropout) -> Function:
    """Dropout with the current global generator, whose state, unlike tf.nn.dropout's, can be set."""
    draw = tf.random.get_global_generator().uniform

    def call(x: tf.Tensor, training: bool) -> tf.Tensor:
        return tf.nn.experimental.general_dropout(x, layer.rate, draw) if training else x

    return call


def radial_basis(layer: layers.RadialBasis) -> Function:
    codes = np.array(layer.codes)

    def apply(x: tf.Tensor, training: bool) -> tf.Tensor:
        return -tf.reduce_sum(tf.math.squared_difference(x[:, tf.newaxis], tf.constant(codes, x.dtype)), 2)

    return apply


def spatial_pyramid(layer: layers.SpatialPyramid, compiled: bool) -> Function:
    """All levels, concatenated, each by row, column, channel."""

    def apply(x: tf.Tensor, training: bool) -> tf.Tensor:
        plain = compiled or (not training and max(side or WIDE for side in x.shape[1:3]) < WIDE)
        return tf.concat([flatten(pyramid_level(layer, level, x, plain)) for level in layer.levels], 1)

    return apply


def window_pyramid(layer: layers.WindowPyramid, x: tf.Tensor) -> tf.Tensor:
    """Pyramids of windows by table lookup (`layers.WindowPyramid.lookup`), one pyramid per window."""
    pooled = []
    for level in layer.levels:
        rows, columns, places = layer.lookup(level)
        table = largest_in(largest_in(x, columns, 2), rows, 1)
        found = tf.gather(tf.reshape(table, (-1, len(rows) * len(columns), x.shape[3])), places, axis=1)
        pooled.append(tf.reshape(found, (-1, len(layer.windows), level * level * x.shape[3])))
    return tf.concat(pooled, 2)


WIDE = 20
"""Cells per side from which pools compute a map's bins faster even without a gradient."""


def pyramid_level(layer: layers.SpatialPyramid, level: int, x: tf.Tensor, plain: bool) -> tf.Tensor:
    """Max over bins: one pool if they are a sliding window, or after the cells are rearranged so that they are.

    `plain`: by slices. XLA fuses those, and its gradient of a pool takes 2 to 6 times as long.
    """
    if None in x.shape[1:3]:
        return pyramid_level_of_any(layer, level, x)
    rows, columns = (layer.bins(side, level) for side in x.shape[1:3])
    if plain:
        return largest_in(largest_in(x, rows, 1), columns, 2)
    windows = [window for window in (sliding_window(rows), sliding_window(columns)) if window is not None]
    if len(windows) == 2:
        kernel, stride = zip(*windows)
        return tf.nn.max_pool2d(x, kernel, stride, "VALID")
    return pooled_side_by_side(x, rows, columns)


def pooled_side_by_side(x: tf.Tensor, rows: Bins, columns: Bins) -> tf.Tensor:
    """The maximum of each bin by one pool, after the cells of each bin are rearranged into one of its windows."""
    (down, height), (right, width) = side_by_side(rows), side_by_side(columns)
    side = (height, width)
    return tf.nn.max_pool2d(tf.gather(tf.gather(x, down, axis=1), right, axis=2), side, side, "VALID")


def pyramid_level_of_any(layer: layers.SpatialPyramid, level: int, x: tf.Tensor) -> tf.Tensor:
    """The same if the size is known in the graph only. Equal cells share the gradient."""
    if layer.rule != "adaptive":
        raise Unsupported(f"tensorflow: {layer.name}'s rule {layer.rule} needs a known size; use graph")
    height, width = tf.shape(x)[1], tf.shape(x)[2]
    return largest_in(largest_in(x, layer.bins(height, level), 1), layer.bins(width, level), 2)


def sliding_window(bins: Bins) -> Pair | None:
    """(window, stride) of a pool with these bins; None if there is none."""
    window = bins[0][1]
    stride = bins[1][0] if len(bins) > 1 else window
    slides = stride and all(bin == (i * stride, i * stride + window) for i, bin in enumerate(bins))
    return (window, stride) if slides else None  # on a side of one cell all bins are equal: no sliding window


def side_by_side(bins: Bins) -> tuple[list[int], int]:
    """The cells of all bins, bin by bin, and the number per bin: shorter bins repeat their last cell."""
    length = max(end - start for start, end in bins)
    return [min(start + i, end - 1) for start, end in bins for i in range(length)], length


def largest_in(x: tf.Tensor, bins: Bins, axis: int) -> tf.Tensor:
    """The maximum over each bin of one axis of the maps."""
    slices = ((slice(None),) * axis + (slice(start, end),) for start, end in bins)
    return tf.stack([tf.reduce_max(x[part], axis) for part in slices], axis)
