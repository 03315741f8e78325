"""The layers in NumPy, straight from their definitions. No speed beyond one matrix product a layer, no frameworks.

Maps are (batch, channels, height, width), vectors (batch, length); everything is computed in the arrays' own type,
which the tests make float64. Pads are ((top, bottom), (left, right)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy import ndarray as Array
from numpy.lib.stride_tricks import sliding_window_view

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]
NO_PADS: Pads = ((0, 0), (0, 0))


def windows(maps: Array, kernel: Pair, stride: Pair, pads: Pads = NO_PADS, border: float = 0.0) -> Array:
    """Every window: (batch, channels, rows, columns, kernel height, kernel width)."""
    padded = np.pad(maps, ((0, 0), (0, 0), *pads), constant_values=border)
    return sliding_window_view(padded, kernel, (2, 3))[:, :, :: stride[0], :: stride[1]]


def convolution(
    maps: Array, weight: Array, bias: Array, stride: Pair = (1, 1), pads: Pads = NO_PADS, groups: int = 1
) -> Array:
    """Correlation, as all networks have it: weight (outputs, inputs / groups, height, width)."""
    outputs = [
        _correlation(part, own, stride, pads)
        for part, own in zip(np.split(maps, groups, 1), np.split(weight, groups, 0), strict=True)
    ]
    return np.concatenate(outputs, 1) + bias[:, None, None]


def _correlation(maps: Array, weight: Array, stride: Pair, pads: Pads) -> Array:
    view = windows(maps, weight.shape[2:], stride, pads)
    batch, _, rows, columns, *_ = view.shape
    matrix = view.transpose(0, 2, 3, 1, 4, 5).reshape(batch * rows * columns, -1)
    result = matrix @ weight.reshape(len(weight), -1).T
    return result.reshape(batch, rows, columns, -1).transpose(0, 3, 1, 2)


def linked_convolution(maps: Array, weight: Array, bias: Array, connection_table: Sequence[Sequence[int]]) -> Array:
    """Output i sees only the inputs links[i]; weights of other inputs are never read."""
    outputs = [
        convolution(maps[:, list(inputs)], weight[i : i + 1, list(inputs)], bias[i : i + 1])
        for i, inputs in enumerate(connection_table)
    ]
    return np.concatenate(outputs, 1)


def max_pool(maps: Array, kernel: Pair, stride: Pair, pads: Pads = NO_PADS) -> Array:
    """Cells beyond the border never win."""
    return windows(maps, kernel, stride, pads, -math.inf).max((4, 5))


def average_pool(maps: Array, kernel: Pair, stride: Pair, pads: Pads = NO_PADS) -> Array:
    """Cells beyond the border do not count."""
    count = windows(np.ones_like(maps), kernel, stride, pads).sum((4, 5))
    return windows(maps, kernel, stride, pads).sum((4, 5)) / count


def subsample(maps: Array, coefficient: Array, bias: Array, side: int = 2) -> Array:
    """LeCun 1998, section II-B: the inputs of a unit are added, multiplied by a coefficient, added to a bias."""
    total = windows(maps, (side, side), (side, side)).sum((4, 5))
    return total * coefficient[:, None, None] + bias[:, None, None]


def local_response_norm(maps: Array, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0) -> Array:
    """Krizhevsky 2012, section 3.3, channel by channel as the formula is written."""
    channels = maps.shape[1]
    result = np.empty_like(maps)
    for i in range(channels):
        neighbours = maps[:, max(0, i - size // 2) : min(channels - 1, i + size // 2) + 1]
        result[:, i] = maps[:, i] / (k + alpha * (neighbours**2).sum(1)) ** beta
    return result


def batch_moments(maps: Array) -> tuple[Array, Array]:
    """Mean and variance per channel; the variance divides by the count."""
    return maps.mean((0, 2, 3)), maps.var((0, 2, 3))


def batch_norm(maps: Array, mean: Array, variance: Array, scale: Array, shift: Array, epsilon: float) -> Array:
    mean, variance, scale, shift = (array[:, None, None] for array in (mean, variance, scale, shift))
    return (maps - mean) / np.sqrt(variance + epsilon) * scale + shift


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def scaled_tanh(x: Array) -> Array:
    """LeCun 1998, appendix A."""
    return 1.7159 * np.tanh(2 / 3 * x)


def dense(vectors: Array, weight: Array, bias: Array) -> Array:
    return vectors @ weight.T + bias


def radial_basis(vectors: Array, codes: Array) -> Array:
    """Minus the squared distance to each code."""
    return -((vectors[:, None, :] - codes[None]) ** 2).sum(2)


def flatten(maps: Array) -> Array:
    return maps.reshape(len(maps), -1)


def global_average(maps: Array) -> Array:
    return maps.mean((2, 3))


def bin_edges(side: int, bins: int) -> list[Pair]:
    """He 2015, appendix A, with i from 1: from floor((i - 1) / n * side) to ceil(i / n * side)."""
    return [((i - 1) * side // bins, -(-i * side // bins)) for i in range(1, bins + 1)]


def sliding_edges(side: int, bins: int) -> list[Pair]:
    """He 2015, section 2.3: windows of ceil(side / n) cells, floor(side / n) apart, as many as there is room for."""
    window, stride = -(-side // bins), side // bins
    return [(start, start + window) for start in range(0, side - window + 1, stride)] if stride else []


def rounded_edges(side: int, bins: int) -> list[Pair]:
    """The tutorial's: a start is i times a length, an end that and the length again, all in float32, then rounded."""
    length = np.float32(side) / np.float32(bins)
    starts = [np.float32(i) * length for i in range(bins)]
    return [(int(np.round(start)), int(np.round(start + length))) for start in starts]


