"""User errors. Every message is one line: what is wrong, the value, the allowed values, the remedy.

DeadheatError
├── UnknownName      a network, framework, execution, phase, precision or suite that does not exist
├── InvalidInput     a size, batch, class count or setting that is not allowed
├── Unavailable      something known that cannot run here: not installed, no compiler, no such device
└── Unsupported      a framework without a translation for a part of a network
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Iterable, Sequence


class DeadheatError(Exception):
    """Base of every user error; its text is one complete line."""


class UnknownName(DeadheatError):
    """A name that is not in its registry."""

    def __init__(self, kind: str, name: str, known: Iterable[str]):
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        super().__init__(f"unknown {kind} {name!r}: {hint}known: {', '.join(known)}")


class InvalidInput(DeadheatError):
    """A value outside what is allowed."""


class Unavailable(DeadheatError):
    """Something known that cannot run on this machine as it is; the text says how to install it."""


class Unsupported(DeadheatError):
    """A framework without a translation for a layer, a precision or a device."""


OUT_OF_MEMORY = re.compile(
    r"(?<![a-z])out[ _]of[ _]memory(?![a-z])|RESOURCE_EXHAUSTED|\bOOM\b|\bbad_alloc\b|\bnot enough memory\b"
    r"|ALLOC(ATION)?_FAILED|\bcudaErrorMemoryAllocation\b"
    r"|\b(can't|cannot|could not|failed to|unable to) allocate\b",
    re.IGNORECASE,
)
"""How frameworks, their libraries and the system say that memory is short; only Python itself raises MemoryError."""


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether an exception, or what caused it, is that memory was short: on the host or on a card."""
    if isinstance(problem, MemoryError) or any(map(OUT_OF_MEMORY.search, _lines(problem))):
        return True
    inner = problem.exceptions if isinstance(problem, BaseExceptionGroup) else (_cause(problem),)
    return any(is_out_of_memory(one) for one in inner if one is not None)


LONGEST_PART = 250
"""Maximum length of each part of an error's line."""
WORDS = re.compile(r"[^\W\d_]{2,}[^\w\s]* +\S*[^\W\d_]{2,}")
"""Two consecutive words; a message without them is only a value."""
GENERIC = re.compile(r"^[^:]{0,60}\b(error|errors|failed|failure)[.!]?$", re.IGNORECASE)
"""A line that reports a failure without its cause, such as "C++ compile error"."""
COMPILER = re.compile(r"(^|[\s:])(fatal |internal )?error\s*(\w*\d\w*)?: *\S", re.IGNORECASE)
"""A line with an error of a compiler, a linker or a runtime."""
OUTPUT = re.compile(r"^(std ?(out|err)|output|summary)\s*:$", re.IGNORECASE)
"""The heading before the output of a command, or before what a runtime says of a model."""


def one_line(problem: BaseException) -> str:
    """An exception as one line that holds its cause: its kind and message.

    A message of several lines is cut to its first line and the one that names the error. Where there is no message, or
    one that is only a value, the line also has the place where the exception was raised and what caused it.
    """
    kind, lines = type(problem).__name__, _lines(problem)
    text = f"{kind}: {headline(lines)}" if lines else kind
    if isinstance(problem, BaseExceptionGroup):
        return f"{text}; the first: {one_line(problem.exceptions[0])}"
    if any(WORDS.search(line) and not _is_heading(line) for line in lines):
        return text
    place, cause = _place(problem), _cause(problem)
    return f"{text}{f' ({place})' if place else ''}{f', from {one_line(cause)}' if cause else ''}"


def headline(lines: Sequence[str]) -> str:
    """The first line of a message; also the line with the error, if the first is a heading or a later one has it."""
    first, *rest = lines
    detail = next((line for line in rest if COMPILER.search(line)), None)
    if COMPILER.search(first) or (detail is None and not _is_heading(first)):
        return _short(first)
    printed = next((number for number, line in enumerate(rest) if OUTPUT.match(line)), -1) + 1
    detail = detail or next((line for line in rest[printed:] if not _is_heading(line)), None)
    return f"{_short(first)} … {_short(detail)}" if detail else _short(first)


def _is_heading(line: str) -> bool:
    """Whether a line has no information by itself: it announces the next ones, or only that something failed."""
    return line.endswith(":") or line.startswith("<") or bool(GENERIC.match(line))


def _short(line: str) -> str:
    return line if len(line) <= LONGEST_PART else f"{line[:LONGEST_PART]}…"


def _lines(problem: BaseException) -> list[str]:
    """The non-empty lines of the message, then of the output of a failed command, if it was captured."""
    try:
        text = str(problem)
    except Exception:  # some exceptions get their text from a library, which may fail too
        text = ""
    if isinstance(problem, subprocess.CalledProcessError):
        printed = problem.stderr or problem.output or ""
        printed = printed.decode(errors="replace") if isinstance(printed, bytes) else str(printed)
        text = f"{text}\n{printed}"
    return [line.strip() for line in text.splitlines() if line.strip()]


def _place(problem: BaseException) -> str:
    """Where the exception was raised: "FILE:LINE in FUNCTION: SOURCE", the file relative to its import folder."""
    frames = traceback.extract_tb(problem.__traceback__)
    if not frames:
        return ""
    frame = frames[-1]
    folders = [folder for folder in sys.path if folder and frame.filename.startswith(f"{folder}{os.sep}")]
    folder = max(folders, key=len, default=os.path.dirname(frame.filename))
    file = os.path.relpath(frame.filename, folder) if os.path.isabs(frame.filename) else frame.filename
    source = f": {_short(frame.line)}" if frame.line else ""
    return f"{file}:{frame.lineno} in {frame.name}{source}"


def _cause(problem: BaseException) -> BaseException | None:
    """The exception that this one was raised from, or while handling."""
    return problem.__cause__ or (None if problem.__suppress_context__ else problem.__context__)
