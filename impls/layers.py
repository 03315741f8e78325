"""Layers: a closed set of kinds, and everything that follows from a layer without a framework.

Fourteen kinds suffice for the five papers. A layer is a row of a paper's table; `Layer.at(shape)` computes its
properties for one input shape: output shape, arrays, multiply-accumulates, connections, and
the window that the receptive field grows by. Shapes are (channels, height, width) for maps, (length,) for
vectors and (windows, length) for those of several windows of an image, always without the batch.

Counting follows one convention throughout: multiply-accumulates are those of convolutions and full connections,
without biases; connections are LeCun's (1998, section II-B): every input link and every bias of every unit.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from impls.errors import InvalidInput

Shape = tuple[int, ...]
Pair = tuple[int, int]
Pads = tuple[Pair, Pair]
"""Cells added around a map: ((top, bottom), (left, right))."""


@dataclass(frozen=True)
class LayerStats:
    """Properties of a layer at one input shape."""

    output: Shape
    arrays: Mapping[str, Shape] = field(default_factory=dict)  # trainable, in the canonical layout
    statistics: Mapping[str, Shape] = field(default_factory=dict)  # carried along, not trained (BatchNorm)
    parameters: int = 0  # trainable numbers; fewer than the arrays hold where links are missing
    macs: int = 0
    connections: int = 0
    window: Pair | None = (1, 1)  # side of the window in cells of its input; None: everything
    stride: Pair = (1, 1)


@dataclass(frozen=True)
class Layer(ABC):
    """A row of a table. Its name is unique in the network and names its arrays: `conv1.weight`."""

    name: str

    @abstractmethod
    def at(self, shape: Shape) -> LayerStats:
        """Properties of the layer for inputs of `shape` (without the batch); InvalidInput if it cannot take them."""


def _pair(value: int | Pair) -> Pair:
    return (value, value) if isinstance(value, int) else value


def maps(layer: Layer, shape: Shape) -> tuple[int, int, int]:
    """`shape` as (channels, height, width), or InvalidInput."""
    if len(shape) != 3:
        raise InvalidInput(f"{layer.name} takes maps (channels, height, width), got shape {shape}")
    return shape  # type: ignore[return-value]


@dataclass(frozen=True)
class _Sliding(Layer):
    """Base of convolutions and pools: a window that slides over a padded map.

    `padding` is one number of cells for every side, explicit ((top, bottom), (left, right)), or "same": as many
    cells as give ceil(size / stride) outputs, the odd one at the end. With `ceil` a last window that overhangs
    the bottom or right border counts too, unless it would start in the padding (Caffe, cuda-convnet).
    """

    kernel: int | Pair = field(kw_only=True)
    stride: int | Pair = field(default=1, kw_only=True)
    padding: int | Pads | Literal["same"] = field(default=0, kw_only=True)
    ceil: bool = field(default=False, kw_only=True)

    def windows(self) -> tuple[Pair, Pair]:
        """(kernel, stride), each as (height, width)."""
        return _pair(self.kernel), _pair(self.stride)

    @property
    def margin(self) -> Pair | None:
        """Cells of padding (above and below, left and right) for maps of any size.

        None if opposite sides differ at some size: `pads` gives the padding for one size.
        """
        (height, width), stride = self.windows()
        if self.padding == "same":
            return ((height - 1) // 2, (width - 1) // 2) if stride == (1, 1) and height % 2 and width % 2 else None
        if isinstance(self.padding, int):
            return self.padding, self.padding
        (top, bottom), (left, right) = self.padding
        return (top, left) if (top, left) == (bottom, right) else None

    def outputs(self, shape: Shape) -> Pair:
        """Height and width of the output map."""
        (rows, columns), kernel, stride = self._sides(shape)
        return tuple(self._outputs(*side) for side in zip((rows, columns), kernel, stride, self._given(shape)))  # type: ignore[return-value]

    def pads(self, shape: Shape) -> Pads:
        """The cells that the windows cover beyond each border, including overhang."""
        sides, kernel, stride = self._sides(shape)
        resolved = []
        for size, k, s, given, outputs in zip(sides, kernel, stride, self._given(shape), self.outputs(shape)):
            before = given[0]
            resolved.append((before, max((outputs - 1) * s + k - size - before, 0)))
        return tuple(resolved)  # type: ignore[return-value]

    def _sides(self, shape: Shape) -> tuple[Pair, Pair, Pair]:
        _, height, width = maps(self, shape)
        return (height, width), *self.windows()

    def _given(self, shape: Shape) -> Pads:
        if self.padding == "same":
            sides, kernel, stride = self._sides(shape)
            total = [max((math.ceil(n / s) - 1) * s + k - n, 0) for n, k, s in zip(sides, kernel, stride)]
            return tuple((t // 2, t - t // 2) for t in total)  # type: ignore[return-value]
        if isinstance(self.padding, int):
            return ((self.padding, self.padding),) * 2
        return self.padding

    def _outputs(self, size: int, kernel: int, stride: int, pad: Pair) -> int:
        room = size + sum(pad) - kernel
        if room < 0:
            raise InvalidInput(f"{self.name} needs at least {kernel - sum(pad)} cells a side, got {size}")
        outputs = (math.ceil(room / stride) if self.ceil else room // stride) + 1
        if self.ceil and (outputs - 1) * stride >= size + pad[0]:
            outputs -= 1
        return outputs


@dataclass(frozen=True)
class Conv(_Sliding):
    """Convolution with bias. Arrays: weight (outputs, inputs / groups, height, width), bias (outputs,).

    `connection_table[i]` names the inputs that output map i is connected to (LeNet-5's C3); weights of missing
    connections are zero and stay zero.
    """

    channels: int
    groups: int = 1
    connection_table: tuple[tuple[int, ...], ...] | None = None

    def at(self, shape: Shape) -> LayerStats:
        inputs, *_ = maps(self, shape)
        if inputs % self.groups or self.channels % self.groups:
            raise InvalidInput(
                f"{self.name}: {inputs} inputs and {self.channels} outputs must be divisible by {self.groups} groups"
            )
        if self.connection_table is not None and max(map(max, self.connection_table)) >= inputs:
            raise InvalidInput(
                f"{self.name}: connection_table names input {max(map(max, self.connection_table))}, there are {inputs}"
            )
        kernel, stride = self.windows()
        height, width = self.outputs(shape)
        area, positions = kernel[0] * kernel[1], height * width
        dense = self.channels * (inputs // self.groups)
        weights = area * (dense if self.connection_table is None else sum(map(len, self.connection_table)))
        return LayerStats(
            output=(self.channels, height, width),
            arrays={"weight": (self.channels, inputs // self.groups, *kernel), "bias": (self.channels,)},
            parameters=weights + self.channels,
            macs=weights * positions,
            connections=(weights + self.channels) * positions,
            window=kernel,
            stride=stride,
        )

    def is_pointwise(self, shape: Shape) -> bool:
        """Whether it is a full connection at each position of maps of `shape`."""
        return (*self.windows(), self.pads(shape), self.groups) == ((1, 1), (1, 1), ((0, 0), (0, 0)), 1)


@dataclass(frozen=True)
class Subsample(Layer):
    """LeNet-5's S2 and S4: the sum of a window that does not overlap, times a coefficient, plus a bias, per map.

    Arrays: coefficient (channels,), bias (channels,). The squashing that follows is a layer of its own.
    """

    side: int = 2

    def at(self, shape: Shape) -> LayerStats:
        channels, height, width = maps(self, shape)
        height, width = height // self.side, width // self.side
        if not height or not width:
            raise InvalidInput(f"{self.name} needs at least {self.side} cells a side, got {shape[1]}x{shape[2]}")
        return LayerStats(
            output=(channels, height, width),
            arrays={"coefficient": (channels,), "bias": (channels,)},
            parameters=2 * channels,
            connections=(self.side**2 + 1) * channels * height * width,
            window=(self.side, self.side),
            stride=(self.side, self.side),
        )


@dataclass(frozen=True)
class Pool(_Sliding):
    """Max or average pooling. Cells beyond the border never win a maximum and never count in an average."""

    kind: Literal["max", "average"] = "max"

    def at(self, shape: Shape) -> LayerStats:
        channels, *_ = maps(self, shape)
        kernel, stride = self.windows()
        return LayerStats(output=(channels, *self.outputs(shape)), window=kernel, stride=stride)


@dataclass(frozen=True)
class LocalResponseNorm(Layer):
    """a / (k + alpha * sum of squares over `size` neighbouring channels)^beta (AlexNet, section 3.3).

    `alpha` multiplies the sum as the paper writes it; it is not divided by `size` as PyTorch and Caffe do.
    """

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 2.0

    def at(self, shape: Shape) -> LayerStats:
        if self.size % 2 == 0:
            raise InvalidInput(f"{self.name}: size must be odd, got {self.size}; frameworks differ on even ones")
        return LayerStats(output=maps(self, shape))


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalisation per channel. Arrays: scale, shift; statistics: mean, variance; all (channels,).

    Running statistics keep `momentum` of themselves at each training step and take the rest from the batch, whose
    variance divides by the count (Keras; PyTorch's own running variance divides by the count less one).
    """

    momentum: float = 0.99
    epsilon: float = 1e-3

    def at(self, shape: Shape) -> LayerStats:
        channels = (maps(self, shape)[0],)
        return LayerStats(
            output=shape,
            arrays={"scale": channels, "shift": channels},
            statistics={"mean": channels, "variance": channels},
            parameters=2 * channels[0],
        )


@dataclass(frozen=True)
class Activation(Layer):
    """relu, tanh, or scaled_tanh: 1.7159 tanh(2/3 a) (LeCun 1998, eq. 6 and appendix A)."""

    kind: Literal["relu", "tanh", "scaled_tanh"]

    AMPLITUDE = 1.7159
    SLOPE = 2 / 3

    def at(self, shape: Shape) -> LayerStats:
        return LayerStats(output=shape)


@dataclass(frozen=True)
class Dropout(Layer):
    """Zeroes a share `rate` while training and scales the rest by 1 / (1 - rate); the identity otherwise."""

    rate: float = 0.5

    def at(self, shape: Shape) -> LayerStats:
        return LayerStats(output=shape)


@dataclass(frozen=True)
class Flatten(Layer):
    """Maps to a vector, ordered by channel, row, column."""

    def at(self, shape: Shape) -> LayerStats:
        return LayerStats(output=(math.prod(shape),))


@dataclass(frozen=True)
class Dense(Layer):
    """Full connection with bias, the same for every window. Arrays: weight (outputs, inputs), bias (outputs,)."""

    units: int

    def at(self, shape: Shape) -> LayerStats:
        if len(shape) > 2:
            raise InvalidInput(f"{self.name} takes a vector, got shape {shape}; put a Flatten before it")
        *windows, inputs = shape
        weights, times = self.units * inputs, math.prod(windows)
        return LayerStats(
            output=(*windows, self.units),
            arrays={"weight": (self.units, inputs), "bias": (self.units,)},
            parameters=weights + self.units,
            macs=times * weights,
            connections=times * (weights + self.units),
            window=None,
        )


@dataclass(frozen=True)
class RadialBasis(Layer):
    """LeNet-5's output: minus the squared distance to each class's code of +1 and -1, so that the largest wins."""

    codes: tuple[tuple[int, ...], ...]

    def at(self, shape: Shape) -> LayerStats:
        length = len(self.codes[0])
        if shape != (length,):
            raise InvalidInput(f"{self.name} takes vectors of {length}, got shape {shape}")
        return LayerStats(output=(len(self.codes),), connections=len(self.codes) * length, window=None)


@dataclass(frozen=True)
class GlobalAverage(Layer):
    """The average of each map (NIN, section 3.2)."""

    def at(self, shape: Shape) -> LayerStats:
        return LayerStats(output=(maps(self, shape)[0],), window=None)


EdgeRule = Literal["adaptive", "sliding", "rounded"]


@dataclass(frozen=True)
class SpatialPyramid(Layer):
    """Max pooling into n x n bins for each n of `levels`, concatenated (SPP-net, section 2.2).

    The vector is ordered by level (as listed), then channel, row, column. `rule` places the bins of a side:
    `adaptive` (appendix A; PyTorch's adaptive pooling), `sliding` (section 2.3; refused where it does not give n
    bins that cover the side), `rounded` (the tutorial's; refused where a bin would be empty).
    """

    levels: tuple[int, ...]
    rule: EdgeRule = "adaptive"

    def __post_init__(self) -> None:
        if not self.levels or not all(isinstance(level, int) and level > 0 for level in self.levels):
            raise InvalidInput(f"{self.name}: levels must be one or more whole numbers above 0, got {self.levels}")
        if self.rule not in _EDGE_RULES:
            raise InvalidInput(f"{self.name}: rule must be one of {', '.join(_EDGE_RULES)}, got {self.rule!r}")

    def at(self, shape: Shape) -> LayerStats:
        channels, height, width = maps(self, shape)
        for level in self.levels:
            self.bins(height, level), self.bins(width, level)
        return LayerStats(output=(channels * sum(n * n for n in self.levels),), window=None)

    def bins(self, side: int, level: int) -> tuple[Pair, ...]:
        """The `level` half-open ranges [start, end) that pool a side of `side` cells; InvalidInput if it cannot."""
        return _EDGE_RULES[self.rule](side, level)


Window = tuple[int, int, int, int]
"""Cells of a map: [top, bottom) x [left, right)."""


@dataclass(frozen=True)
class WindowPyramid(SpatialPyramid):
    """The same pyramid in each of several windows of the maps (SPP-net, sections 3.1.5 and 4.1): (windows, length)."""

    windows: tuple[Window, ...] = field(kw_only=True)

    def at(self, shape: Shape) -> LayerStats:
        channels, height, width = maps(self, shape)
        lowest, rightmost = (max(window[end] for window in self.windows) for end in (1, 3))
        if lowest > height or rightmost > width:
            raise InvalidInput(f"{self.name}: windows reach to {lowest}x{rightmost} on a map of {height}x{width}")
        for level in self.levels:
            self.cells(level)
        length = channels * sum(n * n for n in self.levels)
        return LayerStats(output=(len(self.windows), length), window=None)

    def cells(self, level: int) -> tuple[Window, ...]:
        """The rectangle of each of the n x n bins of each window: window by window, row by row."""
        rectangles = []
        for top, bottom, left, right in self.windows:
            rows, columns = self.bins(bottom - top, level), self.bins(right - left, level)
            rectangles += [(top + a, top + b, left + c, left + d) for a, b in rows for c, d in columns]
        return tuple(rectangles)

    def lookup(self, level: int) -> tuple[tuple[Pair, ...], tuple[Pair, ...], tuple[int, ...]]:
        """The distinct ranges of rows and columns of those rectangles, and the index of each rectangle in their table.

        There are many windows but few ranges: with a table of the maxima of all ranges of rows and columns, each bin
        is one lookup, at (index of rows) x (number of column ranges) + (index of columns).
        """
        cells = self.cells(level)
        rows = {ends: place for place, ends in enumerate(sorted({cell[:2] for cell in cells}))}
        columns = {ends: place for place, ends in enumerate(sorted({cell[2:] for cell in cells}))}
        return tuple(rows), tuple(columns), tuple(rows[cell[:2]] * len(columns) + columns[cell[2:]] for cell in cells)


@dataclass(frozen=True)
class WindowAverage(Layer):
    """The average over an image's windows (multi-view testing; Krizhevsky 2012, section 4.1)."""

    def at(self, shape: Shape) -> LayerStats:
        if len(shape) != 2:
            raise InvalidInput(f"{self.name} takes vectors of windows, got shape {shape}")
        return LayerStats(output=shape[1:], window=None)


def _adaptive(side: int, n: int) -> tuple[Pair, ...]:
    return tuple((i * side // n, -(-(i + 1) * side // n)) for i in range(n))


def _sliding(side: int, n: int) -> tuple[Pair, ...]:
    window, stride = math.ceil(side / n), side // n
    count = (side - window) // stride + 1 if stride else 0
    if count != n:
        raise InvalidInput(f"the sliding rule gives {count} bins, not {n}, on a side of {side}; use rule 'adaptive'")
    if (n - 1) * stride + window < side:
        raise InvalidInput(
            f"the sliding rule with {n} bins leaves the end of a side of {side} uncovered; use rule 'adaptive'"
        )
    return tuple((i * stride, i * stride + window) for i in range(n))


def _rounded(side: int, n: int) -> tuple[Pair, ...]:
    if side < n:
        raise InvalidInput(f"the rounded rule leaves bins empty for {n} bins on a side of {side}; use rule 'adaptive'")
    edges = [round(i * side / n) for i in range(n + 1)]  # half to even, as NumPy and TensorFlow round
    return tuple(zip(edges, edges[1:]))


_EDGE_RULES = {"adaptive": _adaptive, "sliding": _sliding, "rounded": _rounded}
