"""Paths as a user types them."""

from __future__ import annotations

from pathlib import Path

from impls.errors import InvalidInput


def typed_path(text: str | Path) -> Path:
    """The path with ~ and ~USER expanded, which shells do not do within --OPTION=~/PATH.

    InvalidInput if there is no such user, or no home folder is known.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError as problem:
        raise InvalidInput(
            f"{str(text)!r}: {problem}; write the folder out, or ./{text} for one of that name"
        ) from None
