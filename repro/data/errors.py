"""User errors of data sets; each text is one complete line."""

from __future__ import annotations

from impls.errors import DeadheatError


class MissingData(DeadheatError):
    """A data set, or a file of it, that was not found; the text says how to get it."""


class BadData(DeadheatError):
    """A file with the wrong content: cut off, damaged, of another format or another data set."""


class DownloadFailed(DeadheatError):
    """A file that could not be downloaded, or has the wrong content; it is not kept."""
