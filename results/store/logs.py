"""What launches that failed had printed, kept beside the campaign's records: at most MOST files of KEPT_BYTES each."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = "logs"
MOST = 100
HEAD_BYTES, TAIL_BYTES = 2**14, 2**16 - 2**14
"""Of a longer log its beginning and its end are kept."""


@dataclass
class Logs:
    """The logs of a campaign in `campaign`; nothing is kept where that is None."""

    campaign: Path | None = None
    _names: dict[Path, str] = field(default_factory=dict)

    def keep(self, log: Path) -> str:
        """Copy a log, once; its path below the campaign's folder.

        "" if it is empty, if there is no room for it on the disk, or if MOST are kept already.
        """
        if self.campaign is None:
            return ""
        if log not in self._names:
            with contextlib.suppress(OSError):  # what the record says is kept all the same
                self._names[log] = self._copy(log, self.campaign / FOLDER)
        return self._names.get(log, "")

    def _copy(self, log: Path, folder: Path) -> str:
        text = excerpt(log)
        taken = len(list(folder.glob("*.log")))  # those of a campaign that is gone on with are there, too
        if not text or taken >= MOST:
            return ""
        folder.mkdir(exist_ok=True)
        name = f"{taken + 1:03}-{log.stem}.log"
        (folder / name).write_bytes(text)
        return f"{FOLDER}/{name}"


def excerpt(log: Path) -> bytes:
    """A file's bytes; of a long one the first and the last, with a line between that says how many are left out."""
    with log.open("rb") as file:
        size = log.stat().st_size
        if size <= HEAD_BYTES + TAIL_BYTES:
            return file.read()
        head = file.read(HEAD_BYTES)
        file.seek(size - TAIL_BYTES)
        return b"%s\n[%d bytes left out]\n%s" % (head, size - HEAD_BYTES - TAIL_BYTES, file.read())
