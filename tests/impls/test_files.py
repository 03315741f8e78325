"""A file is written whole or not at all, by every writer of one that is read again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from impls.files import whole_file
from reports.pages import document
from repro.training import checkpoint
from results.store import pictures
from results.store.campaigns import CampaignWriter

BEFORE = b"before"


def journal(path: Path) -> None:
    writer = object.__new__(CampaignWriter)
    writer.folder = path.parent
    writer.replace_file(path.name, "after")


WRITERS: dict[str, Callable[[Path], object]] = {
    "a journal's file": journal,
    "pictures": lambda path: pictures.write(path, pictures.Pictures()),
    "a checkpoint": lambda path: checkpoint.write(path, checkpoint.State({}, {}, {})),
    "a page": lambda path: document.write("<p>", path),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_the_disk_has_a_file_before_it_takes_the_others_place(write, tmp_path, monkeypatch):
    path, seen = tmp_path / "file", []
    path.write_bytes(BEFORE)
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(path.read_bytes()))
    write(path)
    assert len(seen) == 2, "the file, and the names in its folder"
    assert seen[0] == BEFORE
    assert seen[1] == path.read_bytes() != BEFORE
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_disk_that_is_full_leaves_what_was_there(write, tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    path.write_bytes(BEFORE)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(path)
    assert path.read_bytes() == BEFORE
    assert os.listdir(tmp_path) == [path.name]


def test_whatever_ends_the_writing_leaves_what_was_there(tmp_path: Path) -> None:
    def write() -> None:
        with whole_file(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    path = tmp_path / "file"
    path.write_bytes(BEFORE)
    with pytest.raises(KeyboardInterrupt):
        write()
    assert path.read_bytes() == BEFORE
    assert os.listdir(tmp_path) == [path.name]