EDGES = {"adaptive": bin_edges, "sliding": sliding_edges, "rounded": rounded_edges}
"""By rule. What comes out need not be bins: `are_bins` tells."""


def are_bins(edges: Sequence[Pair], side: int, bins: int) -> bool:
    """Whether that is the right number of bins, of a cell or more each, to the end of the side."""
    return len(edges) == bins and edges[-1][1] == side and all(start < end for start, end in edges)


Edges = Sequence[tuple[Sequence[Pair], Sequence[Pair]]]
"""For each level: row bins, column bins."""


def pyramid_edges(rule: str, size: Pair, levels: Sequence[int]) -> Edges:
    return [tuple(EDGES[rule](side, level) for side in size) for level in levels]  # type: ignore[misc]


def pyramid_max(maps: Array, edges: Edges) -> Array:
    """The maximum of each bin, by channel, row, column; levels in a row."""
    return np.take_along_axis(flatten(maps), pyramid_places(maps, edges), 1)


def pyramid_places(maps: Array, edges: Edges) -> Array:
    """Where in the flattened maps each of those maxima is, the first of equal ones: (batch, length)."""
    batch, channels, height, width = maps.shape
    before = height * width * np.arange(channels)[:, None]
    levels = []
    for rows, columns in edges:
        bins = [(*row, *column) for row, column in product(rows, columns)]
        parts = (maps[:, :, top:bottom, left:right] for top, bottom, left, right in bins)
        within = np.stack([part.reshape(batch, channels, -1).argmax(2) for part in parts], 2)
        tops, _, lefts, rights = np.transpose(bins)
        down, across = np.divmod(within, rights - lefts)
        levels.append((before + (tops + down) * width + lefts + across).reshape(batch, -1))
    return np.concatenate(levels, 1)


def pyramid_gradient(signal: Array, places: Array, shape: tuple[int, ...]) -> Array:
    """The gradient of maps of that shape, given that of their maxima: it is that of the cells that these are."""
    gradient = np.zeros((len(signal), math.prod(shape[1:])))
    np.add.at(gradient, (np.arange(len(signal))[:, None], places), signal)
    return gradient.reshape(shape)


def tutorial_pyramid(maps: Array, levels: Sequence[int]) -> Array:
    """What the function SPP of the notebook "Introduction for classic CNNs" gives: bin by bin, a slice and its maximum.

    Written from its arithmetic (`rounded_edges`) and its order: by level, row, column, channel. An empty slice is a
    ValueError.
    """
    pooled = []
    for n in levels:
        rows, columns = (rounded_edges(side, n) for side in maps.shape[2:])
        pooled += [maps[:, :, y1:y2, x1:x2].max((2, 3)) for (y1, y2), (x1, x2) in product(rows, columns)]
    return np.concatenate(pooled, 1)


def cross_entropy(scores: Array, labels: Array, rejection_score: float | None = None) -> float:
    """Mean of minus the log-probability of the labels; a rubbish class has score -rubbish (LeCun 1998, eq. 9)."""
    own = scores[np.arange(len(labels)), labels]
    if rejection_score is not None:
        scores = np.concatenate([scores, np.full((len(scores), 1), -rejection_score)], 1)
    largest = scores.max(1)
    return float((largest + np.log(np.exp(scores - largest[:, None]).sum(1)) - own).mean())
