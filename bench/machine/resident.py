"""Resident memory (RSS) of this process and of those that compute for it, relative to when measuring began (Linux).

Pages that a fork shares with its parent are not counted, nor are pages of files, such as libraries' code, which
processes share. If the system does not count, or the peak cannot be reset, the value is missing with that reason.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterable
from pathlib import Path

import psutil

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
STATUS_OF, CLEAR_OF = "/proc/{}/status", "/proc/{}/clear_refs"
FORGET_PEAK = "5"
"""Value for clear_refs that resets the peak to the current RSS (proc(5))."""
UNKNOWN = "this system does not count a process's peak of resident memory (Linux does, in /proc/self/status)"
FIXED = "this system cannot reset a process's peak of resident memory (Linux can, in /proc/self/clear_refs)"


class Resident:
    """Peak of the resident memory added since this object was made."""

    def __init__(self) -> None:
        self._forgets, self._most = True, 0.0
        self._process = psutil.Process()
        self._others: dict[psutil.Process, tuple[Path, Path]] = {}
        self._give_back()
        self._before = _private_bytes("VmRSS")

    def include(self, processes: Iterable[int]) -> None:
        """Count the forks of this process with these ids, too: what each has added since the fork."""
        for process in processes:
            self._others[psutil.Process(process)] = Path(STATUS_OF.format(process)), Path(CLEAR_OF.format(process))

    def loaded(self) -> None:
        """Reset the peak after loading weights, so that copies made while loading do not count."""
        self._give_back()
        peak = self.peak()
        self._most = peak if isinstance(peak, float) else 0.0

    def forget(self) -> None:
        """Return free memory to the system and begin a new peak; `peak_of_launch` keeps the old one."""
        peak = self.peak()
        self._most = max(self._most, peak) if isinstance(peak, float) else self._most
        self._give_back()

    def now(self) -> int:
        """Bytes that are resident now, all that the processes have."""
        return sum(process.memory_info().rss for process in (self._process, *self._others))

    def peak(self) -> float | str:
        """Peak bytes since `forget`, above those at the beginning; or the reason why they are unknown.

        The current number of file pages is subtracted: they are code, and constant.
        """
        peaks = [_private_bytes("VmHWM"), *(_private_bytes("VmHWM", status) for status, _ in self._others.values())]
        if self._before is None or None in peaks:
            return UNKNOWN
        added = [peak - self._before for peak in peaks if peak is not None]
        return float(sum(added)) if self._forgets and min(added) >= 0 else FIXED

    def peak_of_launch(self) -> float | str:
        """The same since the beginning, without the peak of loading."""
        peak = self.peak()
        return max(peak, self._most) if isinstance(peak, float) else peak

    def _give_back(self) -> None:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
        try:
            for file in (CLEAR, *(clear for _, clear in self._others.values())):
                file.write_text(FORGET_PEAK)
        except OSError:
            self._forgets = False


def _private_bytes(name: str, status: Path | None = None) -> int | None:
    """Bytes of a line of a process's status, such as "VmHWM:  1024 kB", without those of files' pages."""
    try:
        lines = (line.split() for line in (status or STATUS).read_text().splitlines())
        sizes = {fields[0].rstrip(":"): int(fields[1]) * 1024 for fields in lines if fields[-1:] == ["kB"]}
        return sizes[name] - sizes["RssFile"]
    except (OSError, KeyError):
        return None
