"""The temporary folder of a launcher: locked while in use, removed by the next launcher if its owner was killed."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from impls.errors import DeadheatError

PREFIX, LOCK = "deadheat-launches-", "lock"
"""Prefix of a launcher's folder, and the name of its lock file."""


@contextlib.contextmanager
def disk_errors_as_user_errors(what: str, folder: Path) -> Iterator[None]:
    """Turn an OSError while writing `what` to a temporary folder (full, removed) into a DeadheatError of one line."""
    try:
        yield
    except OSError as problem:
        raise DeadheatError(
            f"{what} can't be written to {folder}: {problem.strerror or problem}; "
            "free disk space, or set TMPDIR to another folder"
        ) from None


def remove_stale_scratch() -> None:
    """Remove the folders of killed launchers, which hold hundreds of megabytes of weights each."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError), (folder / LOCK).open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # its owner holds the lock until it exits
            shutil.rmtree(folder, ignore_errors=True)


def locked_folder() -> tuple[tempfile.TemporaryDirectory[str], IO[bytes]]:
    """A new folder and its lock; retried if another launcher removed the folder before it was locked."""
    while True:
        with disk_errors_as_user_errors("launches", Path(tempfile.gettempdir())), contextlib.ExitStack() as undo:
            folder = tempfile.TemporaryDirectory(prefix=PREFIX)
            undo.callback(folder.cleanup)
            lock = Path(folder.name, LOCK).open("wb")  # noqa: SIM115 - held as long as the launcher lives
            undo.pop_all()
        fcntl.flock(lock, fcntl.LOCK_EX)
        if Path(folder.name, LOCK).exists():
            return folder, lock
        lock.close()
