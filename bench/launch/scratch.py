"""The temporary folder of a launcher: locked while it lives, removed by the next launcher if it was killed."""

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
"""Of a launcher's folder, and the file in it that its launcher has locked."""


@contextlib.contextmanager
def disk_errors_as_user_errors(what: str, folder: Path) -> Iterator[None]:
    """While something is written to a temporary folder: DeadheatError, one line, if that is full, or gone."""
    try:
        yield
    except OSError as problem:
        raise DeadheatError(
            f"{what} can't be written to {folder}: {problem.strerror or problem}; "
            "make room, or name another folder with the environment variable TMPDIR"
        ) from None


def sweep() -> None:
    """Remove what launchers that were killed have left: hundreds of megabytes of weights each."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError), (folder / LOCK).open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # its owner holds it as long as it lives
            shutil.rmtree(folder, ignore_errors=True)


def locked_folder() -> tuple[tempfile.TemporaryDirectory[str], IO[bytes]]:
    """A folder, and its lock; another one if somebody who swept took it before it was locked."""
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
