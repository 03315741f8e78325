"""Image files of a user's folder: which are read, their headers, and reasons for files that cannot be read.

Shared by benchmarks, which read sizes, and the reproduction, which reads pixels.
"""

from __future__ import annotations

import functools
import importlib
import os
import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from impls.errors import InvalidInput
from impls.layers import Pair

NO_IMAGES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini"})
"""Names, in lower case, of files that operating systems add to folders."""
TEXTS = frozenset({".txt", ".md", ".rst", ".html", ".csv", ".tsv", ".json", ".xml", ".xmp", ".aae", ".yaml", ".yml"})
"""Suffixes of files that describe images."""
NO_DECODER = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"})
"""Pillow's formats that need other programs, or of which it reads only the header."""

HEIC = "HEIC: install pillow-heif, or convert it to JPEG or PNG"
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
RAW = "a camera's raw file, of which only the preview would be read: convert it to JPEG, PNG or TIFF"
RAW_SUFFIXES = frozenset({".arw", ".cr2", ".cr3", ".dng", ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".srw"})
DRAWING = "a drawing, which has no pixels: convert it to PNG"
UNREAD = {
    **dict.fromkeys((".heic", ".heif", ".hif"), HEIC),
    **dict.fromkeys((".svg", ".eps", ".ps", ".pdf", ".wmf", ".emf"), DRAWING),
    ".jxl": "JPEG XL: convert it to JPEG or PNG",
    ".avif": "AVIF, damaged or without support in this Pillow: convert it to JPEG or PNG",
}
"""Why Pillow cannot read a file, by its suffix in lower case."""

BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, ArithmeticError, struct.error, zlib.error,
    Image.DecompressionBombError,
)  # fmt: skip
"""Exceptions of Pillow for damaged files."""
ON_ITS_SIDE = frozenset({5, 6, 7, 8})
"""Values of Exif's orientation that swap height and width."""
NAMED = 3  # files listed per reason in a message


def is_hidden(name: str) -> bool:
    """Whether a file or folder of that name is hidden, by the convention of a leading dot."""
    return name.startswith(".")


def is_passed_over(name: str) -> bool:
    """Whether a file is ignored without a message, by its name: hidden, in NO_IMAGES or TEXTS."""
    lower = name.lower()
    return is_hidden(lower) or lower in NO_IMAGES or os.path.splitext(lower)[1] in TEXTS


@contextmanager
def opened(path: str | Path) -> Iterator[ImageFile]:
    """Open an image file, recognised by content, not by suffix; of several frames or pages, the first.

    InvalidInput with the reason, without the path, if it can't be read; also for errors of Pillow inside the block,
    where the image is decoded. Pillow's warnings there (damaged Exif, very many pixels) are not shown.
    """
    suffix = os.path.splitext(path)[1].lower()
    if not os.path.isfile(path):
        raise InvalidInput("not a regular file" if os.path.exists(path) else "no such file (a broken link?)")
    if suffix in RAW_SUFFIXES:
        raise InvalidInput(RAW)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=_formats()) as image:
                if 0 in image.size:
                    raise ValueError(f"its size is {image.width}x{image.height}")
                yield image
    except UnidentifiedImageError:
        reason = HEIC if _is_heic(path) else UNREAD.get(suffix, "not an image in a format that Pillow reads")
        raise InvalidInput(reason) from None
    except Image.DecompressionBombError:
        raise InvalidInput(f"more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels: scale it down") from None
    except BROKEN as problem:
        raise InvalidInput(_text(problem)) from None


def orientation(image: Image.Image) -> int:
    """Exif's orientation of an opened image, 1 to 8, from its header alone; 1 (upright) if it cannot be read."""
    if image.format == "TIFF":
        return 1  # Pillow rotates these itself: their size is already the upright one
    try:
        value = Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)  # PNG's own getexif() decodes the image
    except (*BROKEN, TypeError, AttributeError):
        return 1
    return value if value in range(1, 9) else 1


def upright_size(image: Image.Image) -> Pair:
    """(height, width) in pixels of an opened image, turned as its header says."""
    return image.size if orientation(image) in ON_ITS_SIDE else (image.height, image.width)


def describe_reasons(reasons: Mapping[str, str]) -> str:
    """Reasons by file as one line: every reason once, with the first files that have it and the number of others."""
    files: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        files.setdefault(reason, []).append(name)
    return "; ".join(f"{named(names)}: {reason}" for reason, names in files.items())


def named(names: list[str]) -> str:
    """The first of the names, and the number of others."""
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


@functools.cache
def _formats() -> tuple[str, ...]:
    Image.init()
    with suppress(ImportError):  # not installed: opened() names the files that need it
        importlib.import_module("pillow_heif").register_heif_opener()
    return tuple(name for name in Image.ID if name not in NO_DECODER)


def _is_heic(path: str | Path) -> bool:
    with open(path, "rb") as file:
        head = file.read(12)
    return head[4:8] == b"ftyp" and head[8:] in HEIC_BRANDS


def _text(problem: Exception) -> str:
    """The first line of an error's message, without the path that the system's errors repeat."""
    text = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
    return text.strip().partition("\n")[0] or type(problem).__name__
