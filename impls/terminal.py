"""Output streams: character encoding, width, live redrawing, and lost output."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 120
"""Columns if the width of the terminal is unknown."""
SUBSTITUTES = {
    "×": "x", "±": "+-", "²": "^2", "≥": ">=", "≤": "<=", "≈": "~", "→": "->", "…": "...", "·": "*", "µ": "u",
    "°": "deg", "─": "-", "├": "+", "└": "+", "▲": "^", "▼": "v", "✓": "+", "✗": "x", "○": "-",
}  # fmt: skip
"""ASCII replacements of the other characters in Deadheat's texts."""
ERRORS = "deadheat.substitute"


class OutputLost(Exception):
    """stdout or stderr cannot be written any more; its cause is the OSError.

    Not an OSError itself, as Rich and Typer would end the process with a status of their own.
    """


def _substitute(problem: UnicodeError) -> tuple[str | bytes, int]:
    """A codecs error handler: the replacement of a character that an encoding lacks."""
    if not isinstance(problem, UnicodeEncodeError):
        raise problem
    character = problem.object[problem.start]
    if "\udc80" <= character <= "\udcff":  # an undecodable byte of a file name
        return bytes([ord(character) - 0xDC00]), problem.start + 1
    return SUBSTITUTES.get(character, "?"), problem.start + 1


codecs.register_error(ERRORS, _substitute)


def take_every_character() -> None:
    """Make stdout and stderr replace characters that their encoding (cp1252, ASCII) lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ERRORS)


class _Output(io.TextIOWrapper):
    """A stream that raises OutputLost."""

    def write(self, text: str) -> int:
        with _losses():
            return super().write(text)

    def flush(self) -> None:
        with _losses():
            super().flush()


@contextlib.contextmanager
def _losses() -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise OutputLost from problem


@contextlib.contextmanager
def outputs() -> Iterator[None]:
    """For a whole command line: stdout and stderr accept every character, and raise OutputLost, at the latest on exit.

    Streams that do not write to a file, such as those of tests, are unchanged.
    """
    before = sys.stdout, sys.stderr
    if not all(type(stream) is io.TextIOWrapper for stream in before):
        yield
        return
    after = [_Output(output.buffer, output.encoding, ERRORS, line_buffering=True) for output in before]
    sys.stdout, sys.stderr = after
    try:
        yield
        sys.stdout.flush()
    except OutputLost:
        for stream in after:
            _discard(stream)
        raise
    finally:
        sys.stdout, sys.stderr = before
        for stream in after:
            stream.detach()  # otherwise it would close the file


def _discard(stream: _Output) -> None:
    """Discard the buffer of a lost stream; Python would otherwise write it again at exit, and report an error."""
    try:
        stream.flush()
    except OutputLost:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()


def console(stderr: bool = False) -> Console:
    """A Rich console: as wide as the terminal, else WIDTH. Colour on terminals, or with FORCE_COLOR."""
    from rich.console import Console

    return Console(stderr=stderr, width=None if _is_terminal(sys.stderr if stderr else sys.stdout) else WIDTH)


def is_live(console: Console) -> bool:
    """Whether lines can be redrawn: not in a log, even with FORCE_COLOR or in a CI that emulates a terminal."""
    return console.is_interactive and _is_terminal(console.file) and not os.environ.get("CI")


def _is_terminal(file: object) -> bool:
    try:
        return bool(file.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError):  # there is no stream, or it is closed
        return False
