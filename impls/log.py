"""What a process has written: the words of its log that say why it ended."""

from __future__ import annotations

import re
from pathlib import Path

from impls.errors import headline

TAIL_BYTES = 16384
TRACEBACK = "Traceback (most recent call last):"
FATAL = re.compile(r"^(Fatal Python error: |terminate called )")
"""How the interpreter, and the runtime of C++, begin to say why they end the process."""


def last_log_line(log: Path) -> str:
    """Why a process ended by its log, as the end of a sentence; nothing if it wrote nothing, or its log is gone."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    said = _said(lines)
    return f"; it last said: {headline(said)}" if said else ""


def _said(lines: list[str]) -> list[str]:
    """The lines of the last error that is reported, or the last line; without empty ones."""
    starts = [number for number, line in enumerate(lines) if FATAL.match(line) or line == TRACEBACK]
    told = lines[starts[-1] :] if starts else []
    if told and told[0] == TRACEBACK:  # frames are indented, and the exception is not
        frames = next((number for number, line in enumerate(told) if number and not line.startswith(" ")), len(told))
        told = told[frames:]
    told = [line.strip() for line in told if line.strip()]
    return told or [line.strip() for line in lines if line.strip()][-1:]
