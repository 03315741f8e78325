"""Folders of image files, train/CLASS/* and val/CLASS/*, or CLASS/* without a split; decoded on access."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from impls.errors import InvalidInput
from impls.images import describe_reasons, is_hidden, is_passed_over, named
from repro.data.checking import checked_split
from repro.data.dataset import Dataset, Split
from repro.data.errors import BadData
from repro.data.fetch.digests import digest_of_sizes
from repro.data.formats.reading import missing, unreadable
from repro.data.images.decode import check_header, decode_image

TRAIN, TEST = "train", "val"


@dataclass(frozen=True)
class FolderImages:
    """Images in files: the shorter side scaled to `size`, the central `size`×`size` of it, RGB (AlexNet, sect. 2).

    Other contents of files: see repro/data/images/decode.py.
    """

    files: tuple[str, ...]
    size: int

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: npt.NDArray[np.integer[Any]], /) -> np.ndarray:
        """Decode the images of an index array, uint8 (k, 3, size, size); BadData names an undecodable file."""
        images = np.empty((len(index), 3, self.size, self.size), np.uint8)
        for image, position in zip(images, index, strict=True):
            square = ImageOps.fit(decode_image(self.files[position]), (self.size, self.size), Image.Resampling.BILINEAR)
            image[:] = np.asarray(square).transpose(2, 0, 1)
        return images


def read_image_folder(folder: Path, name: str, size: int) -> Dataset:
    """Read the data set in train/ and val/ of the folder, classes sorted by their folders' names.

    Headers are read, nothing is decoded; hidden files and those of `is_passed_over` are ignored. BadData
    if the two have different classes, a class has no images, or files can't be decoded (with every reason).
    """
    classes = _class_names(folder / TRAIN)
    others = _class_names(folder / TEST)
    if classes != others:
        differ = sorted(set(classes) ^ set(others))
        raise BadData(
            f"{folder}: {TRAIN}/ has {len(classes)} classes and {TEST}/ has {len(others)}, and they differ in "
            f"{len(differ)}: {named(differ)}"
        )
    train, test = ([_files(folder / part / class_name) for class_name in classes] for part in (TRAIN, TEST))
    return _dataset(name, folder, size, classes, train, test)


def read_class_folders(
    folder: Path, name: str, size: int, trained: int, tested: int, without: Collection[str] = ()
) -> Dataset:
    """Read a data set that is published without a split, a folder for each class, but those named `without`.

    The first `trained` images of each class, by name, are for training, and the next `tested` for testing. Errors as
    of `read_image_folder`, and for a class with too few images.
    """
    classes = [class_name for class_name in _class_names(folder) if class_name not in without]
    files = {class_name: _files(folder / class_name) for class_name in classes}
    if few := [class_name for class_name, found in files.items() if len(found) <= trained]:
        raise BadData(
            f"{folder}: {len(few)} classes have no more than {trained} images, all of which are trained on: "
            f"{named(few)}"
        )
    train = [found[:trained] for found in files.values()]
    test = [found[trained : trained + tested] for found in files.values()]
    return _dataset(name, folder, size, classes, train, test)


def _dataset(
    name: str, folder: Path, size: int, classes: Sequence[str], train: list[list[str]], test: list[list[str]]
) -> Dataset:
    """The data set of the files of each class."""
    files = [file for part in (train, test) for found in part for file in found]
    _refuse_broken(files)
    sizes = ((Path(file).relative_to(folder).as_posix(), os.path.getsize(file)) for file in files)
    first, second = (_split(part, size, folder) for part in (train, test))
    return Dataset(name, tuple(classes), first, second, digest_of_sizes(sizes))


def _class_names(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise missing(folder)
    names = sorted(entry.name for entry in _listing(folder) if entry.is_dir())
    if not names:
        raise BadData(f"{folder}: no folders of classes; images are expected at {folder.name}/CLASS/FILE")
    return names


def _files(folder: Path) -> list[str]:
    files = sorted(entry.path for entry in _listing(folder) if not entry.is_dir() and not is_passed_over(entry.name))
    if not files:
        raise BadData(f"{folder}: no images; remove the class from both {TRAIN}/ and {TEST}/, or add images")
    return files


def _listing(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not is_hidden(entry.name)]
    except OSError as problem:
        raise unreadable(folder, problem) from None


def _refuse_broken(files: list[str]) -> None:
    broken: dict[str, str] = {}
    for file in files:
        try:
            check_header(file)
        except InvalidInput as problem:
            broken[file] = str(problem)
    if broken:
        raise BadData(
            f"{len(broken)} of {len(files)} files can't be used: {describe_reasons(broken)}; repair or remove them"
        )


def _split(files: list[list[str]], size: int, where: Path) -> Split:
    labels = np.repeat(np.arange(len(files)), [len(class_files) for class_files in files])
    images = FolderImages(tuple(file for class_files in files for file in class_files), size)
    return checked_split(images, labels, len(files), where)
