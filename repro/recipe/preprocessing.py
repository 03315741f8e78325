"""Preprocessing: from a data set's bytes to a network's input, fitted to the training images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Prepared = Callable[[np.ndarray], np.ndarray]
"""uint8 (n, channels, height, width) -> float32, possibly padded."""


@dataclass(frozen=True)
class Prepare(ABC):
    """A preparation; adds `pad` black cells around each image."""

    pad: int = 0

    @abstractmethod
    def scale(self, training: np.ndarray) -> Prepared:
        """The function on images' values, fitted to a sample of the training images (uint8)."""

    def fit(self, training: np.ndarray) -> Prepared:
        scale, around = self.scale(training), ((0, 0), (0, 0), (self.pad, self.pad), (self.pad, self.pad))
        return lambda images: scale(np.pad(images, around) if self.pad else images)

    def side(self, side: int) -> int:
        """The side of prepared images for an original side."""
        return side + 2 * self.pad


@dataclass(frozen=True)
class Standardise(Prepare):
    """Each channel with mean 0 and variance 1 over the training images."""

    def scale(self, training: np.ndarray) -> Prepared:
        mean = training.mean((0, 2, 3), dtype=np.float64, keepdims=True)
        spread = training.std((0, 2, 3), dtype=np.float64, keepdims=True)
        factor, shift = (1 / np.maximum(spread, 1)).astype(np.float32), mean.astype(np.float32)
        return lambda images: (images - shift) * factor


@dataclass(frozen=True)
class MeanImage(Prepare):
    """Subtract the mean of each pixel of the training images, values from 0 to 255 (Krizhevsky 2012, section 2)."""

    def scale(self, training: np.ndarray) -> Prepared:
        mean = np.pad(training.mean(0), ((0, 0), (self.pad, self.pad), (self.pad, self.pad))).astype(np.float32)
        return lambda images: images - mean


@dataclass(frozen=True)
class InkRange(Prepare):
    """Background -0.1 and ink 1.175, on the 32 x 32 field that LeNet-5 sees (LeCun 1998, section II-B)."""

    pad: int = 2

    LOW, HIGH = -0.1, 1.175

    def scale(self, training: np.ndarray) -> Prepared:
        factor, low = np.float32((self.HIGH - self.LOW) / 255), np.float32(self.LOW)
        return lambda images: images * factor + low
