"""Whether this is the only campaign on the machine: two at once are each other's noise."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nobody is asked
    fcntl = None  # type: ignore[assignment]

LOCK = Path(tempfile.gettempdir()) / "deadheat.lock"

CONCURRENT_CAMPAIGN_WARNING = {
    "what": "another campaign was running on this machine when this one began",
    "remedy": "let one finish, then go on with the other: both are slower, and their verdicts wider, than alone",
}


@contextlib.contextmanager
def campaign_lock() -> Iterator[bool]:
    """Whether no other campaign runs, as long as all of them ask; the lock goes with the process that holds it."""
    if fcntl is None:
        yield True
        return
    try:
        file = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:  # another user's, or no room: not worth stopping for
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
