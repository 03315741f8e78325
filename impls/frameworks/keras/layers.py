"""Layers in Keras, equal on every backend except for the position of the channels."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import add
from typing import Any

import keras
import numpy as np
from keras import ops

from impls import layers
from impls.arrays import link_mask
from impls.errors import Unsupported
from impls.layers import Pads, Pair, Shape
from impls.network import Network, Row

NAMES = {
    "weight": "kernel",
    "scale": "gamma",
    "shift": "beta",
    "mean": "moving_mean",
    "variance": "moving_variance",
}
"""Keras's names of arrays and statistics that differ from the canonical ones."""


POLICIES = {"bfloat16": "mixed_bfloat16", "float16": "mixed_float16", "tf32": "float32"}
"""Keras's names of precisions that differ; whether float32 means TF32 is set in the backend."""


@dataclass(frozen=True)
class Style:
    """Settings shared by the layers of a model. Without a seed, dropout uses the backend's generator.

    `eager`: the backend executes each operation separately.
    """

    precision: str
    data_format: str = "channels_last"
    seed: int | None = None
    eager: bool = False

    @property
    def dtype(self) -> str:
        """The layers' dtype: a format, or Keras's name of a policy."""
        return POLICIES.get(self.precision, self.precision)

    @property
    def channels(self) -> int:
        """The channel axis of a batch of maps."""
        return 1 if self.data_format == "channels_first" else 3

    @property
    def rows(self) -> int:
        """The axis of rows; columns are the next."""
        return 2 if self.channels == 1 else 1

    def along_channels(self, array: Any) -> Any:
        """An array of per-channel values, reshaped to broadcast over maps."""
        return ops.reshape(array, (-1, 1, 1)) if self.channels == 1 else array

    def shape(self, shape: Shape) -> Shape:
        """A map's shape in Keras's order."""
        return shape if self.channels == 1 else (*shape[1:], shape[0])

    def on_sides(self, pads: Pads) -> tuple[Pair, ...]:
        """Pads of a batch of maps, axis by axis."""
        return ((0, 0), (0, 0), *pads) if self.channels == 1 else ((0, 0), *pads, (0, 0))

    def seed_of(self, layer: layers.Layer) -> int | None:
        return None if self.seed is None else zlib.crc32(f"{self.seed}/{layer.name}".encode()) >> 1


OfRow = Callable[[Row, Style], list[keras.Layer]]


def translate(network: Network, style: Style, of_row: OfRow | None = None) -> keras.Sequential:
    """The network as Keras layers with the rows' names. Weights are zeros, as initialisers are slow.

    Activations are merged into the layers before them if these support it, which saves a call in an eager backend.
    `of_row` replaces `keras_layers`, which makes the layers of a row.
    """
    stored = "float64" if style.precision == "float64" else "float32"
    stack = [keras.Input(style.shape(network.input_shape), dtype=stored)]
    for row in network.rows:
        before = getattr(stack[-1], "activation", None)
        if isinstance(row.layer, layers.Activation) and before is keras.activations.linear:
            stack[-1].activation = activation(row.layer)
        else:
            stack += (of_row or keras_layers)(row, style)
    return keras.Sequential(stack)


def variables(model: keras.Model, names: Iterable[str]) -> dict[str, keras.Variable]:
    """The model's variables by canonical name."""
    by_name = {}
    for name in names:
        layer, _, suffix = name.rpartition(".")
        by_name[name] = getattr(model.get_layer(layer), NAMES.get(suffix, suffix))
    return by_name


def keras_layers(row: Row, style: Style) -> list[keras.Layer]:
    """The layers of one row of a network: one with its name, if needed after one that pads."""
    common: dict[str, Any] = dict(name=row.layer.name, dtype=style.dtype)
    placed = dict(common, data_format=style.data_format)
    match row.layer:
        case layers.Conv() as layer:
            return convolution(layer, row.input, placed)
        case layers.Subsample() as layer:
            return [Subsample(layer.side, style, **common)]
        case layers.Pool() as layer:
            return pool(layer, row.input, style, common)
        case layers.LocalResponseNorm() as layer:
            return [LocalResponseNorm(layer, style, **common)]
        case layers.BatchNorm() as layer:
            return [keras.layers.BatchNormalization(style.channels, layer.momentum, layer.epsilon, **common)]
        case layers.Activation() as layer:
            return [keras.layers.Activation(activation(layer), **common)]
        case layers.Dropout() as layer:
            return [keras.layers.Dropout(layer.rate, seed=style.seed_of(layer), **common)]
        case layers.Flatten():
            # With channels_last Keras keeps the order; with channels_first it transposes.
            return [keras.layers.Flatten("channels_last", **common)]
        case layers.Dense() as layer:
            return [keras.layers.Dense(layer.units, kernel_initializer="zeros", **common)]
        case layers.RadialBasis() as layer:
            return [RadialBasis(layer, **common)]
        case layers.GlobalAverage():
            return [keras.layers.GlobalAveragePooling2D(**placed)]
        case layers.WindowPyramid() as layer:
            raise Unsupported(f"keras: no layer for the windows of {layer.name}; use pytorch, tensorflow or jax")
        case layers.SpatialPyramid() as layer:
            return [SpatialPyramid(layer, row.input, style, **common)]
    raise Unsupported(f"keras: no layer for {type(row.layer).__name__}; add a case in {__name__}")


