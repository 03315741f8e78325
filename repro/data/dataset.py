"""Data sets: uint8 images with labels, for training and for testing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


class Images(Protocol):
    """Images, possibly decoded on access; a uint8 array (n, channels, height, width) is one."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: npt.NDArray[np.integer[Any]], /) -> np.ndarray:
        """The images of an index array (k,), as uint8 (k, channels, height, width)."""


@dataclass(frozen=True)
class Split:
    """Images, and labels (n,) int32 from 0."""

    images: Images
    labels: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """`classes` are names in label order; `digest` (SHA-256, hex) identifies the content."""

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    digest: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        _, channels, height, width = self.train.images[np.zeros(1, np.intp)].shape
        return channels, height, width
