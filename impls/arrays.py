"""Weights, images and labels, made once in NumPy from names and a seed, the same for every framework.

The canonical layout: convolution weights (outputs, inputs / groups, height, width), full connections
(outputs, inputs) with inputs ordered by channel, row, column, images (batch, channels, height, width).
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from impls.layers import Conv, Shape
from impls.network import ALONE, Network, Row

Arrays = Mapping[str, np.ndarray]

BIAS_SCALE = 0.1


@dataclass(frozen=True)
class Batch:
    """Images (batch, channels, height, width) float32, standard normal; labels (batch,) int32."""

    images: np.ndarray
    labels: np.ndarray


def make_weights(network: Network, seed: int = 0) -> dict[str, np.ndarray]:
    """Every trainable array of the network, float32, in the canonical layout.

    Weights are normal with variance 2 / fan-in (He et al. 2015), so that scores are of order one at any depth;
    biases and similar arrays are small but not zero, so that errors in them are visible.
    """
    return {name: array for row in network.rows for name, array in _row_weights(network, row, seed)}


def make_statistics(network: Network, seed: int = 0) -> dict[str, np.ndarray]:
    """Running means near 0 and variances near 1, float32, one array for each of the network's statistics."""
    made = {}
    for name, shape in network.statistics.items():
        noise = BIAS_SCALE * _generator(network, name, seed).standard_normal(shape, np.float32)
        made[name] = np.exp(noise) if name.endswith(".variance") else noise
    return made


def make_batch(network: Network, size: int, seed: int = 0) -> Batch:
    """`size` random images that fit the network, with random labels."""
    rng = _generator(network, "batch", seed)
    images = rng.standard_normal((size, *network.input_shape), np.float32)
    return Batch(images, rng.integers(network.classes, size=size, dtype=np.int32))


def link_mask(layer: Conv, inputs: int) -> np.ndarray:
    """1 where a weight of the layer exists and 0 where its link is missing, float32, shaped (outputs, inputs, 1, 1)."""
    mask = np.ones((layer.channels, inputs, 1, 1), np.float32)
    for output, connection_table in enumerate(layer.connection_table or ()):
        mask[output, [i for i in range(inputs) if i not in connection_table]] = 0
    return mask


def _row_weights(network: Network, row: Row, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    for name, shape in row.array_names().items():
        values = _generator(network, name, seed).standard_normal(shape, np.float32)
        if name.endswith(".weight"):
            values *= math.sqrt(2 / math.prod(shape[1:]))
            if isinstance(row.layer, Conv) and row.layer.connection_table:
                values *= link_mask(row.layer, shape[1])
        else:
            values *= BIAS_SCALE
            if name.endswith((".scale", ".coefficient")):
                values += 1 if name.endswith(".scale") else 0.25
        yield name, values


def _generator(network: Network, name: str, seed: int) -> np.random.Generator:
    whole, _, _ = network.architecture.partition(ALONE)  # a single layer has its weights in the whole network
    return np.random.Generator(np.random.SFC64([seed, zlib.crc32(f"{whole}/{name}".encode())]))


def sign_vector(name: str, index: int, shape: Shape) -> np.ndarray:
    """A seeded vector of +1 and -1 (int8) for the signature of the array called `name`."""
    rng = np.random.Generator(np.random.SFC64([index, zlib.crc32(name.encode())]))
    count = math.prod(shape)
    bits = np.unpackbits(np.frombuffer(rng.bytes(-(-count // 8)), np.uint8), count=count)
    return (bits.astype(np.int8) * 2 - 1).reshape(shape)
