"""Pictures of a trained network, stored beside its trial: filters, misclassified images, class maps."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from impls.files import whole_file


def _nothing() -> np.ndarray:
    return np.zeros(0, np.uint8)


@dataclass(frozen=True)
class Pictures:
    """Arrays that were not requested are empty.

    filters: the first convolution's weights (outputs, channels, height, width). mistakes: test images (n, channels,
    height, width) uint8 that were taken for the class `taken` and are of class `truth` (n,), the first of `wrong` in
    all. maps: what the last convolution gave for the images `shown` (n, channels, height, width) uint8 of class
    `shown_truth` (n,), before global averaging: (n, classes, height, width). classes: their names.
    """

    classes: tuple[str, ...] = ()
    filters: np.ndarray = field(default_factory=_nothing)
    mistakes: np.ndarray = field(default_factory=_nothing)
    truth: np.ndarray = field(default_factory=_nothing)
    taken: np.ndarray = field(default_factory=_nothing)
    wrong: int = 0
    maps: np.ndarray = field(default_factory=_nothing)
    shown: np.ndarray = field(default_factory=_nothing)
    shown_truth: np.ndarray = field(default_factory=_nothing)


UNREADABLE = OSError, ValueError, KeyError, TypeError, EOFError, zlib.error, zipfile.BadZipFile
"""What NumPy raises for a truncated or invalid file of arrays."""
ARRAYS = "filters", "mistakes", "truth", "taken", "maps", "shown", "shown_truth"


def write(path: Path, pictures: Pictures) -> None:
    """Write them to the file (.npz) atomically; floating-point numbers as float16."""
    arrays: dict[str, Any] = {name: _small(getattr(pictures, name)) for name in ARRAYS}
    path.parent.mkdir(exist_ok=True)
    with whole_file(path) as file:
        np.savez_compressed(file, classes=np.array(pictures.classes), wrong=np.array(pictures.wrong), **arrays)


def read(path: Path) -> Pictures | None:
    """The pictures in the file; None if they cannot be read."""
    with contextlib.suppress(*UNREADABLE), path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        arrays: Mapping[str, np.ndarray] = {name: file[name] for name in ARRAYS}
        return Pictures(tuple(map(str, file["classes"])), wrong=int(file["wrong"]), **arrays)
    return None


def _small(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float16) if array.dtype.kind == "f" else array
