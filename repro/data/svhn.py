"""Street View House Numbers (Netzer et al. 2011), format 2: cropped 32×32 digits in MATLAB files."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from repro.data.checking import check_labels, checked_split
from repro.data.dataset import Dataset, Split
from repro.data.errors import BadData
from repro.data.fetch.digests import digest_of_contents
from repro.data.formats.reading import first_line, read_file
from repro.data.source import DataFile, Nominal, Source

SIDE, CHANNELS, DIGITS = 32, 3, 10
TRAIN, TEST = "train_32x32.mat", "test_32x32.mat"


def read_svhn(folder: Path) -> Dataset:
    """Read the training and the test part; label 10 in the files is the digit 0."""
    contents = {name: read_file(folder / name) for name in (TRAIN, TEST)}
    train, test = (_split(content, folder / name) for name, content in contents.items())
    return Dataset("svhn", tuple("0123456789"), train, test, digest_of_contents(contents))


def _split(content: bytes, path: Path) -> Split:
    variables = _variables(content, path)
    pixels, labels = variables["X"], variables["y"].ravel()
    if pixels.ndim == 3:  # MATLAB drops a last dimension of one
        pixels = pixels[..., None]
    if pixels.shape[:-1] != (SIDE, SIDE, CHANNELS) or pixels.dtype != np.uint8:
        shape = "×".join(map(str, pixels.shape))
        raise BadData(f"{path}: X is {shape} {pixels.dtype}, expected {SIDE}×{SIDE}×{CHANNELS}×images uint8")
    check_labels(labels, DIGITS, path, first=1)
    images = np.ascontiguousarray(pixels.transpose(3, 2, 0, 1))
    return checked_split(images, labels % DIGITS, DIGITS, path)


def _variables(content: bytes, path: Path) -> dict[str, Any]:
    from scipy.io import loadmat  # slow to import, and only needed here

    try:
        variables: dict[str, Any] = loadmat(BytesIO(content), variable_names=["X", "y"])  # type: ignore[arg-type]
    except Exception as problem:  # a damaged file can raise nearly any exception
        raise BadData(
            f"{path} is cut off, damaged or no MATLAB 5 file: {first_line(problem)}; fetch it again"
        ) from None
    lacking = [name for name in ("X", "y") if name not in variables]
    if lacking:
        raise BadData(f"{path} has no {' and no '.join(lacking)} in it; give format 2, the cropped digits")
    return variables


def _file(name: str, checksum: str) -> DataFile:
    return DataFile(name, f"http://ufldl.stanford.edu/housenumbers/{name}", checksum)


SVHN = Source(
    name="svhn",
    title="SVHN (cropped digits)",
    classes=DIGITS,
    channels=CHANNELS,
    read=read_svhn,
    files=(
        _file(TRAIN, "md5:e26dedcc434d2e4c54c9b2d4a06d8373"),
        _file(TEST, "md5:eb5a983be6a315427106f1b164d9cef3"),
    ),
    places=(),
    install="python -m repro download svhn",
    nominal=Nominal(73_257, 32),
)
