"""Validation of images and labels of any data set before training."""

from __future__ import annotations

import numpy as np

from repro.data.dataset import Dataset, Images, Split
from repro.data.errors import BadData
from repro.data.source import Source


def checked_split(images: Images, labels: np.ndarray, classes: int, where: object) -> Split:
    """A split with labels as int32; BadData naming `where` if it is empty, uneven or has labels of other classes."""
    if len(images) != len(labels):
        raise BadData(f"{where}: {len(images)} images and {len(labels)} labels; they belong to different data sets")
    check_labels(labels, classes, where)
    return Split(images, labels.astype(np.int32))


def check_labels(labels: np.ndarray, classes: int, where: object, first: int = 0) -> None:
    """BadData naming `where` if there are no labels, or others than `classes` numbers that count from `first`."""
    if not len(labels):
        raise BadData(f"{where}: no images")
    low, high, last = int(labels.min()), int(labels.max()), first + classes - 1
    if low < first or high > last:
        raise BadData(
            f"{where}: the wrong classes: labels from {low} to {high}, expected {first} to {last}; "
            "it is another data set, or damaged"
        )


def check_dataset(dataset: Dataset, source: Source, where: object) -> None:
    """BadData naming `where` if the data set is not what its source says, or its images differ in size."""
    shape = dataset.shape
    if shape[0] != source.channels:
        raise BadData(f"{where}: images of {shape[0]} channels, expected {source.channels} for {source.title}")
    if source.classes not in (None, len(dataset.classes)):
        raise BadData(f"{where}: {len(dataset.classes)} classes, expected {source.classes} for {source.title}")
    test = dataset.test.images[np.zeros(1, np.intp)].shape[1:]
    if test != shape:
        raise BadData(f"{where}: training images are {_text(shape)}, test images are {_text(test)}")


def _text(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
