"""Streams: images of many sizes, and what one does with them.

Where images come from, and in which batches they are computed, are the two halves of a stream. Photographs, made up or
measured in a folder, come under a policy: `exact` (one by one, each at its size), `grouped` (those of one size
together), `buckets-K` (in K buckets by area, each filled up to its largest height and width), `padded` (all filled up
to the largest) and `resized-S` (all as S x S). Schedules are of squares, one image each: `always-S`, `alternate-S-T`
and `random-S-T` (He et al. 2015, section 2.3: every side from S to T as likely). `tens-S` are squares ten at a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from bench.plan.image_sizes import drawn, photographs
from impls.errors import InvalidInput
from impls.layers import Pair
from results.schema.streams import StreamKind, stream_kind

Part = tuple[int, int, int]
"""A batch: height, width, images."""


def exact(sizes: Sequence[Pair]) -> tuple[Part, ...]:
    return tuple((height, width, 1) for height, width in sizes)


def grouped(sizes: Sequence[Pair]) -> tuple[Part, ...]:
    return tuple((*size, list(sizes).count(size)) for size in dict.fromkeys(sizes))


def buckets(sizes: Sequence[Pair], count: int) -> tuple[Part, ...]:
    ordered = sorted(sizes, key=lambda size: (size[0] * size[1], size))
    ends = np.linspace(0, len(ordered), min(count, len(ordered)) + 1).round().astype(int).tolist()
    return tuple(part for start, end in zip(ends, ends[1:]) for part in padded(ordered[start:end]))


def padded(sizes: Sequence[Pair]) -> tuple[Part, ...]:
    height, width = np.max(np.array(sizes), axis=0)
    return ((int(height), int(width), len(sizes)),)


def resized(sizes: Sequence[Pair], side: int) -> tuple[Part, ...]:
    return ((side, side, len(sizes)),)


POLICIES: dict[str, Callable[..., tuple[Part, ...]]] = {
    StreamKind.EXACT: exact,
    StreamKind.GROUPED: grouped,
    f"{StreamKind.BUCKETS}-K": buckets,
    StreamKind.PADDED: padded,
    f"{StreamKind.RESIZED}-S": resized,
}


def takes_photographs(name: str) -> bool:
    """Whether the stream of that name is of images, not of squares by a schedule."""
    return stream_kind(name) in set(map(stream_kind, POLICIES))


def always(count: int, seed: int, side: int) -> tuple[Part, ...]:
    return ((side, side, 1),) * count


def alternate(count: int, seed: int, one: int, other: int) -> tuple[Part, ...]:
    return tuple((side, side, 1) for side in (one, other) * count)[:count]


def random(count: int, seed: int, least: int, most: int) -> tuple[Part, ...]:
    sides = np.random.default_rng(seed).integers(min(least, most), max(least, most), count, endpoint=True)
    return tuple((int(side), int(side), 1) for side in sides)


def tens(count: int, seed: int, side: int) -> tuple[Part, ...]:
    return tuple((side, side, min(10, count - start)) for start in range(0, count, 10))


SCHEDULES: dict[str, Callable[..., tuple[Part, ...]]] = {
    f"{StreamKind.ALWAYS}-S": always,
    f"{StreamKind.ALTERNATE}-S-T": alternate,
    f"{StreamKind.RANDOM}-S-T": random,
    f"{StreamKind.TENS}-S": tens,
}


def parts(name: str, count: int, seed: int, sizes: Sequence[Pair] | None = None) -> tuple[Part, ...]:
    """The batches of the stream of that name, of `count` images.

    `sizes` are those of photographs: drawn from the seed where there are more, over and over where they are fewer; left
    out, made up from the seed. InvalidInput for a name that is none.
    """
    word, *numbers = re.split(r"-(?=\d)", name)
    given = [int(number) for number in numbers if re.fullmatch("[0-9]{1,9}", number)]
    for pattern, make in {**POLICIES, **SCHEDULES}.items():
        if (word, len(numbers), len(given)) != (pattern.split("-")[0], pattern.count("-"), pattern.count("-")):
            continue
        if not all(given):
            raise InvalidInput(f"stream {name!r}: its numbers must be at least 1")
        if pattern in SCHEDULES:
            return make(count, seed, *given)
        return make(photographs(count, seed) if sizes is None else drawn(sizes, count, seed), *given)
    raise InvalidInput(f"no stream is called {name!r}; there are {', '.join([*POLICIES, *SCHEDULES])}")
