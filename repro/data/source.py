"""Sources: descriptions of data sets with their files, reader and installation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from repro.data.dataset import Dataset


@dataclass(frozen=True)
class DataFile:
    """A published file at `url`, with a checksum "md5:…" or "sha256:…".

    `contents`: the files that it unpacks to, with their checksums ("" if unknown); a folder with all of them does not
    need the packed file. `unpacks`: an archive of files that are read one by one, so it is of no use packed; `inner`:
    the archive within it that holds them.
    """

    name: str
    url: str
    checksum: str
    contents: Mapping[str, str] = field(default_factory=dict)
    unpacks: bool = False
    inner: str = ""

    def is_in(self, folder: Path) -> bool:
        """Whether the folder has the file as it can be read: unpacked, or packed."""
        unpacked = bool(self.contents) and all(unpacked_path(folder, name).exists() for name in self.contents)
        return unpacked or (not self.unpacks and (folder / self.name).exists())


@dataclass(frozen=True)
class Nominal:
    """What a data set is like where it is not at hand: number of training images, side of an image, classes."""

    images: int
    side: int
    classes: int = 0


@dataclass(frozen=True)
class Source:
    """A data set with a name.

    `classes`: None if the folder decides; `read`: takes the folder; `files`: empty if nothing can be downloaded;
    `places`: folders where systems put the files ("~": the home folder); `install`: how to get it; `nominal`: for
    estimates of what a training takes (`classes`: those of the published data set, where the folder decides).
    """

    name: str
    title: str
    classes: int | None
    channels: int
    read: Callable[[Path], Dataset]
    files: tuple[DataFile, ...]
    places: tuple[str, ...]
    install: str
    nominal: Nominal = Nominal(60_000, 28)

    def missing_from(self, folder: Path) -> list[str]:
        """Names of the files that a folder lacks."""
        return [file.name for file in self.files if not file.is_in(folder)]


def unpacked_path(folder: Path, name: str) -> Path:
    """Path of an archive's file `name` below `folder`, which may be the archive's top folder."""
    below = folder / name
    return below if below.parent.is_dir() else folder / PurePosixPath(name).name
