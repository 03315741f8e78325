"""Kinds of streams of images of several sizes: the first word of a stream's name, which numbers may follow."""

from __future__ import annotations

from enum import StrEnum


class StreamKind(StrEnum):
    """How images of several sizes are batched (bench.plan.streams)."""

    EXACT = "exact"
    GROUPED = "grouped"
    BUCKETS = "buckets"
    PADDED = "padded"
    RESIZED = "resized"
    ALWAYS = "always"
    """One size."""
    ALTERNATE = "alternate"
    """Two alternating sizes."""
    RANDOM = "random"
    TENS = "tens"
    """Windows as separate images, in batches of ten."""


def stream_kind(stream: str) -> StreamKind | None:
    """The kind of the stream of that name; None if it is unknown."""
    word = stream.partition("-")[0]
    return StreamKind(word) if word in set(StreamKind) else None
