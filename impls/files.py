"""Files that are written whole or not at all, and that a loss of power leaves as they were or as they are meant."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A binary file to write to, which takes the place of `path` at the end; an exception leaves what was there.

    It is written beside `path`, on the same file system, and the disk has it before the name is changed. Two processes
    must not write the same path at once. OSError as from any writing.
    """
    temporary = path.with_name(f".{path.name}.new")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # or its name may outlive a loss of power, and what is in it not
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_names(path.parent)


def sync_names(folder: Path) -> None:
    """Have the disk keep which files are in a folder, where the system can be asked to."""
    with contextlib.suppress(OSError):  # Windows opens no folder, and some file systems sync none
        names = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(names)
        finally:
            os.close(names)
