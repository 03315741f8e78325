"""Image data sets: which there are, where they lie, how they are read, fetched and checked.

A data set is a file of this folder that defines a `Source`; packages from outside add theirs through the entry points
of "deadheat.datasets".
"""

from repro.data.catalogue import load_source, sources
from repro.data.dataset import Dataset, Images, Split
from repro.data.downloads import download
from repro.data.errors import BadData, DownloadFailed, MissingData
from repro.data.loading import load
from repro.data.places import available, find
from repro.data.source import DataFile, Source
from repro.data.verification import verify

__all__ = [
    "BadData",
    "DataFile",
    "Dataset",
    "DownloadFailed",
    "Images",
    "MissingData",
    "Source",
    "Split",
    "available",
    "download",
    "find",
    "load",
    "load_source",
    "sources",
    "verify",
]