def native_padding(layer: layers.Conv | layers.Pool, shape: Shape) -> tuple[str, Pads | None]:
    """The named padding with the same windows, or "valid" and the cells to pad explicitly."""
    pads = layer.pads(shape)
    if not any(map(any, pads)):
        return "valid", None
    same = replace(layer, padding="same", ceil=False)
    if (same.pads(shape), same.outputs(shape)) == (pads, layer.outputs(shape)):
        return "same", None
    return "valid", pads


def convolution(layer: layers.Conv, shape: Shape, placed: dict[str, Any]) -> list[keras.Layer]:
    kernel, stride = layer.windows()
    padding, pads = native_padding(layer, shape)
    settings = dict(placed, strides=stride, padding=padding, groups=layer.groups, kernel_initializer="zeros")
    if layer.connection_table is not None:
        conv = SparseConv(link_mask(layer, shape[0]), layer.channels, kernel, **settings)
    elif layer.groups > 1:
        conv = GroupedConv(layer.channels, kernel, **settings)
    else:
        conv = keras.layers.Conv2D(layer.channels, kernel, **settings)
    if pads is None:
        return [conv]
    return [keras.layers.ZeroPadding2D(pads, **dict(placed, name=f"{layer.name}-border")), conv]


def pool(layer: layers.Pool, shape: Shape, style: Style, common: dict[str, Any]) -> list[keras.Layer]:
    kernel, stride = layer.windows()
    padding, pads = native_padding(layer, shape)
    settings = dict(common, strides=stride, padding=padding, data_format=style.data_format)
    if layer.kind == "average":
        given = layer.pads(shape)
        if pads is None and all(before == after for before, after in given):
            return [keras.layers.AveragePooling2D(kernel, **settings)]
        # On PyTorch, Keras's uneven padding would average copies of the border.
        return [BorderedAverage(style.on_sides(given), kernel, stride, style, **common)]
    largest = keras.layers.MaxPooling2D(kernel, **settings)
    if pads is None:
        return [largest]
    return [Border(style.on_sides(pads), **dict(common, name=f"{layer.name}-border")), largest]


class GroupedConv(keras.layers.Conv2D):
    """Group by group: 0.1 to 0.3 times as long as Keras's own on TensorFlow and JAX, as long on PyTorch."""

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        axis = 1 if self.data_format == "channels_first" else 3
        parts = zip(ops.split(inputs, self.groups, axis), ops.split(kernel, self.groups, 3))
        return ops.concatenate([super(GroupedConv, self).convolution_op(*part) for part in parts], axis)


class SparseConv(keras.layers.Conv2D):
    """A convolution whose missing links have neither signal nor gradient."""

    def __init__(self, mask: np.ndarray, *arguments: Any, **settings: Any):
        super().__init__(*arguments, **settings)
        self._mask = mask.transpose(2, 3, 1, 0)

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        self._mask = ops.convert_to_tensor(self._mask, self.compute_dtype)

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        return super().convolution_op(inputs, kernel * self._mask)


class Border(keras.Layer):
    """Padding with values that are never the maximum."""

    def __init__(self, pads: tuple[Pair, ...], **common: Any):
        super().__init__(**common)
        self._pads = pads

    def call(self, inputs: Any) -> Any:
        return ops.pad(inputs, self._pads, constant_values=-np.inf)


class BorderedAverage(keras.Layer):
    """Average pooling over padded maps, of the cells inside the map."""

    def __init__(self, pads: tuple[Pair, ...], kernel: Pair, stride: Pair, style: Style, **common: Any):
        super().__init__(**common)
        self._pads = pads
        self._pool = partial(ops.average_pool, pool_size=kernel, strides=stride, data_format=style.data_format)

    def call(self, inputs: Any) -> Any:
        covered = self._pool(ops.pad(ops.ones_like(inputs[:1]), self._pads))
        return self._pool(ops.pad(inputs, self._pads)) / covered


