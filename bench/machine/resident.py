"""Memory of this process's own, as Linux counts what is resident of it, above what it had when it was first looked at.

Pages that a fork shares with its parent were there before, and are not counted; nor are pages of files, such as
libraries' code, which every process that uses them shares. Where the system does not count, or lets nobody set its
peak back, that is the reason why there is no figure.
"""

from __future__ import annotations

import contextlib
import ctypes
from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
FORGET_PEAK = "5"
"""What clear_refs takes to set the peak back to what is resident now (proc(5))."""
UNKNOWN = "this system does not count a process's peak of resident memory (Linux does, in /proc/self/status)"
FIXED = "this system lets nobody set a process's peak of resident memory back (Linux does, in /proc/self/clear_refs)"


class Resident:
    """From here on: what is resident more, at most."""

    def __init__(self) -> None:
        self._forgets, self._most = True, 0.0
        self._give_back()
        self._before = _own("VmRSS")

    def loaded(self) -> None:
        """Weights have been copied from their files: what counts of that is what is there now, without the files."""
        self._give_back()
        peak = self.peak()
        self._most = peak if isinstance(peak, float) else 0.0

    def forget(self) -> None:
        """Begin a new peak, once what is free has been given back to the system; `peak_of_launch` keeps the old one."""
        peak = self.peak()
        self._most = max(self._most, peak) if isinstance(peak, float) else self._most
        self._give_back()

    def peak(self) -> float | str:
        """Bytes that were resident at most since `forget`, above those at the beginning; or why that is not known.

        Files' pages are taken off as they are now: those that are left are code, and stay.
        """
        peak = _own("VmHWM")
        if self._before is None or peak is None:
            return UNKNOWN
        return float(peak - self._before) if self._forgets and peak >= self._before else FIXED

    def peak_of_launch(self) -> float | str:
        """The same since the beginning, but for the moments of loading."""
        peak = self.peak()
        return max(peak, self._most) if isinstance(peak, float) else peak

    def _give_back(self) -> None:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
        try:
            CLEAR.write_text(FORGET_PEAK)
        except OSError:
            self._forgets = False


def _own(name: str) -> int | None:
    """Bytes of a line of /proc/self/status, such as "VmHWM:  1024 kB", without those of files' pages."""
    try:
        lines = (line.split() for line in STATUS.read_text().splitlines())
        sizes = {fields[0].rstrip(":"): int(fields[1]) * 1024 for fields in lines if fields[-1:] == ["kB"]}
        return sizes[name] - sizes["RssFile"]
    except (OSError, KeyError):
        return None
