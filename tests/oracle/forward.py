"""A network's table, interpreted with the float64 definitions of `numpy_layers`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from impls import layers
from impls.network import Network, Row
from oracle import numpy_layers as definition

Arrays = Mapping[str, np.ndarray]


class Pass(NamedTuple):
    """What one forward pass gives: the scores, and each running statistic as it is after it."""

    scores: np.ndarray
    statistics: dict[str, np.ndarray]


def scores(
    network: Network, weights: Arrays, statistics: Arrays, images: np.ndarray, training: bool = False
) -> np.ndarray:
    """(batch, classes) in float64. Dropout is not an oracle's business: take `network.without_dropout()`."""
    return run(network, weights, statistics, images, training).scores


def loss(network: Network, weights: Arrays, statistics: Arrays, images: np.ndarray, labels: np.ndarray) -> float:
    """The mean loss in training mode."""
    return definition.cross_entropy(scores(network, weights, statistics, images, True), labels, network.rejection_score)


def run(network: Network, weights: Arrays, statistics: Arrays, images: np.ndarray, training: bool) -> Pass:
    """The forward pass, layer by layer."""
    x, arrays = images.astype(np.float64), {**statistics, **weights}
    changed: dict[str, np.ndarray] = {}
    for row in network.rows:
        suffixes = (*row.facts.arrays, *row.facts.statistics)
        own = {suffix: arrays[f"{row.layer.name}.{suffix}"].astype(np.float64) for suffix in suffixes}
        if isinstance(row.layer, layers.BatchNorm):
            x, moments = _batch_norm(row.layer, x, own, training)
            changed |= {f"{row.layer.name}.{suffix}": array for suffix, array in moments.items()}
        else:
            x = _apply(row, x, own)
    return Pass(x, changed)


def _apply(row: Row, x: np.ndarray, own: Arrays) -> np.ndarray:
    return _FUNCTIONS[type(row.layer)](row, x, **own)


def _convolution(row: Row, x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    layer = row.layer
    if layer.connection_table:
        return definition.linked_convolution(x, weight, bias, layer.connection_table)
    kernel, stride = layer.windows()
    return definition.convolution(x, weight, bias, stride, _pads(row, kernel, stride), layer.groups)


def _pool(row: Row, x: np.ndarray) -> np.ndarray:
    kernel, stride = row.layer.windows()
    pool = definition.max_pool if row.layer.kind == "max" else definition.average_pool
    return pool(x, kernel, stride, _pads(row, kernel, stride))


def _pads(row: Row, kernel: definition.Pair, stride: definition.Pair) -> definition.Pads:
    """Pads that give exactly the row's outputs, leading ones as the layer says: derived from the output size alone."""
    layer, resolved = row.layer, []
    for axis, (size, outputs) in enumerate(zip(row.input[1:], row.facts.output[1:], strict=True)):
        total = max((outputs - 1) * stride[axis] + kernel[axis] - size, 0)
        given = layer.padding if isinstance(layer.padding, int) else total // 2
        before = given if isinstance(layer.padding, (int, str)) else layer.padding[axis][0]
        resolved.append((before, max(total - before, 0)))
    return tuple(resolved)


def _batch_norm(layer: layers.BatchNorm, x: np.ndarray, own: Arrays, training: bool) -> tuple[np.ndarray, Arrays]:
    mean, variance = own["mean"], own["variance"]
    if training:
        mean, variance = definition.batch_moments(x)
    y = definition.batch_norm(x, mean, variance, own["scale"], own["shift"], layer.epsilon)
    keep = layer.momentum if training else 1.0
    return y, {
        "mean": keep * own["mean"] + (1 - keep) * mean,
        "variance": keep * own["variance"] + (1 - keep) * variance,
    }


def _local_response_norm(row: Row, x: np.ndarray) -> np.ndarray:
    layer = row.layer
    return definition.local_response_norm(x, layer.size, layer.alpha, layer.beta, layer.k)


def _activation(row: Row, x: np.ndarray) -> np.ndarray:
    return {"relu": definition.relu, "tanh": np.tanh, "scaled_tanh": definition.scaled_tanh}[row.layer.kind](x)


def _pyramid(row: Row, x: np.ndarray) -> np.ndarray:
    return definition.pyramid_max(x, definition.pyramid_edges(row.layer.rule, row.input[1:], row.layer.levels))


def _window_pyramid(row: Row, x: np.ndarray) -> np.ndarray:
    """A pyramid of each window alone, cut out of the maps."""
    layer = row.layer
    pooled = []
    for top, bottom, left, right in layer.windows:
        part = x[:, :, top:bottom, left:right]
        edges = definition.pyramid_edges(layer.rule, part.shape[2:], layer.levels)
        pooled.append(definition.pyramid_max(part, edges))
    return np.stack(pooled, 1)


def _plain(function, row: Row, x: np.ndarray, **own: np.ndarray) -> np.ndarray:
    return function(x, **own)


_FUNCTIONS = {
    layers.Conv: _convolution,
    layers.Pool: _pool,
    layers.Subsample: lambda row, x, **own: definition.subsample(x, **own, side=row.layer.side),
    layers.LocalResponseNorm: _local_response_norm,
    layers.Activation: _activation,
    layers.Flatten: partial(_plain, definition.flatten),
    layers.Dense: partial(_plain, definition.dense),
    layers.RadialBasis: lambda row, x: definition.radial_basis(x, np.array(row.layer.codes, float)),
    layers.GlobalAverage: partial(_plain, definition.global_average),
    layers.SpatialPyramid: _pyramid,
    layers.WindowPyramid: _window_pyramid,
    layers.WindowAverage: lambda row, x: x.mean(1),
}
