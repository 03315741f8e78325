"""The kinds of streams of images of many sizes, by the first word of a stream's name; numbers may follow it."""

from __future__ import annotations

from enum import StrEnum


class StreamKind(StrEnum):
    """What is done with images of many sizes (bench.plan.streams)."""

    EXACT = "exact"
    GROUPED = "grouped"
    BUCKETS = "buckets"
    PADDED = "padded"
    RESIZED = "resized"
    ALWAYS = "always"
    """One size."""
    ALTERNATE = "alternate"
    """Two sizes in turn."""
    RANDOM = "random"
    TENS = "tens"
    """Windows that are images of their own, ten at a time."""


def stream_kind(stream: str) -> StreamKind | None:
    """The kind of the stream of that name; None if it is of no kind that is known here."""
    word = stream.partition("-")[0]
    return StreamKind(word) if word in set(StreamKind) else None
