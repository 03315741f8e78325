"""Small images that can be told apart, as files that the readers of data sets take."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from repro import data
from repro.data import Dataset

TRAIN, TEST = 400, 200


def write_idx(path: Path, array: np.ndarray) -> None:
    path.write_bytes(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes())


@pytest.fixture(scope="session")
def fashion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 600 images in the format of Fashion-MNIST: each class has a bright row of its own, and noise."""
    folder = tmp_path_factory.mktemp("fashion")
    rng = np.random.default_rng(0)
    for name, count in (("train", TRAIN), ("t10k", TEST)):
        labels = rng.integers(10, size=count, dtype=np.uint8)
        images = rng.integers(0, 120, (count, 28, 28), dtype=np.uint8)
        images[np.arange(count), 2 * labels + 3] += 90
        write_idx(folder / f"{name}-images-idx3-ubyte", images)
        write_idx(folder / f"{name}-labels-idx1-ubyte", labels)
    return folder


@pytest.fixture(scope="session")
def images(fashion: Path) -> Dataset:
    return data.load("fashion-mnist", fashion)
