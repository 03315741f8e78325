"""Which data sets there are, and where they are looked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pooch
import pytest

from impls.errors import UnknownName
from repro.data import (
    BadData,
    DataFile,
    Dataset,
    MissingData,
    Source,
    Split,
    available,
    catalogue,
    find,
    load,
    load_source,
    sources,
    verify,
)
from repro.data.places import download_folder

MD5_OF_HELLO = "md5:5d41402abc4b2a76b9719d911017c592"


def dataset(shape: tuple[int, ...] = (1, 4, 4), test: tuple[int, ...] | None = None, classes: int = 2) -> Dataset:
    labels = np.zeros(3, np.int32)
    parts = [Split(np.zeros((3, *part), np.uint8), labels) for part in (shape, test or shape)]
    return Dataset("made-up", tuple(map(str, range(classes))), *parts, digest="")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    """A data set of two files that is known for one test; the user's cache and variable are the test's own."""
    files = tuple(
        DataFile(f"{name}.gz", f"http://127.0.0.1:9/{name}.gz", "md5:0", {name: MD5_OF_HELLO}) for name in ("a", "b")
    )
    made = Source(
        name="made-up",
        title="Made Up",
        classes=2,
        channels=1,
        read=lambda folder: dataset(),
        files=files,
        places=(str(tmp_path / "system"),),
        install="apt install made-up",
    )
    monkeypatch.setattr(catalogue, "sources", lambda: {"made-up": made})
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.delenv("DEADHEAT_DATA", raising=False)
    return made


def fill(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("hello")
    return folder


def test_the_eight_are_known() -> None:
    names = ["caltech101", "cifar10", "cifar100", "fashion-mnist", "imagenet", "imagenette128", "mnist", "svhn"]
    assert sorted(sources()) == names
    for name, found in sources().items():
        assert found.name == name
        assert found.install
        assert all(file.checksum.startswith("md5:") and len(file.checksum) == 36 for file in found.files)


def test_unknown_name_gets_the_nearest() -> None:
    for ask in (load_source, find, available, load, verify):
        with pytest.raises(UnknownName, match=r"unknown data set 'fashion_mnist': did you mean 'fashion-mnist'\?"):
            ask("fashion_mnist")


def test_given_folder_comes_first(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEADHEAT_DATA", str(tmp_path / "variable"))
    given = fill(tmp_path / "given")
    variable = fill(tmp_path / "variable" / "made-up")
    system = fill(tmp_path / "system", "a.gz", "b")
    assert find("made-up", given) == given
    assert find("made-up") == variable
    monkeypatch.delenv("DEADHEAT_DATA")
    assert find("made-up") == system


def test_downloads_come_last_and_only_if_complete(source: Source, tmp_path: Path) -> None:
    folder = fill(download_folder("made-up"), "a.gz")
    assert not available("made-up")
    with pytest.raises(MissingData) as raised:
        find("made-up")
    assert str(raised.value) == (
        f"Made Up is not here: looked in {tmp_path / 'system'}, {folder} (lacks b.gz); apt install made-up, "
        "or give its folder with --data made-up=PATH"
    )
    fill(folder, "b.gz")
    assert find("made-up") == folder
    assert available("made-up")


def test_given_folder_must_exist(source: Source, tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"^Made Up: '.*nowhere' is no folder; .*--data made-up=PATH.*apt install"):
        find("made-up", tmp_path / "nowhere")
    assert not available("made-up", tmp_path / "nowhere")


def test_an_archive_in_place_of_a_folder_is_to_be_unpacked(source: Source, tmp_path: Path) -> None:
    fill(tmp_path, "made-up.tar")
    with pytest.raises(MissingData, match=r"^Made Up: '.*made-up.tar' is a file, and a folder is read; unpack it"):
        find("made-up", tmp_path / "made-up.tar")


def test_given_folder_that_lacks_files_is_found_and_not_available(source: Source, tmp_path: Path) -> None:
    assert find("made-up", tmp_path) == tmp_path
    assert not available("made-up", tmp_path)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (dataset((3, 4, 4)), "images of 3 channels, expected 1 for Made Up"),
        (dataset(classes=3), "3 classes, expected 2 for Made Up"),
        (dataset((1, 4, 4), (1, 5, 4)), "training images are 1×4×4, test images are 1×5×4"),
    ],
)
def test_data_set_must_be_what_its_source_says(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Dataset, message: str
) -> None:
    other = replace(source, read=lambda folder: made)
    monkeypatch.setattr(catalogue, "sources", lambda: {"made-up": other})
    with pytest.raises(BadData, match=f"^{tmp_path}: {message}"):
        load("made-up", tmp_path)


def test_load_reads_the_folder_that_was_found(source: Source, tmp_path: Path) -> None:
    assert load("made-up", tmp_path).shape == (1, 4, 4)


def test_verify_compares_each_file(source: Source, tmp_path: Path) -> None:
    fill(tmp_path, "a")
    assert verify("made-up", tmp_path) == [f"{tmp_path / 'b.gz'}: missing"]
    (tmp_path / "b").write_text("other")
    assert verify("made-up", tmp_path) == [
        f"{tmp_path / 'b'}: expected {MD5_OF_HELLO}, got md5:795f3202b17cb6bc3d4b771d8c6c9eaf"
    ]


def test_verify_of_what_has_no_checksums(tmp_path: Path) -> None:
    assert verify("imagenet", tmp_path) == [f"{tmp_path}: no checksums are published for ImageNet (ILSVRC)"]
