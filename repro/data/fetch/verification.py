"""Whether a data set on disk is, byte for byte, the published one."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from repro.data.catalogue import load_source
from repro.data.errors import BadData
from repro.data.formats.reading import read_file, unreadable
from repro.data.places import find
from repro.data.source import DataFile, unpacked_path


def verify(name: str, path: Path | None = None) -> list[str]:
    """A line for each file that is not the published one, or that nothing is published about; empty if all are.

    A file that was packed anew (Debian's packages do so) is the published one if what is in it is.
    """
    source, folder = load_source(name), find(name, path)
    if not source.files:
        return [f"{folder}: no checksums are published for {source.title}"]
    return [line for file in source.files for line in _mismatches(folder, file)]


def file_checksum(path: Path, like: str) -> str:
    """A file's checksum by the algorithm of `like` ("md5:…"), written the same way; BadData if it can't be read."""
    algorithm = like.partition(":")[0]
    try:
        with path.open("rb") as file:
            return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
    except OSError as problem:
        raise unreadable(path, problem) from None


def _mismatches(folder: Path, file: DataFile) -> Iterator[str]:
    if not file.is_in(folder):
        yield f"{folder / file.name}: missing"
    elif (folder / file.name).exists():
        yield from _packed_mismatch(folder / file.name, file)
    else:
        for name, checksum in file.contents.items():
            yield from _unpacked_mismatch(unpacked_path(folder, name), checksum, file.name)


def _packed_mismatch(path: Path, file: DataFile) -> Iterator[str]:
    got = file_checksum(path, file.checksum)
    if got != file.checksum and not _same_inside(path, file):
        yield f"{path}: expected {file.checksum}, got {got}"


def _unpacked_mismatch(path: Path, checksum: str, packed: str) -> Iterator[str]:
    if not checksum:
        yield f"{path}: no checksum is published for it, only for {packed}"
    elif (got := file_checksum(path, checksum)) != checksum:
        yield f"{path}: expected {checksum}, got {got}"


def _same_inside(path: Path, file: DataFile) -> bool:
    """Whether a file with one other file in it holds the published one; never true where its checksum is unknown."""
    checksums = list(file.contents.values())
    if len(checksums) != 1 or not checksums[0]:
        return False
    algorithm, _, expected = checksums[0].partition(":")
    with contextlib.suppress(BadData):
        return hashlib.new(algorithm, read_file(path)).hexdigest() == expected
    return False
