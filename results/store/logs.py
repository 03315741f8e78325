"""Logs of failed launches, stored beside the campaign's records: at most MOST files of KEPT_BYTES each."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = "logs"
MOST = 100
HEAD_BYTES, TAIL_BYTES = 2**14, 2**16 - 2**14
"""Of a longer log, the beginning and the end are stored."""


@dataclass
class Logs:
    """The logs of the campaign in `campaign`; none are stored if that is None."""

    campaign: Path | None = None
    _names: dict[Path, str] = field(default_factory=dict)

    def keep(self, log: Path) -> str:
        """Copy a log, once; return its path relative to the campaign's folder.

        "" if it is empty, if the disk is full, or if MOST are stored already.
        """
        if self.campaign is None:
            return ""
        if log not in self._names:
            with contextlib.suppress(OSError):  # the record is stored nevertheless
                self._names[log] = self._copy(log, self.campaign / FOLDER)
        return self._names.get(log, "")

    def _copy(self, log: Path, folder: Path) -> str:
        text = excerpt(log)
        taken = len(list(folder.glob("*.log")))  # includes those of a resumed campaign
        if not text or taken >= MOST:
            return ""
        folder.mkdir(exist_ok=True)
        name = f"{taken + 1:03}-{log.stem}.log"
        (folder / name).write_bytes(text)
        return f"{FOLDER}/{name}"


def excerpt(log: Path) -> bytes:
    """A file's bytes; of a long file the first and last bytes, with a line that states how many are left out."""
    with log.open("rb") as file:
        size = log.stat().st_size
        if size <= HEAD_BYTES + TAIL_BYTES:
            return file.read()
        head = file.read(HEAD_BYTES)
        file.seek(size - TAIL_BYTES)
        return b"%s\n[%d bytes left out]\n%s" % (head, size - HEAD_BYTES - TAIL_BYTES, file.read())
