"""Folders of image files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repro.data import BadData, MissingData, load
from repro.data.formats.image_folder import FolderImages, read_image_folder


def picture(path: Path, width: int = 12, height: int = 9, mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(width * height).integers(256, size=(height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part, count in (("train", 3), ("val", 1)):
        for name in ("cat", "ant"):
            for number in range(count):
                picture(tmp_path / part / name / f"{number}.png", 12 + number, 9)
    return tmp_path


def test_classes_are_in_their_names_order(folder: Path) -> None:
    dataset = read_image_folder(folder, "mine", size=6)
    assert (dataset.name, dataset.classes, dataset.shape) == ("mine", ("ant", "cat"), (3, 6, 6))
    assert dataset.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert dataset.test.labels.tolist() == [0, 1]
    assert dataset.train.labels.dtype == np.int32
    images = dataset.train.images[np.array([5, 0, 5])]
    assert (images.shape, images.dtype) == ((3, 3, 6, 6), np.uint8)
    np.testing.assert_array_equal(images[0], images[2])


def test_imagenet_is_decoded_at_256(folder: Path) -> None:
    assert load("imagenet", folder).shape == (3, 256, 256)


@pytest.mark.parametrize(("width", "height"), [(40, 20), (20, 40), (22, 20), (20, 20), (90, 30)])
def test_shorter_side_is_scaled_and_the_middle_kept(tmp_path: Path, width: int, height: int) -> None:
    """White in the middle and black beside it: nothing black is left."""
    pixels = np.zeros((height, width, 3), np.uint8)
    short = min(width, height)
    top, left = (height - short) // 2, (width - short) // 2
    pixels[top : top + short, left : left + short] = 255
    Image.fromarray(pixels).save(tmp_path / "one.png")
    image = FolderImages((str(tmp_path / "one.png"),), 20)[np.array([0])]
    assert image.shape == (1, 3, 20, 20)
    assert image[:, :, 1:-1, 1:-1].min() == 255


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("one.jpg" if mode == "CMYK" else "one.png")
    picture(path, mode=mode)
    assert FolderImages((str(path),), 5)[np.array([0])].shape == (1, 3, 5, 5)


def test_digest_is_of_paths_and_sizes(folder: Path) -> None:
    first = read_image_folder(folder, "mine", 6).digest
    assert read_image_folder(folder, "mine", 9).digest == first
    picture(folder / "train" / "cat" / "9.png")
    assert read_image_folder(folder, "mine", 6).digest != first


def test_hidden_files_and_those_of_systems_are_left_out(folder: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "readme.txt"):
        (folder / "train" / "cat" / name).write_text("no image")
    (folder / "train" / ".cache").mkdir()
    assert len(read_image_folder(folder, "mine", 6).train.images) == 6


def test_files_that_are_no_images_are_refused_and_three_named(folder: Path) -> None:
    for number in range(5):
        (folder / "val" / "ant" / f"bad{number}.jpg").write_text("no image")
    with pytest.raises(
        BadData, match=r"5 of 13 files can't be used: .*bad0.jpg.*bad1.jpg.*bad2.jpg and 2 more: not an"
    ):
        load("imagenet", folder)


def test_every_reason_for_which_files_are_refused_is_named(folder: Path) -> None:
    place = folder / "val" / "ant"
    (place / "a.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    Image.new("F", (6, 4)).save(place / "b.tiff")
    with pytest.raises(BadData, match=r"2 of 10 files .*a.HEIC: HEIC: install pillow-heif, .*b.tiff: mode F"):
        load("imagenet", folder)


def test_images_without_a_suffix_are_read(folder: Path) -> None:
    (folder / "val" / "ant" / "0.png").rename(folder / "val" / "ant" / "0")
    assert read_image_folder(folder, "mine", 6).test.images[np.array([0])].shape == (1, 3, 6, 6)


def test_images_come_upright_and_scaled_by_their_mode(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # its right side is stored at the top
    pixels = np.full((8, 8), 32896, np.uint16)
    pixels[:4] = 65535
    path = tmp_path / "one.png"
    Image.fromarray(pixels).save(path, exif=exif)
    image = FolderImages((str(path),), 8)[np.array([0])][0, 0]
    np.testing.assert_array_equal(image[0], [128] * 4 + [255] * 4)


def test_image_that_is_cut_off_is_named_when_it_is_decoded(folder: Path) -> None:
    path = folder / "val" / "ant" / "0.png"
    picture(path, 100, 100)
    path.write_bytes(path.read_bytes()[:2000])
    dataset = read_image_folder(folder, "mine", 6)
    with pytest.raises(BadData, match=r"0.png can't be decoded: ") as raised:
        dataset.test.images[np.array([0])]
    assert "\n" not in str(raised.value)


def test_broken_link_is_refused(folder: Path) -> None:
    (folder / "train" / "cat" / "gone.png").symlink_to(folder / "nowhere.png")
    with pytest.raises(BadData, match=r"1 of 9 files can't be used: .*gone.png: no such file"):
        read_image_folder(folder, "mine", 6)


def test_different_classes_for_training_and_testing(folder: Path) -> None:
    picture(folder / "val" / "dog" / "0.png")
    with pytest.raises(BadData, match=r"train/ has 2 classes and val/ has 3, and they differ in 1: dog$"):
        load("imagenet", folder)


def test_class_without_images(folder: Path) -> None:
    (folder / "val" / "ant" / "0.png").unlink()
    with pytest.raises(BadData, match=r"val/ant: no images"):
        load("imagenet", folder)


def test_images_outside_of_a_class(tmp_path: Path) -> None:
    picture(tmp_path / "train" / "0.png")
    picture(tmp_path / "val" / "0.png")
    with pytest.raises(BadData, match=r"train: no folders of classes; images are expected at train/CLASS/FILE"):
        load("imagenet", tmp_path)


def test_folder_without_parts(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    with pytest.raises(MissingData, match=r"train is missing; its folder has: test$"):
        load("imagenet", tmp_path)
