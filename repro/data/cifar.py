"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) in their binary versions: label bytes, then 3×32×32 pixels, per record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from repro.data.checking import check_labels, checked_split
from repro.data.dataset import Dataset, Split
from repro.data.errors import BadData
from repro.data.fetch.digests import digest_of_contents
from repro.data.formats.reading import read_members
from repro.data.source import DataFile, Nominal, Source

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class BinaryCifar:
    """Reader of one of the two: its archive, its files, and the number of label bytes at the start of a record.

    The last label byte is the one used (CIFAR-100 has the coarse label first); `names` is the file with the
    classes' names, one per line.
    """

    name: str
    archive: DataFile
    train: tuple[str, ...]
    test: tuple[str, ...]
    names: str
    classes: int
    label_bytes: int

    def __call__(self, folder: Path) -> Dataset:
        """Read the data set from its archive in the folder, or from its unpacked files."""
        where, contents = read_members(folder, self.archive)
        names = contents[self.names].decode(errors="replace").split()
        if len(names) != self.classes:
            raise BadData(f"{where / self.names} names {len(names)} classes, expected {self.classes}")
        train, test = (self._split(contents, members, where) for members in (self.train, self.test))
        return Dataset(self.name, tuple(names), train, test, digest_of_contents(contents))

    def _split(self, contents: Mapping[str, bytes], members: tuple[str, ...], where: Path) -> Split:
        records = np.concatenate([self._records(contents[member], where / member) for member in members])
        images = np.ascontiguousarray(records[:, self.label_bytes :]).reshape(-1, *SHAPE)
        return checked_split(images, records[:, self.label_bytes - 1], self.classes, where)

    def _records(self, content: bytes, where: Path) -> np.ndarray:
        length = self.label_bytes + PIXELS
        count = -(-len(content) // length)
        if len(content) != count * length:
            raise BadData(
                f"{where} is cut off or another format: expected {count * length} bytes for {count} records, "
                f"got {len(content)} bytes; fetch it again"
            )
        records = np.frombuffer(content, np.uint8).reshape(count, length)
        check_labels(records[:, self.label_bytes - 1], self.classes, where)
        return records


def _archive(name: str, folder: str, members: tuple[str, ...], checksum: str) -> DataFile:
    contents = {f"{folder}/{member}": "" for member in members}
    return DataFile(name, f"https://www.cs.toronto.edu/~kriz/{name}", checksum, contents)


_TRAIN_10 = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_ARCHIVE_10 = _archive(
    "cifar-10-binary.tar.gz",
    "cifar-10-batches-bin",
    (*_TRAIN_10, "test_batch.bin", "batches.meta.txt"),
    "md5:c32a1d4ab5d03f1284b67883e8d87530",
)
_ARCHIVE_100 = _archive(
    "cifar-100-binary.tar.gz",
    "cifar-100-binary",
    ("train.bin", "test.bin", "fine_label_names.txt"),
    "md5:03b5dce01913d631647c71ecec9e9cb8",
)

CIFAR10 = Source(
    name="cifar10",
    title="CIFAR-10",
    classes=10,
    channels=3,
    read=BinaryCifar("cifar10", _ARCHIVE_10, _TRAIN_10, ("test_batch.bin",), "batches.meta.txt", 10, label_bytes=1),
    files=(_ARCHIVE_10,),
    places=(),
    install="python -m repro download cifar10",
    nominal=Nominal(50_000, 32),
)
CIFAR100 = Source(
    name="cifar100",
    title="CIFAR-100",
    classes=100,
    channels=3,
    read=BinaryCifar(
        "cifar100", _ARCHIVE_100, ("train.bin",), ("test.bin",), "fine_label_names.txt", 100, label_bytes=2
    ),
    files=(_ARCHIVE_100,),
    places=(),
    install="python -m repro download cifar100",
    nominal=Nominal(50_000, 32),
)
