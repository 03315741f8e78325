"""Imagenette and Caltech-101: their layouts, classes and splits, with tiny pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repro.data import BadData, available, load
from repro.data.caltech101 import BACKGROUND, TESTED, TRAINED
from repro.data.imagenette import CLASSES, TOP


def picture(path: Path, side: int = 8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((side, side, 3), len(path.name), np.uint8)).save(path)


def imagenette(folder: Path, classes: list[str]) -> Path:
    for part in ("train", "val"):
        for name in classes:
            picture(folder / part / name / "one.png")
    return folder


@pytest.mark.parametrize("top", ["", TOP])
def test_imagenette_is_read_with_its_names_from_the_folder_or_its_top(tmp_path: Path, top: str) -> None:
    imagenette(tmp_path / top, list(CLASSES))
    assert available("imagenette128", tmp_path)
    dataset = load("imagenette128", tmp_path)
    assert dataset.classes == tuple(CLASSES.values())
    assert dataset.shape == (3, 128, 128)
    assert (len(dataset.train.labels), len(dataset.test.labels)) == (10, 10)


def test_photographs_of_other_classes_are_not_imagenette(tmp_path: Path) -> None:
    imagenette(tmp_path, [*list(CLASSES)[:9], "zebra"])
    with pytest.raises(BadData, match="the wrong classes: 'zebra' is none of Imagenette's .*--data imagenet=PATH"):
        load("imagenette128", tmp_path)


def test_imagenette_has_ten_classes(tmp_path: Path) -> None:
    imagenette(tmp_path, list(CLASSES)[:9])
    with pytest.raises(BadData, match="9 classes, expected 10 for Imagenette"):
        load("imagenette128", tmp_path)


@pytest.mark.parametrize("top", ["", "101_ObjectCategories"])
def test_categories_of_caltech_are_split_by_name_without_the_background(tmp_path: Path, top: str) -> None:
    counts = {"ant": TRAINED + 1, "yin_yang": TRAINED + TESTED + 2, BACKGROUND: 1}
    for name, count in counts.items():
        for number in range(count):
            picture(tmp_path / top / name / f"image_{number:04}.jpg")
    dataset = load("caltech101", tmp_path)
    assert dataset.classes == ("ant", "yin_yang")
    assert np.bincount(dataset.train.labels).tolist() == [TRAINED, TRAINED]
    assert np.bincount(dataset.test.labels).tolist() == [1, TESTED]


def test_a_category_without_test_images_is_named(tmp_path: Path) -> None:
    for number in range(TRAINED):
        picture(tmp_path / "ant" / f"{number}.jpg")
    with pytest.raises(BadData, match=rf"1 classes have no more than {TRAINED} images.*: ant"):
        load("caltech101", tmp_path)


def test_caltech_with_a_split_of_its_own_is_read_as_it_is(tmp_path: Path) -> None:
    imagenette(tmp_path, ["ant", "bee"])
    dataset = load("caltech101", tmp_path)
    assert (dataset.classes, dataset.shape) == (("ant", "bee"), (3, 224, 224))
