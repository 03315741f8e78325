"""SVHN's MATLAB files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from repro.data import BadData, MissingData, load


def write(path: Path, **variables: Any) -> None:
    savemat(path, variables, do_compression=True)


def pixels(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(256, size=(32, 32, 3, count), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "train_32x32.mat", X=pixels(12), y=np.arange(12)[:, None] % 10 + 1)
    write(tmp_path / "test_32x32.mat", X=pixels(3), y=np.array([[10], [1], [9]]))
    return tmp_path


def test_label_ten_is_the_digit_zero(folder: Path) -> None:
    dataset = load("svhn", folder)
    assert dataset.classes == tuple("0123456789")
    assert dataset.shape == (3, 32, 32)
    assert dataset.test.labels.tolist() == [0, 1, 9]
    assert dataset.train.labels.dtype == np.int32
    np.testing.assert_array_equal(dataset.test.images[np.array([2])][0], pixels(3)[..., 2].transpose(2, 0, 1))


def test_single_image_without_its_last_dimension(folder: Path) -> None:
    write(folder / "test_32x32.mat", X=pixels(1)[..., 0], y=np.array([[4]]))
    assert load("svhn", folder).test.labels.tolist() == [4]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"X": pixels(2), "y": np.array([[0], [1]])}, "the wrong classes: labels from 0 to 1, expected 1 to 10"),
        ({"X": pixels(2), "y": np.array([[11], [1]])}, "the wrong classes: labels from 1 to 11"),
        ({"X": pixels(2), "y": np.array([[1]])}, "2 images and 1 labels"),
        ({"X": pixels(2)[:, :, :1], "y": np.array([[1], [1]])}, r"X is 32×32×1×2 uint8, expected 32×32×3×images"),
        ({"X": pixels(2)[:16], "y": np.array([[1], [1]])}, r"X is 16×32×3×2 uint8"),
        ({"X": pixels(2) / 255, "y": np.array([[1], [1]])}, r"X is 32×32×3×2 float64"),
        ({"X": pixels(2)}, "has no y in it"),
        ({"digits": pixels(2)}, "has no X and no y in it"),
    ],
)
def test_bad_file_is_named(folder: Path, variables: dict[str, Any], message: str) -> None:
    write(folder / "test_32x32.mat", **variables)
    with pytest.raises(BadData, match=message) as raised:
        load("svhn", folder)
    assert str(folder / "test_32x32.mat") in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("end", [0, 60, 130, 2000])
def test_file_that_is_cut_off(folder: Path, end: int) -> None:
    path = folder / "train_32x32.mat"
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(BadData, match=r"train_32x32.mat (is cut off|has no X)") as raised:
        load("svhn", folder)
    assert "\n" not in str(raised.value)


def test_missing_file(folder: Path) -> None:
    (folder / "test_32x32.mat").unlink()
    with pytest.raises(MissingData, match=r"test_32x32.mat is missing; its folder has: train_32x32.mat$"):
        load("svhn", folder)
