"""Image data sets: their sources, places, reading, download and validation.

A data set is a file of this folder that defines a `Source`; other packages add theirs through the entry-point group
"deadheat.datasets".
"""

from typing import TYPE_CHECKING

from impls.lazy import lazily
from repro.data.catalogue import load_source, sources
from repro.data.checking import checked_split
from repro.data.dataset import Dataset, Images, Split
from repro.data.errors import BadData, DownloadFailed, MissingData
from repro.data.fetch.digests import digest_of_contents
from repro.data.fetch.downloads import download
from repro.data.fetch.verification import verify
from repro.data.formats.reading import read_file
from repro.data.loading import load
from repro.data.places import available, find
from repro.data.source import DataFile, Nominal, Source

if TYPE_CHECKING:
    from repro.data.images.decode import decode_image

__all__ = [
    "BadData",
    "DataFile",
    "Dataset",
    "DownloadFailed",
    "Images",
    "MissingData",
    "Nominal",
    "Source",
    "Split",
    "available",
    "checked_split",
    "decode_image",
    "digest_of_contents",
    "download",
    "find",
    "load",
    "load_source",
    "read_file",
    "sources",
    "verify",
]

__getattr__ = lazily(
    __name__, {"repro.data.images.decode": ("decode_image",)}
)  # Pillow, of which few data sets have need
