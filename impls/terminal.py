"""Where output goes: which characters it takes, how wide it is, whether it can be redrawn, and what if it is lost."""

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
"""Columns where there is no terminal that says how many it has."""
SUBSTITUTES = {
    "×": "x", "±": "+-", "²": "^2", "≥": ">=", "≤": "<=", "→": "->", "…": "...", "·": "*", "µ": "u", "°": "deg",
    "─": "-", "├": "+", "└": "+", "▲": "^", "▼": "v", "✓": "+", "✗": "x", "○": "-",
}  # fmt: skip
"""ASCII for the other characters of our own texts."""
ERRORS = "deadheat.substitute"


class OutputLost(Exception):
    """stdout or stderr takes nothing any more; its cause is the OSError.

    No OSError itself: Rich and Typer would end the process with a status of their own.
    """


def _substitute(problem: UnicodeError) -> tuple[str | bytes, int]:
    """An error handler of codecs: what stands for a character that an encoding lacks."""
    if not isinstance(problem, UnicodeEncodeError):
        raise problem
    character = problem.object[problem.start]
    if "\udc80" <= character <= "\udcff":  # a byte of a file's name that is no text
        return bytes([ord(character) - 0xDC00]), problem.start + 1
    return SUBSTITUTES.get(character, "?"), problem.start + 1


codecs.register_error(ERRORS, _substitute)


def take_every_character() -> None:
    """Have stdout and stderr substitute what their encoding lacks (cp1252, ASCII), instead of failing."""
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
    """For a whole command line: stdout and stderr take every character, and raise OutputLost, at the end at the latest.

    Streams that do not write to a file, such as those of tests, are left alone.
    """
    before = sys.stdout, sys.stderr
    if not all(type(stream) is io.TextIOWrapper for stream in before):
        yield
        return
    after = [_Output(one.buffer, one.encoding, ERRORS, line_buffering=True) for one in before]
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
            stream.detach()  # or it would close the file with itself


def _discard(stream: _Output) -> None:
    """Let go what a lost stream still holds; Python would otherwise try again, and complain, when it ends."""
    try:
        stream.flush()
    except OutputLost:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()


def console(stderr: bool = False) -> Console:
    """Rich's console: as wide as the terminal, WIDTH elsewhere. Colour is for terminals, or by FORCE_COLOR."""
    from rich.console import Console

    return Console(stderr=stderr, width=None if _is_terminal(sys.stderr if stderr else sys.stdout) else WIDTH)


def is_live(console: Console) -> bool:
    """Whether lines can be redrawn: FORCE_COLOR makes no terminal of a log, and a CI's log may have one."""
    return console.is_interactive and _is_terminal(console.file) and not os.environ.get("CI")


def _is_terminal(file: object) -> bool:
    try:
        return bool(file.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False
