"""What can go wrong with a data set by a user's hand; each text is one complete line."""

from __future__ import annotations

from impls.errors import DeadheatError


class MissingData(DeadheatError):
    """A data set, or a file of it, that is nowhere it was looked for; the text says what brings it."""


class BadData(DeadheatError):
    """A file that is there and is not what it has to be: cut off, damaged, of another format or another data set."""


class DownloadFailed(DeadheatError):
    """A file that could not be fetched, or that came with the wrong content; nothing is kept of it."""
