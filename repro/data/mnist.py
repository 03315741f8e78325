"""MNIST (LeCun et al. 1998) and Fashion-MNIST (Xiao et al. 2017): four IDX files each, 28×28, one channel."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from repro.data.checking import checked_split
from repro.data.dataset import Dataset, Split
from repro.data.errors import BadData
from repro.data.fetch.digests import digest_of_contents
from repro.data.formats.idx import parse_idx
from repro.data.formats.reading import read_single
from repro.data.source import DataFile, Source

SIDE = 28
NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
DIGITS = tuple("0123456789")
CLOTHES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)


def read_mnist(folder: Path, name: str, classes: tuple[str, ...], files: tuple[DataFile, ...]) -> Dataset:
    """Read a data set of four IDX files, in the order of NAMES, each as .gz or plain."""
    read = [read_single(folder, file) for file in files]
    train, test = (_split(images, labels, len(classes)) for images, labels in (read[:2], read[2:]))
    contents = {file_name: content for file_name, (_, content) in zip(NAMES, read, strict=True)}
    return Dataset(name, classes, train, test, digest_of_contents(contents))


def _split(images: tuple[Path, bytes], labels: tuple[Path, bytes], classes: int) -> Split:
    path, content = images
    pixels = parse_idx(content, 3, path)
    if pixels.shape[1:] != (SIDE, SIDE):
        raise BadData(f"{path}: images of {pixels.shape[1]}×{pixels.shape[2]}, expected {SIDE}×{SIDE}")
    where, label_content = labels
    return checked_split(pixels[:, None], parse_idx(label_content, 1, where), classes, where)


def _files(base: str, packed: tuple[str, ...], unpacked: tuple[str, ...]) -> tuple[DataFile, ...]:
    return tuple(
        DataFile(f"{name}.gz", f"{base}{name}.gz", f"md5:{outside}", {name: f"md5:{inside}"})
        for name, outside, inside in zip(NAMES, packed, unpacked, strict=True)
    )


MNIST_FILES = _files(
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    packed=(
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
    unpacked=(
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
)
FASHION_FILES = _files(
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    packed=(
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
    unpacked=(
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
)

MNIST = Source(
    name="mnist",
    title="MNIST",
    classes=10,
    channels=1,
    read=partial(read_mnist, name="mnist", classes=DIGITS, files=MNIST_FILES),
    files=MNIST_FILES,
    places=(),
    install="python -m repro download mnist",
)
FASHION_MNIST = Source(
    name="fashion-mnist",
    title="Fashion-MNIST",
    classes=10,
    channels=1,
    read=partial(read_mnist, name="fashion-mnist", classes=CLOTHES, files=FASHION_FILES),
    files=FASHION_FILES,
    places=("/usr/share/datasets/fashion-mnist", "~/.keras/datasets/fashion-mnist"),
    install="apt install dataset-fashion-mnist, or python -m repro download fashion-mnist",
)
