"""Loading of data sets by name."""

from __future__ import annotations

from pathlib import Path

from repro.data.catalogue import load_source
from repro.data.checking import check_dataset
from repro.data.dataset import Dataset
from repro.data.places import find


def load(name: str, path: Path | None = None) -> Dataset:
    """Find (`find`), read and validate the data set `name`; `path` overrides its place.

    UnknownName, MissingData or BadData, each naming the file or the folder.
    """
    source, folder = load_source(name), find(name, path)
    dataset = source.read(folder)
    check_dataset(dataset, source, folder)
    return dataset