class Subsample(keras.Layer):
    def __init__(self, side: int, style: Style, **common: Any):
        super().__init__(**common)
        self._side, self._style = side, style
        self.activation = keras.activations.linear

    def build(self, input_shape: Shape) -> None:
        shape = (input_shape[self._style.channels],)
        self.coefficient = self.add_weight(shape, "zeros", name="coefficient")
        self.bias = self.add_weight(shape, "zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        average = ops.average_pool(inputs, self._side, self._side, data_format=self._style.data_format)
        coefficient, bias = (self._style.along_channels(array) for array in (self.coefficient, self.bias))
        return self.activation(average * (self._side**2 * coefficient) + bias)


class LocalResponseNorm(keras.Layer):
    """Formula and handwritten derivative: 0.1 to 0.4 times as long as with automatic derivatives."""

    def __init__(self, layer: layers.LocalResponseNorm, style: Style, **common: Any):
        super().__init__(**common)
        self._normalise = ops.custom_gradient(lambda x: normalise(layer, style.channels, x))

    def call(self, inputs: Any) -> Any:
        return ops.cast(self._normalise(squarable(inputs)), inputs.dtype)


def squarable(x: Any) -> Any:
    """`x` in the format in which it is normalised (impls.precision.POLICIES)."""
    return ops.cast(x, "float32") if keras.backend.standardize_dtype(x.dtype) == "float16" else x


def normalise(layer: layers.LocalResponseNorm, axis: int, x: Any) -> tuple[Any, Callable[..., Any]]:
    """The normalised maps, and the function of their gradient."""
    scale = layer.k + layer.alpha * over_neighbours(x * x, layer.size, axis)
    factor = negative_power(scale, layer.beta)
    y = x * factor

    def gradient(*change: Any, upstream: Any = None) -> Any:
        change = change[0] if upstream is None else upstream  # PyTorch passes it by name
        back = over_neighbours(change * y / scale, layer.size, axis)
        return change * factor - 2 * layer.alpha * layer.beta * x * back

    return y, gradient


def over_neighbours(x: Any, size: int, axis: int) -> Any:
    """The sum over `size` neighbouring channels, which are on `axis`."""
    channels = x.shape[axis]
    padded = ops.pad(x, [(size // 2, size // 2) if i == axis else (0, 0) for i in range(4)])
    ahead = (slice(None),) * axis
    return reduce(add, (padded[(*ahead, slice(start, start + channels))] for start in range(size)))


def negative_power(x: Any, exponent: float) -> Any:
    """x to the power of -exponent, for positive x."""
    if exponent == 0.75:  # AlexNet's, by square roots
        root = ops.rsqrt(x)
        return root * ops.sqrt(root)
    return ops.power(x, -exponent)


class RadialBasis(keras.Layer):
    def __init__(self, layer: layers.RadialBasis, **common: Any):
        super().__init__(**common)
        self._codes = layer.codes

    def build(self, input_shape: Shape) -> None:
        self._codes = ops.cast(np.array(self._codes, np.float32), self.compute_dtype)

    def call(self, inputs: Any) -> Any:
        return -ops.sum(ops.square(inputs[:, None] - self._codes), 2)


WIDE = 20
"""Cells per side from which a pool computes a map's bins faster even without a gradient."""


class SpatialPyramid(keras.Layer):
    """All levels, concatenated, each in memory order."""

    def __init__(self, layer: layers.SpatialPyramid, shape: Shape, style: Style, **common: Any):
        super().__init__(**common)
        self._flatten = keras.layers.Flatten("channels_last", dtype=style.dtype)
        bins = [[layer.bins(side, n) for side in shape[1:]] for n in layer.levels]
        self._learning = [pyramid_level(level, style) for level in bins]
        plain = not style.eager and max(shape[1:]) < WIDE
        self._scoring = [partial(by_slices, bins=level, style=style) for level in bins] if plain else self._learning

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        levels = self._learning if training else self._scoring
        return ops.concatenate([self._flatten(level(inputs)) for level in levels], 1)


def pyramid_level(bins: Sequence[tuple[Pair, ...]], style: Style) -> Callable[[Any], Any]:
    """Max over the bins of rows and columns: one pool if they are a sliding window, else slices."""
    windows = [sliding_window(side) for side in bins]
    if None in windows:
        return partial(by_slices, bins=bins, style=style)
    kernel, stride = zip(*windows)
    return lambda x: ops.max_pool(x, kernel, stride, data_format=style.data_format)


def by_slices(x: Any, bins: Sequence[tuple[Pair, ...]], style: Style) -> Any:
    return largest_in(largest_in(x, bins[0], style.rows), bins[1], style.rows + 1)


def sliding_window(bins: tuple[Pair, ...]) -> Pair | None:
    """(window, stride) of a pool with these bins; None if there is none."""
    window = bins[0][1]
    stride = bins[1][0] if len(bins) > 1 else window
    slides = stride and all(bin == (i * stride, i * stride + window) for i, bin in enumerate(bins))
    return (window, stride) if slides else None  # on a side of one cell all bins are equal: no sliding window


def largest_in(x: Any, bins: tuple[Pair, ...], axis: int) -> Any:
    """The maximum over each bin of one axis of the maps."""
    ahead = (slice(None),) * axis
    return ops.stack([ops.max(x[(*ahead, slice(start, end))], axis) for start, end in bins], axis)


def activation(layer: layers.Activation) -> Callable[[Any], Any]:
    match layer.kind:
        case "scaled_tanh":
            return lambda x: layer.AMPLITUDE * ops.tanh(layer.SLOPE * x)
        case "relu" | "tanh":
            return keras.activations.get(layer.kind)
    raise Unsupported(f"keras: no activation {layer.kind}; add a case in {__name__}")
