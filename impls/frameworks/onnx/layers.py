"""Layers in ONNX: each appends its nodes to a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx

from impls import layers
from impls.errors import Unsupported
from impls.frameworks.onnx.graph import IMAGES, Arrays, Graph
from impls.layers import Pair
from impls.network import Network, Row

ROWS, COLUMNS = 2, 3
"""Axes of maps."""
OPEN_AXES = "batch", "height", "width"
"""Names of the axes whose lengths are open."""

Bins = Sequence[tuple[str, str]]
"""Tensors with start and end of each bin of a side."""


def translate(
    network: Network, weights: Arrays, statistics: Arrays, shape: Sequence[int], open_sizes: bool
) -> onnx.ModelProto:
    """The network with its weights, for images of `shape` (batch, channels, height, width), or of every size."""
    graph, arrays, x = Graph(), {**weights, **statistics}, IMAGES
    for row in network.rows:
        x = _layer(graph, row, x, arrays, open_sizes)
    batch, height, width = OPEN_AXES
    images = (batch, shape[1], height, width) if open_sizes else tuple(shape)
    return graph.model(x, images, network.classes)


def _layer(graph: Graph, row: Row, x: str, arrays: Arrays, open_sizes: bool) -> str:  # noqa: C901 (one case a kind)
    """The output of one row of a network for the tensor `x`."""

    def array(suffix: str) -> str:
        name = f"{row.layer.name}.{suffix}"
        return graph.array(name, arrays[name])

    match row.layer:
        case layers.Conv() as layer:
            window = _window(layer, row, open_sizes)
            return graph.node("Conv", x, array("weight"), array("bias"), group=layer.groups, **window)
        case layers.Subsample() as layer:
            return _subsample(graph, layer, x, arrays)
        case layers.Pool(kind="average") as layer:
            return graph.node("AveragePool", x, count_include_pad=0, **_window(layer, row, open_sizes))
        case layers.Pool() as layer:
            return graph.node("MaxPool", x, **_window(layer, row, open_sizes))
        case layers.LocalResponseNorm() as layer:
            # ONNX divides alpha by the number of channels summed, the table does not.
            settings = dict(size=layer.size, alpha=layer.alpha * layer.size, beta=layer.beta, bias=layer.k)
            return graph.node("LRN", x, **settings)
        case layers.BatchNorm() as layer:
            inputs = (array(suffix) for suffix in ("scale", "shift", "mean", "variance"))
            return graph.node("BatchNormalization", x, *inputs, epsilon=layer.epsilon)
        case layers.Activation(kind="relu"):
            return graph.node("Relu", x)
        case layers.Activation(kind="tanh"):
            return graph.node("Tanh", x)
        case layers.Activation(kind="scaled_tanh") as layer:
            inner = graph.node("Mul", x, graph.number(layer.SLOPE))
            return graph.node("Mul", graph.node("Tanh", inner), graph.number(layer.AMPLITUDE))
        case layers.Dropout():
            return x
        case layers.Flatten():
            return graph.node("Flatten", x)
        case layers.Dense() as layer if len(row.input) == 1:
            return graph.node("Gemm", x, array("weight"), array("bias"), transB=1)
        case layers.Dense() as layer:  # of every window: Gemm takes matrices only
            name = f"{layer.name}.weight"
            return graph.node("Add", graph.node("MatMul", x, graph.array(name, arrays[name].T)), array("bias"))
        case layers.RadialBasis() as layer:
            return _radial_basis(graph, layer, x)
        case layers.GlobalAverage():
            return graph.node("Flatten", graph.node("GlobalAveragePool", x))
        case layers.WindowPyramid() as layer:
            return graph.joined([_windows(graph, layer, level, x) for level in layer.levels], 2)
        case layers.WindowAverage():
            return graph.reduced("ReduceMean", x, 1)
        case layers.SpatialPyramid() as layer:
            bins = _open_bins(graph, layer, x) if open_sizes else _bins(graph, layer, row)
            levels = [_maxima(graph, x, bins(ROWS, level), bins(COLUMNS, level)) for level in layer.levels]
            return graph.joined([graph.node("Flatten", level) for level in levels], 1)
    raise Unsupported(f"onnx: no operator for {type(row.layer).__name__}; add a case in {__name__}")


def _window(layer: layers.Conv | layers.Pool, row: Row, open_sizes: bool) -> dict[str, Any]:
    """The attributes of a sliding window. For one size the padding covers the overhang, so no window is rounded up."""
    kernel, strides = layer.windows()
    attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": strides}
    if not open_sizes:
        (top, bottom), (left, right) = layer.pads(row.input)
        return attributes | {"pads": (top, left, bottom, right)}
    if layer.padding == "same":
        return attributes | {"auto_pad": "SAME_UPPER"}
    margin = layer.padding
    (top, bottom), (left, right) = ((margin, margin),) * 2 if isinstance(margin, int) else margin
    if layer.ceil:
        _check_overhang(layer, max(bottom, right))
        attributes["ceil_mode"] = 1
    return attributes | {"pads": (top, left, bottom, right)}


def _check_overhang(layer: layers.Conv | layers.Pool, pad: int) -> None:
    """Unsupported where ONNX may count a window that starts in the padding, which the table leaves out."""
    kernel, strides = layer.windows()
    if isinstance(layer, layers.Conv) or any(pad > side - stride for side, stride in zip(kernel, strides)):
        raise Unsupported(f"onnx: {layer.name} overhangs differently at different sizes; add a case in {__name__}")


def _subsample(graph: Graph, layer: layers.Subsample, x: str, arrays: Arrays) -> str:
    """The sum of a window as its average times its cells, which are part of the coefficient."""
    side, (coefficient, bias) = layer.side, (f"{layer.name}.{suffix}" for suffix in ("coefficient", "bias"))
    average = graph.node("AveragePool", x, kernel_shape=(side, side), strides=(side, side))
    factor = graph.array(coefficient, (arrays[coefficient] * np.float32(side * side)).reshape(-1, 1, 1))
    return graph.node("Add", graph.node("Mul", average, factor), graph.array(bias, arrays[bias].reshape(-1, 1, 1)))


def _radial_basis(graph: Graph, layer: layers.RadialBasis, x: str) -> str:
    codes = graph.array(f"{layer.name}.codes", np.array(layer.codes, np.float32))
    difference = graph.node("Sub", graph.node("Unsqueeze", x, graph.integers(1)), codes)
    return graph.node("Neg", graph.reduced("ReduceSum", graph.node("Mul", difference, difference), 2))


def _bins(graph: Graph, layer: layers.SpatialPyramid, row: Row) -> Callable[[int, int], Bins]:
    """The bins of an axis and a level at one size."""

    def bins(axis: int, level: int) -> Bins:
        return _fixed(graph, layer.bins(row.input[axis - 1], level))

    return bins


def _fixed(graph: Graph, ranges: Sequence[Pair]) -> Bins:
    return [(graph.integers(start), graph.integers(end)) for start, end in ranges]


def _open_bins(graph: Graph, layer: layers.SpatialPyramid, x: str) -> Callable[[int, int], Bins]:
    """The bins of an axis and a level by the rules of impls.layers, computed from the shape of `x` in the graph."""
    shape = graph.node("Shape", x)

    def times(value: str, factor: int) -> str:
        return graph.node("Mul", value, graph.integers(factor))

    def quotient(value: str, divisor: int) -> str:  # ONNX truncates whole numbers, none of which is negative here
        return graph.node("Div", value, graph.integers(divisor))

    def rounded_up(value: str, divisor: int) -> str:
        return quotient(graph.node("Add", value, graph.integers(divisor - 1)), divisor)

    def nearest(value: str, divisor: int) -> str:  # half to even, as the table has it
        exact = graph.node("Div", graph.node("Cast", value, to=onnx.TensorProto.DOUBLE), _double(graph, divisor))
        return graph.node("Cast", graph.node("Round", exact), to=onnx.TensorProto.INT64)

    def bins(axis: int, level: int) -> Bins:
        side, ranges = graph.node("Gather", shape, graph.integers(axis)), range(level)
        match layer.rule:
            case "adaptive":
                return [(quotient(times(side, i), level), rounded_up(times(side, i + 1), level)) for i in ranges]
            case "sliding":
                window, starts = rounded_up(side, level), [times(quotient(side, level), i) for i in ranges]
                return [(start, graph.node("Add", start, window)) for start in starts]
            case "rounded":
                return [(nearest(times(side, i), level), nearest(times(side, i + 1), level)) for i in ranges]

    return bins


def _double(graph: Graph, value: int) -> str:
    return graph.array(f"double {value}", np.array(value, np.float64))


def _maxima(graph: Graph, x: str, rows: Bins, columns: Bins) -> str:
    """The maximum of each range of rows in each range of columns."""
    for axis, bins in ((COLUMNS, columns), (ROWS, rows)):
        parts = [graph.reduced("ReduceMax", graph.slice(x, *bin, axis), axis, keep=True) for bin in bins]
        x = graph.joined(parts, axis)
    return x


def _windows(graph: Graph, layer: layers.WindowPyramid, level: int, x: str) -> str:
    """One level of every window's pyramid, by table lookup (`WindowPyramid.lookup`): (batch, windows, length)."""
    rows, columns, places = layer.lookup(level)
    table = _maxima(graph, x, _fixed(graph, rows), _fixed(graph, columns))
    flat = graph.node("Reshape", table, graph.integers(0, 0, -1))
    found = graph.node("Gather", flat, graph.integers(*places), axis=2)
    by_window = graph.node("Reshape", found, graph.integers(0, 0, len(layer.windows), level * level))
    by_channel = graph.node("Transpose", by_window, perm=(0, 2, 1, 3))
    return graph.node("Reshape", by_channel, graph.integers(0, 0, -1))
