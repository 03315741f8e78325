"""What can go wrong by a user's hand. Every message is one line: what, what was got, what is allowed, what to do.

DeadheatError
├── UnknownName      a network, framework, execution, phase, precision or suite that does not exist
├── InvalidInput     a size, batch, class count or setting that cannot be
├── Unavailable      something that exists and cannot run here: not installed, no compiler, no such device
└── Unsupported      a framework that has no translation for what a network needs
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DeadheatError(Exception):
    """Base of every error that a user can cause; its text is one complete line."""


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
    """Something known that cannot run on this machine as it is; the text says what brings it."""


class Unsupported(DeadheatError):
    """A framework without a translation for a layer, a precision or a device."""


def line_of(problem: Exception) -> str:
    """An exception as one line: its kind, and the first line of its text."""
    text = str(problem).strip().splitlines()
    return f"{type(problem).__name__}: {text[0][:500]}" if text else type(problem).__name__
