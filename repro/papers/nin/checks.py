"""What Network in Network's two new layers are (Lin et al. 2014)."""

from __future__ import annotations

import numpy as np

from impls import load_architecture
from impls.layers import Conv, GlobalAverage
from repro.claims.claim import CheckResult, contradicted, holds
from repro.papers._tables import listed

NETWORK = "nin-cifar10"
CASCADED = "cccp"
"""What the names of cascaded cross-channel pooling layers begin with."""
SIDES = (5, 4)
"""Pixels of the maps on which 1 x 1 layers are tried."""


def global_average() -> CheckResult:
    """NIN-8. The layer's matrix is found by giving it every unit vector, not by writing the matrix down."""
    last = load_architecture(NETWORK).at().rows[-1]
    if not isinstance(last.layer, GlobalAverage) or last.facts.parameters:
        kind = type(last.layer).__name__
        return contradicted(f"the last layer is {kind} {last.layer.name} with {last.facts.parameters:,} parameters")
    maps, cells = last.input[0], last.input[1] * last.input[2]
    units = np.eye(maps * cells).reshape(-1, *last.input)
    matrix = units.mean((2, 3)).T
    blocks = np.kron(np.eye(maps), np.full((1, cells), 1 / cells))
    images = np.random.default_rng(0).standard_normal((3, *last.input))
    error = float(np.abs(images.reshape(3, -1) @ matrix.T - images.mean((2, 3))).max())
    return holds(
        last.facts.output == (maps,) and np.array_equal(matrix, blocks) and error < 1e-12,
        f"{last.facts.parameters} parameters; its {maps} x {maps * cells} matrix is {maps} blocks of 1 x {cells}, each "
        f"entry 1/{cells}, and 0 elsewhere; on random maps it differs from the average by at most {error:.0e}",
    )


def cascaded_pooling() -> CheckResult:
    """NIN-9. Whole numbers, so that both sides are exact. The tests compare each framework with the same reference."""
    rng = np.random.default_rng(0)
    differ: list[str] = []
    same: list[str] = []
    for row in load_architecture(NETWORK).at().rows:
        layer = row.layer
        if not isinstance(layer, Conv) or not layer.name.startswith(CASCADED):
            continue
        shape = (row.input[0], *SIDES)
        maps, weight, bias = (rng.integers(-9, 10, size) for size in (shape, *layer.at(shape).arrays.values()))
        equal = np.array_equal(convolved(layer, maps, weight, bias), cross_channel(maps, weight, bias))
        (same if equal else differ).append(f"{layer.name} ({row.input[0]} to {layer.channels})")
    return holds(
        bool(same) and not differ,
        f"equal to the last digit at every pixel: {listed(same) or 'none'}; different: {listed(differ) or 'none'}",
    )


def convolved(layer: Conv, maps: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The layer's convolution and ReLU of maps (channels, height, width): the sum over window and inputs."""
    kernel, stride = layer.windows()
    padded = np.pad(maps, ((0, 0), *layer.pads(maps.shape)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=(1, 2))[:, :: stride[0], :: stride[1]]
    summed: np.ndarray = np.einsum("oikl,ihwkl->ohw", weight, windows) + bias[:, None, None]
    return summed.clip(0)


def cross_channel(maps: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Eq. 2: at each pixel by itself, weighted sums of its channels, a bias, and the maximum with 0."""
    across = weight[:, :, weight.shape[2] // 2, weight.shape[3] // 2]
    rows, columns = range(maps.shape[1]), range(maps.shape[2])
    pixels = [[np.maximum(across @ maps[:, row, column] + bias, 0) for column in columns] for row in rows]
    return np.moveaxis(np.array(pixels), 2, 0)
