"""Descriptions of data sets: what they are, which files they consist of, who reads them and what brings them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from repro.data.dataset import Dataset


@dataclass(frozen=True)
class DataFile:
    """A file as it is published, at `url`, with a checksum written "md5:…" or "sha256:…".

    `contents` are the files that it unpacks to, with their checksums ("" where none is known); a folder with all of
    them needs the packed file no longer.
    """

    name: str
    url: str
    checksum: str
    contents: Mapping[str, str] = field(default_factory=dict)

    def is_in(self, folder: Path) -> bool:
        """Whether the folder has the file, packed or unpacked."""
        unpacked = bool(self.contents) and all(unpacked_path(folder, name).exists() for name in self.contents)
        return unpacked or (folder / self.name).exists()


@dataclass(frozen=True)
class Source:
    """A data set that can be asked for by name.

    `classes` is None where the folder decides; `read` takes the folder; `files` is empty where nothing can be
    downloaded; `places` are folders where systems put the files ("~" is the user's own); `install` says what brings it.
    """

    name: str
    title: str
    classes: int | None
    channels: int
    read: Callable[[Path], Dataset]
    files: tuple[DataFile, ...]
    places: tuple[str, ...]
    install: str

    def missing_from(self, folder: Path) -> list[str]:
        """Names of the files that a folder would need to be complete."""
        return [file.name for file in self.files if not file.is_in(folder)]


def unpacked_path(folder: Path, name: str) -> Path:
    """Where an archive's file `name` is below `folder`, which may be the archive's own top folder."""
    below = folder / name
    return below if below.parent.is_dir() else folder / PurePosixPath(name).name
