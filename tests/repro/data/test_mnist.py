"""IDX files, and the two data sets that are made of them."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from impls.errors import DeadheatError
from repro.data import BadData, MissingData, load, verify
from repro.data.formats.idx import parse_idx
from repro.data.mnist import CLOTHES, DIGITS, NAMES

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def tiny() -> dict[str, bytes]:
    """The four files with 20 and 10 images, two and one of each class."""
    rng = np.random.default_rng(0)
    arrays = [
        array
        for count in (20, 10)
        for array in (rng.integers(256, size=(count, 28, 28)), np.arange(count, dtype=np.uint8) % 10)
    ]
    return dict(zip(NAMES, map(idx, arrays), strict=True))


def write(folder: Path, files: dict[str, bytes], packed: bool = False) -> Path:
    for name, content in files.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content)) if packed else (folder / name).write_bytes(content)
    return folder


@given(npst.arrays(np.uint8, npst.array_shapes(min_dims=1, max_dims=4, max_side=5)))
def test_idx_comes_back_as_it_was(array: np.ndarray) -> None:
    np.testing.assert_array_equal(parse_idx(idx(array), array.ndim, "file"), array)


@given(npst.arrays(np.uint8, npst.array_shapes(min_dims=1, max_dims=3, max_side=5)), st.data())
def test_idx_that_is_cut_off_or_too_long_is_refused(array: np.ndarray, data: st.DataObject) -> None:
    content = idx(array)
    end = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(BadData, match=r"^file is (cut off: expected|no IDX file)"):
        parse_idx(content[:end], array.ndim, "file")
    with pytest.raises(BadData, match=f"too long: expected {len(content)} bytes, got {len(content) + 1} bytes"):
        parse_idx(content + b"\0", array.ndim, "file")


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize(("name", "classes"), [("mnist", DIGITS), ("fashion-mnist", CLOTHES)])
def test_four_files_are_a_data_set(tmp_path: Path, name: str, classes: tuple[str, ...], packed: bool) -> None:
    files = tiny()
    dataset = load(name, write(tmp_path, files, packed))
    assert (dataset.name, dataset.classes, dataset.shape) == (name, classes, (1, 28, 28))
    assert (len(dataset.train.images), len(dataset.test.images)) == (20, 10)
    assert dataset.train.labels.dtype == np.int32
    np.testing.assert_array_equal(dataset.test.labels, np.arange(10))
    first = np.frombuffer(files[NAMES[0]], np.uint8, offset=16).reshape(-1, 1, 28, 28)
    np.testing.assert_array_equal(dataset.train.images[np.array([3, 0])], first[[3, 0]])


def test_digest_is_of_the_content_not_of_its_packing(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("plain", "packed", "other")]
    for folder in folders:
        folder.mkdir()
    plain = load("mnist", write(folders[0], tiny())).digest
    assert load("mnist", write(folders[1], tiny(), packed=True)).digest == plain
    files = tiny()
    files[NAMES[2]] = files[NAMES[2]][:-1] + b"\1"
    assert load("mnist", write(folders[2], files)).digest != plain


def small(array: np.ndarray) -> bytes:
    return idx(array.astype(np.uint8))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (NAMES[0], tiny()[NAMES[0]][:-5], r"is cut off: expected 15696 bytes, got 15691 bytes"),
        (NAMES[0], tiny()[NAMES[1]], r"begins with 00 00 08 01, expected 00 00 08 03"),
        (NAMES[1], b"", r"begins with nothing"),
        (NAMES[1], tiny()[NAMES[3]], r"20 images and 10 labels"),
        (NAMES[1], small(np.full(20, 10)), r"the wrong classes: labels from 10 to 10, expected 0 to 9"),
        (NAMES[0], small(np.zeros((20, 32, 32))), r"images of 32×32, expected 28×28"),
        (NAMES[3], small(np.zeros(0)), r"10 images and 0 labels"),
    ],
)
def test_bad_file_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    write(tmp_path, tiny() | {name: content})
    with pytest.raises(BadData, match=message) as raised:
        load("mnist", tmp_path)
    assert name.partition("-")[0] in str(raised.value)
    assert "\n" not in str(raised.value)


def test_no_images_at_all(tmp_path: Path) -> None:
    empty = {NAMES[2]: small(np.zeros((0, 28, 28))), NAMES[3]: small(np.zeros(0))}
    with pytest.raises(BadData, match="no images"):
        load("mnist", write(tmp_path, tiny() | empty))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda packed: packed[: len(packed) // 2], "is cut off"),
        (lambda packed: packed[:-8] + bytes(8), "is damaged or no gzip file: .*CRC"),
        (lambda packed: packed[:10] + b"\xff" * 50 + packed[60:], "is damaged or no gzip file"),
        (lambda packed: b"<html>not here</html>", "is damaged or no gzip file: Not a gzipped file"),
    ],
    ids=["cut", "checksum", "stream", "other"],
)
def test_damaged_gz(tmp_path: Path, damage: object, message: str) -> None:
    write(tmp_path, tiny(), packed=True)
    path = tmp_path / f"{NAMES[0]}.gz"
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(BadData, match=message) as raised:
        load("mnist", tmp_path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_missing_file_is_named_with_what_is_there(tmp_path: Path) -> None:
    write(tmp_path, tiny())
    (tmp_path / NAMES[3]).unlink()
    with pytest.raises(MissingData, match=rf"{NAMES[3]}.gz is missing; its folder has: {NAMES[2]}, {NAMES[0]}"):
        load("mnist", tmp_path)


def test_missing_file_in_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="its folder has: nothing$"):
        load("mnist", tmp_path)


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    write(tmp_path, tiny())
    (tmp_path / NAMES[1]).unlink()
    (tmp_path / NAMES[1]).mkdir()  # even root can't read a folder as a file
    with pytest.raises(BadData, match=rf"{NAMES[1]} can't be read: "):
        load("mnist", tmp_path)


def test_verify_tells_other_content_from_the_published(tmp_path: Path) -> None:
    write(tmp_path, tiny(), packed=True)
    (tmp_path / f"{NAMES[0]}.gz").write_bytes(b"no gzip")
    lines = verify("mnist", tmp_path)
    assert len(lines) == 4
    assert "train-images-idx3-ubyte.gz: expected md5:f68b3c2dcbeaaa9fbdd348bbdeb94873, got md5:" in lines[0]


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_debians_fashion_mnist() -> None:
    dataset = load("fashion-mnist", DEBIAN)
    assert (len(dataset.train.images), len(dataset.test.images), dataset.shape) == (60_000, 10_000, (1, 28, 28))
    assert np.bincount(dataset.train.labels).tolist() == [6000] * 10
    assert np.bincount(dataset.test.labels).tolist() == [1000] * 10
    assert verify("fashion-mnist", DEBIAN) == []


def test_every_error_is_deadheats() -> None:
    assert issubclass(BadData, DeadheatError)
    assert issubclass(MissingData, DeadheatError)
