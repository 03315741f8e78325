"""Campaign lock of the machine: concurrent campaigns disturb each other's times."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: no lock
    fcntl = None  # type: ignore[assignment]

LOCK = Path(tempfile.gettempdir()) / "deadheat.lock"

CONCURRENT_CAMPAIGN_WARNING = {
    "what": "another campaign was running on this machine when this one started",
    "remedy": "let one finish, then resume the other: concurrent campaigns are slower and their intervals wider",
}


@contextlib.contextmanager
def campaign_lock() -> Iterator[bool]:
    """Hold the lock; yields whether no other campaign holds it. It is released when the process ends."""
    if fcntl is None:
        yield True
        return
    try:
        file = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:  # another user's file, or a full disk: no reason to stop
        yield True
        return
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = True
        except OSError:
            free = False
        yield free
    finally:
        os.close(file)
