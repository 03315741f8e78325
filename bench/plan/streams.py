"""Streams: images of different sizes, and the batches they are computed in.

A stream is a source of images and a batching policy. Photographs, synthetic or with the sizes of a folder's images,
are batched by a policy: `exact` (one image per batch, at its size), `grouped` (images of equal size together),
`buckets-K` (K buckets by area, each padded to its largest height and width), `padded` (all padded to the largest) and
`resized-S` (all resized to S x S). Schedules give square images, one per batch: `always-S`, `alternate-S-T` and
`random-S-T` (He et al. 2015, section 2.3: the side is uniform from S to T). `tens-S` gives batches of ten squares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from bench.plan.image_sizes import photographs, sample
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
    """Whether the stream has photographs, in contrast to the squares of a schedule."""
    return stream_kind(name) in set(map(stream_kind, POLICIES))


def always(count: int, seed: int, side: int) -> tuple[Part, ...]:
    return ((side, side, 1),) * count


def alternate(count: int, seed: int, first: int, second: int) -> tuple[Part, ...]:
    return tuple((side, side, 1) for side in (first, second) * count)[:count]


def random(count: int, seed: int, low: int, high: int) -> tuple[Part, ...]:
    sides = np.random.default_rng(seed).integers(min(low, high), max(low, high), count, endpoint=True)
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

    `sizes`: (height, width) of photographs, sampled with the seed, and repeated if there are fewer than `count`; None:
    synthetic sizes from the seed. InvalidInput for an unknown name or a number below 1.
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
        return make(photographs(count, seed) if sizes is None else sample(sizes, count, seed), *given)
    raise InvalidInput(f"no stream is called {name!r}; allowed: {', '.join([*POLICIES, *SCHEDULES])}")
