"""Logs of processes: the lines that say why a process ended."""

from __future__ import annotations

import re
from pathlib import Path

from impls.errors import headline

TAIL_BYTES = 16384
TRACEBACK = "Traceback (most recent call last):"
FATAL = re.compile(r"^(Fatal Python error: |terminate called )")
"""First words of fatal errors of the Python interpreter and of the C++ runtime."""


def last_log_line(log: Path) -> str:
    """Why a process ended, by its log, as the end of a sentence; "" if the log is empty or missing."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    error_lines = _error_lines(lines)
    return f"; it last said: {headline(error_lines)}" if error_lines else ""


def _error_lines(lines: list[str]) -> list[str]:
    """The non-empty lines of the last error in the log, or its last line."""
    starts = [number for number, line in enumerate(lines) if FATAL.match(line) or line == TRACEBACK]
    report = lines[starts[-1] :] if starts else []
    if report and report[0] == TRACEBACK:  # frames are indented, and the exception is not
        frames = next(
            (number for number, line in enumerate(report) if number and not line.startswith(" ")), len(report)
        )
        report = report[frames:]
    report = [line.strip() for line in report if line.strip()]
    return report or [line.strip() for line in lines if line.strip()][-1:]
