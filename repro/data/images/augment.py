"""Augmentations of training images in the papers, and their test views.

All functions take float32 images (n, channels, height, width), draw only from the given generator, once per image, and
return float32 images; their arguments are not changed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from impls.errors import InvalidInput
from repro.data.dataset import Images
from repro.data.images.resampling import centres, sample_grid, sample_points

CHUNK = 256  # images per step of principal_components


class Augmentation(Protocol):
    """A change to a batch of images; it may change their height and width."""

    def apply(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The changed batch (n, C, h, w), float32."""


@dataclass(frozen=True)
class RandomCrop:
    """A random `size`×`size` crop of each image, after padding it with `padding` zeros (AlexNet: 224 of 256)."""

    size: int
    padding: int = 0

    def __post_init__(self) -> None:
        _require(self.size >= 1 and self.padding >= 0, f"size ≥ 1 and padding ≥ 0, got {self.size} and {self.padding}")

    def apply(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        around = (self.padding, self.padding)
        padded = np.pad(images, ((0, 0), (0, 0), around, around))
        windows = _windows(padded, self.size)
        count, _, rows, columns = windows.shape[:4]
        row, column = rng.integers(rows, size=count), rng.integers(columns, size=count)
        return windows[np.arange(count), :, row, column]


@dataclass(frozen=True)
class Flip:
    """Flip each image horizontally with probability 1/2."""

    def apply(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        flipped = rng.random(len(images)) < 0.5
        return np.where(flipped[:, None, None, None], images[..., ::-1], images)


@dataclass(frozen=True, eq=False)
class PcaColour:
    """Add to each principal component of colour a normal draw (`std`) times its eigenvalue (AlexNet, sect. 4.1).

    eigenvalues (C,), eigenvectors (C, C) with a vector in each column, as `principal_components` gives them: for
    pixels from 0 to 1. For images in other units multiply the eigenvalues by the size of that range (255).
    """

    eigenvalues: np.ndarray
    eigenvectors: np.ndarray
    std: float = 0.1

    def __post_init__(self) -> None:
        channels = len(self.eigenvalues)
        _require(
            self.eigenvectors.shape == (channels, channels) and self.std >= 0,
            f"square eigenvectors for {channels} eigenvalues and std ≥ 0, got {self.eigenvectors.shape}, {self.std}",
        )

    def apply(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        channels = len(self.eigenvalues)
        _require(images.shape[1] == channels, f"images of {channels} channels, got {images.shape[1]}")
        draws = rng.normal(0, self.std, (len(images), channels))
        shift = (draws * self.eigenvalues) @ self.eigenvectors.T
        shifted: np.ndarray = images + shift.astype(np.float32)[:, :, None, None]
        return shifted


def principal_components(images: Images) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (C,), largest first, and eigenvectors (columns, (C, C)) of the covariance of the pixels' channels.

    uint8 images count as 0 to 1. An eigenvector's largest entry is positive, so that every machine gives the same.
    """
    _require(len(images) >= 1, "images to find the components of, got none")
    total, products, pixels = np.zeros(1), np.zeros((1, 1)), 0
    for chunk in _chunks(images):
        colours = chunk.transpose(1, 0, 2, 3).reshape(chunk.shape[1], -1).astype(np.float64)
        total, products, pixels = total + colours.sum(1), products + colours @ colours.T, pixels + colours.shape[1]
    mean = total / pixels
    values, vectors = np.linalg.eigh((products / pixels - np.outer(mean, mean)) / 255**2)
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
    largest = vectors[np.abs(vectors).argmax(0), np.arange(len(values))]
    return values, vectors * np.sign(largest)


@dataclass(frozen=True)
class ScaleJitter:
    """Scale each image to a random shorter side from `low` to `high`, then crop at random (VGG, sect. 3.1)."""

    low: int
    high: int
    size: int

    def __post_init__(self) -> None:
        _require(
            1 <= self.size <= self.low <= self.high,
            f"1 ≤ size ≤ low ≤ high, got size {self.size}, low {self.low}, high {self.high}",
        )

    def apply(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        count, _, height, width = images.shape
        factor = rng.integers(self.low, self.high + 1, size=count) / min(height, width)
        rows = self._positions(height, factor, rng)
        return sample_grid(images, rows, self._positions(width, factor, rng))

    def _positions(self, length: int, factor: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Positions of the crop's pixels in the unscaled image along one side, in pixels (n, size)."""
        scaled = np.rint(length * factor).astype(np.int64)
        start = rng.integers(scaled - self.size + 1)
        inside: np.ndarray = start[:, None] + np.arange(self.size) + 0.5
        positions: np.ndarray = inside * (length / scaled)[:, None] - 0.5
        return positions.astype(np.float32)


@dataclass(frozen=True)
class Resize:
    """Resize to `size`×`size`, bilinear without antialiasing (SPP-net: 180 is a resized 224)."""

    size: int

    def __post_init__(self) -> None:
        _require(self.size >= 1, f"size ≥ 1, got {self.size}")

    def apply(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return sample_grid(images, *(centres(self.size, length)[None] for length in images.shape[2:]))


@dataclass(frozen=True)
class CentreCrop:
    """The central `size`×`size` crop (with odd margins, nearer to the top and the left)."""

    size: int

    def __post_init__(self) -> None:
        _require(self.size >= 1, f"size ≥ 1, got {self.size}")

    def apply(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        windows = _windows(images, self.size)
        return windows[:, :, (windows.shape[2] - 1) // 2, (windows.shape[3] - 1) // 2].copy()


@dataclass(frozen=True)
class RandomAffine:
    """LeNet's distortions (LeCun et al. 1998, sect. III): shift, scale, squeeze and horizontal shear, about the centre.

    Shifts are uniform, up to `translation` pixels along each axis. A scale of 0.2 is a factor from 1/1.2 to 1.2, evenly
    in its logarithm; `squeeze` likewise, for the width by the factor and for the height by its inverse; `shear` is
    uniform, up to that many columns per row. Pixels from outside the image are `fill`.
    """

    translation: float = 0.0
    scale: float = 0.0
    squeeze: float = 0.0
    shear: float = 0.0
    fill: float = 0.0

    def __post_init__(self) -> None:
        smallest = min(self.translation, self.scale, self.squeeze, self.shear)
        _require(smallest >= 0, f"translation, scale, squeeze and shear ≥ 0, got {smallest}")

    def apply(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        count, _, height, width = images.shape
        # (n, 1, 1) each, in this order even if some are off, so that a seed gives each distortion the same draw
        down, right, scale, squeeze, shear = rng.uniform(-1, 1, (5, count, 1, 1))
        size = np.exp(scale * math.log1p(self.scale))
        ratio = np.exp(squeeze * math.log1p(self.squeeze))
        middle_row, middle_column = (height - 1) / 2, (width - 1) / 2
        row, column = np.arange(height)[:, None] - middle_row, np.arange(width) - middle_column
        # the map from the new image back to the old: shift, shear and scale undone
        row = (row - down * self.translation) * (ratio / size) + np.zeros_like(column)
        column = (column - right * self.translation - shear * self.shear * row) / (ratio * size)
        return sample_points(images, row + middle_row, column + middle_column, self.fill)


def apply_deterministic(change: Resize | CentreCrop, images: np.ndarray) -> np.ndarray:
    """Apply a change that draws no random numbers."""
    return change.apply(images, np.random.default_rng(0))


def ten_views(images: np.ndarray, size: int) -> np.ndarray:
    """AlexNet's test views: four corners (by rows), the centre, then the same five flipped, (10, n, C, size, size)."""
    windows = _windows(images, size)
    rows, columns = windows.shape[2] - 1, windows.shape[3] - 1
    corners = [(0, 0), (0, columns), (rows, 0), (rows, columns), (rows // 2, columns // 2)]
    five = np.stack([windows[:, :, row, column] for row, column in corners])
    return np.concatenate([five, five[..., ::-1]])


def _windows(images: np.ndarray, size: int) -> np.ndarray:
    """Every `size`×`size` part of the images, as a view (n, C, rows, columns, size, size)."""
    shortest = min(images.shape[2:])
    _require(1 <= size <= shortest, f"a crop from 1 to {shortest}, the images' shorter side, got {size}")
    return np.lib.stride_tricks.sliding_window_view(images, (size, size), axis=(2, 3))


def _chunks(images: Images) -> Iterator[np.ndarray]:
    for start in range(0, len(images), CHUNK):
        yield images[np.arange(start, min(start + CHUNK, len(images)))]


def _require(condition: bool, expected: str) -> None:
    if not condition:
        raise InvalidInput(f"augmentation: expected {expected}")
