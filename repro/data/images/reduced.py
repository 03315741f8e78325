"""Images made smaller by averaging blocks of pixels, and held in memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from repro.data.dataset import Dataset, Images, Split

AT_ONCE = 256
"""Images that are decoded at a time."""


def reduced(dataset: Dataset, factor: int) -> Dataset:
    """The data set with the mean of each block of `factor` x `factor` pixels, rounded; as it is if the factor is 1.

    Rows and columns that fill no block, at the bottom and at the right, are left out. All images are then in memory.
    """
    if factor == 1:
        return dataset
    train, test = (_reduced(split, factor) for split in (dataset.train, dataset.test))
    return replace(dataset, train=train, test=test)


def _reduced(split: Split, factor: int) -> Split:
    count = len(split.images)
    parts = [_means(split.images, np.arange(at, min(at + AT_ONCE, count)), factor) for at in range(0, count, AT_ONCE)]
    return Split(np.concatenate(parts), split.labels)


def _means(images: Images, places: np.ndarray, factor: int) -> np.ndarray:
    """The reduced images at `places`, uint8 (k, channels, height, width)."""
    read = images[places]
    count, channels, height, width = read.shape
    tall, wide = height // factor, width // factor
    blocks = read[..., : tall * factor, : wide * factor].reshape(count, channels, tall, factor, wide, factor)
    means: np.ndarray = blocks.mean((3, 5), dtype=np.float32).round().astype(np.uint8)
    return means
