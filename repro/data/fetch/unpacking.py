"""Unpacking of downloaded archives of files that are read one by one."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path

from repro.data.errors import DownloadFailed
from repro.data.source import DataFile

DAMAGED = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error)


def unpack(file: DataFile, folder: Path) -> None:
    """Unpack a downloaded archive in its folder; DownloadFailed if it can't be.

    What it holds appears at once, whole. Members outside of the folder are refused. The archive stays, as its checksum
    is the one that is published.
    """
    archive = folder / file.name
    if not hasattr(tarfile, "data_filter"):
        raise DownloadFailed(f"{archive} needs Python 3.11.4 to be unpacked safely; update Python, or unpack it there")
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unpacking-") as temporary:
            below = _unpacked(archive, Path(temporary) / "outer")
            if file.inner:
                below = _unpacked(below / file.inner, Path(temporary) / "inner")
            for top in sorted(below.iterdir()):
                shutil.rmtree(folder / top.name, ignore_errors=True)  # part of it, of an earlier program
                shutil.move(top, folder / top.name)
    except (*DAMAGED, OSError) as problem:
        reason = str(problem).partition("\n")[0] or type(problem).__name__
        raise DownloadFailed(f"{archive} can't be unpacked: {reason}; remove it and download it again") from None


def _unpacked(archive: Path, folder: Path) -> Path:
    """The folder, with what is in the archive."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            outside = [name for name in packed.namelist() if name.startswith("/") or ".." in Path(name).parts]
            if outside:
                raise zipfile.BadZipFile(f"{outside[0]!r} is outside of its folder")
            packed.extractall(folder)
    else:
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
    return folder
