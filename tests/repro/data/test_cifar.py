"""The two binary CIFARs, from their archives and from unpacked folders."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from repro.data import BadData, MissingData, available, load, load_source, verify

NAMES = {10: "batches.meta.txt", 100: "fine_label_names.txt"}
FOLDERS = {10: "cifar-10-batches-bin", 100: "cifar-100-binary"}


def records(labels: np.ndarray, coarse: bool) -> bytes:
    """A record for each label; its pixels are all its number, its first pixel is 200."""
    pixels = np.repeat(np.arange(len(labels), dtype=np.uint8)[:, None], 3072, axis=1)
    pixels[:, 0] = 200
    columns = [np.full_like(labels, 255)[:, None]] if coarse else []
    return np.concatenate([*columns, labels[:, None], pixels], axis=1).astype(np.uint8).tobytes()


def tiny(classes: int) -> dict[str, bytes]:
    """The files of CIFAR-10 (five batches of two) or CIFAR-100 (two images), with ten test images."""
    parts = [f"data_batch_{number}.bin" for number in range(1, 6)] if classes == 10 else ["train.bin"]
    two, ten = np.array([1, classes - 1]), np.arange(10)
    names = "\n".join(f"class{number}" for number in range(classes)) + "\n\n"
    return {
        **{part: records(two, classes == 100) for part in parts},
        ("test_batch.bin" if classes == 10 else "test.bin"): records(ten, classes == 100),
        NAMES[classes]: names.encode(),
    }


def write_archive(folder: Path, classes: int, files: dict[str, bytes]) -> Path:
    path = folder / f"cifar-{classes}-binary.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{FOLDERS[classes]}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("classes", [10, 100])
def test_archive_and_folder_are_the_same_data_set(tmp_path: Path, classes: int) -> None:
    name = f"cifar{classes}"
    packed, unpacked = tmp_path / "packed", tmp_path / "unpacked"
    packed.mkdir()
    write_archive(packed, classes, tiny(classes))
    unpacked.mkdir()
    inside = write_folder(unpacked / FOLDERS[classes], tiny(classes))
    datasets = [load(name, folder) for folder in (packed, unpacked, inside)]
    assert len({dataset.digest for dataset in datasets}) == 1
    assert all(available(name, folder) for folder in (packed, unpacked, inside))
    for dataset in datasets:
        assert dataset.shape == (3, 32, 32)
        assert dataset.classes == tuple(f"class{number}" for number in range(classes))
        assert dataset.train.labels.tolist() == [1, classes - 1] * (5 if classes == 10 else 1)
        assert dataset.test.labels.tolist() == list(range(10))
        image = dataset.test.images[np.array([7])][0]
        assert image[0, 0, 0] == 200
        assert (image.reshape(-1)[1:] == 7).all()


def test_members_that_lead_elsewhere_write_nothing(tmp_path: Path) -> None:
    inside = tmp_path / "data"
    inside.mkdir()
    with tarfile.open(write_archive(inside, 10, tiny(10)), "w:gz") as archive:
        for name, content in tiny(10).items():
            member = tarfile.TarInfo(f"../../{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("elsewhere/data_batch_1.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert load("cifar10", inside).train.labels.size == 10
    assert [found.name for found in tmp_path.rglob("*")] == ["data", "cifar-10-binary.tar.gz"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data_batch_3.bin", tiny(10)["data_batch_3.bin"][:-7], r"data_batch_3.bin is cut off .* expected 6146 bytes"),
        ("test_batch.bin", b"", r"test_batch.bin: no images"),
        ("data_batch_2.bin", records(np.array([3, 10]), False), r"data_batch_2.bin: the wrong classes: labels from 3"),
        ("batches.meta.txt", b"one\ntwo\n", r"batches.meta.txt names 2 classes, expected 10"),
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
def test_bad_file_is_named(tmp_path: Path, name: str, content: bytes, message: str, packed: bool) -> None:
    files = tiny(10) | {name: content}
    write_archive(tmp_path, 10, files) if packed else write_folder(tmp_path, files)
    with pytest.raises(BadData, match=message) as raised:
        load("cifar10", tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("part", [0, 0.01, 0.5, 0.99])
def test_archive_that_is_cut_off(tmp_path: Path, part: float) -> None:
    path = write_archive(tmp_path, 10, tiny(10))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(BadData, match="is cut off, damaged or no archive") as raised:
        load("cifar10", tmp_path)
    assert "\n" not in str(raised.value)


def test_archive_of_something_else(tmp_path: Path) -> None:
    write_archive(tmp_path, 10, {"readme.html": b"hello"})
    with pytest.raises(BadData, match=r"cifar-10-binary.tar.gz has no data_batch_1.bin, .* in it"):
        load("cifar10", tmp_path)


def test_archive_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-binary.tar.gz").mkdir()
    with pytest.raises(BadData, match="can't be read"):
        load("cifar10", tmp_path)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"cifar-10-binary.tar.gz is missing; its folder has: nothing"):
        load("cifar10", tmp_path)
    write_folder(tmp_path, tiny(10))
    (tmp_path / "data_batch_4.bin").unlink()
    with pytest.raises(MissingData, match=r"data_batch_4.bin is missing; its folder has: batches.meta.txt, data_batch"):
        load("cifar10", tmp_path)
    assert not available("cifar10", tmp_path)


def test_verify_says_what_has_no_checksum(tmp_path: Path) -> None:
    write_folder(tmp_path, tiny(100))
    lines = verify("cifar100", tmp_path)
    assert len(lines) == 3
    assert all("no checksum is published for it, only for cifar-100-binary.tar.gz" in line for line in lines)


def test_checksums_are_the_archives() -> None:
    assert load_source("cifar10").files[0].url == "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
    assert load_source("cifar100").files[0].checksum == "md5:03b5dce01913d631647c71ecec9e9cb8"
