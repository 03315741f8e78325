"""Image sizes of photographs: sampled from a seed, or read from a folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from impls.errors import InvalidInput
from impls.layers import Pair
from impls.paths import typed_path

SMALLER_SIDE = 224
"""Pixels to which a photograph's shorter side is resized (He et al. 2015, sections 2.3 and 3.1.4)."""


ASPECTS = {(4, 3): 0.45, (3, 2): 0.30, (16, 9): 0.05, (1, 1): 0.05}
"""Share of photographs per aspect ratio; the others are uniform between 1:1 and 2:1. An assumption: cameras and phones
give 4:3 and 3:2, crops have any ratio."""


UPRIGHT = 0.3
"""Share of photographs in portrait orientation."""


WHOLE = 0.6
"""Share that is resized to SMALLER_SIDE; the shorter side of the others is uniform from 180 to 320 pixels (OTHERS)."""


OTHERS = (180, 320)


def photographs(count: int, seed: int) -> list[Pair]:
    """(height, width) of `count` photographs, sampled from the shares ASPECTS, UPRIGHT, WHOLE and OTHERS."""
    rng = np.random.default_rng(seed)
    return [_photograph(rng) for _ in range(count)]


def _photograph(rng: np.random.Generator) -> Pair:
    kinds = [long / short for long, short in ASPECTS]
    chances = list(ASPECTS.values())
    kind = rng.choice(len(kinds) + 1, p=[*chances, 1 - sum(chances)])
    aspect = kinds[kind] if kind < len(kinds) else rng.uniform(1, 2)
    side = SMALLER_SIDE if rng.random() < WHOLE else int(rng.integers(OTHERS[0], OTHERS[1], endpoint=True))
    size = side, round(side * aspect)
    return size[::-1] if rng.random() < UPRIGHT else size


@dataclass(frozen=True)
class ImageFolderSizes:
    """Sizes (height, width) of a folder's images by name, resized to SMALLER_SIDE; files left out, with reasons."""

    sizes: dict[str, Pair]
    left_out: dict[str, str]

    def without(self, reasons: dict[str, str]) -> ImageFolderSizes:
        """The same with more files left out. InvalidInput if no image remains."""
        left_out = {**self.left_out, **reasons}
        sizes = {name: size for name, size in self.sizes.items() if name not in left_out}
        if not sizes:
            raise InvalidInput(
                "--sizes-from: no image that can be used" + f"; {describe_left_out(left_out)}" * bool(left_out)
            )
        return ImageFolderSizes(sizes, left_out)


def describe_left_out(left_out: Mapping[str, str]) -> str:
    """The files left out and the reasons, in one line; each reason once."""
    from impls import images  # it imports Pillow, which nothing else here needs

    return images.describe_reasons(left_out)


def read_sizes(folder: str | Path) -> ImageFolderSizes:
    """The sizes of all images below a folder, from their headers, in the order of their names.

    Files are recognised by content, not by suffix; hidden files and those that `is_passed_over` names are ignored.
    Images whose shorter side exceeds SMALLER_SIDE count with the size after resizing; an Exif orientation is applied.
    InvalidInput if the folder does not exist or holds no readable image.
    """
    from impls.images import opened, upright_size  # it imports Pillow, which nothing else here needs

    place = typed_path(folder)
    if not os.path.isdir(place):
        what = "is no folder" if os.path.exists(place) else "no such folder"
        raise InvalidInput(f"--sizes-from {folder}: {what}; give one with images in it")
    sizes: dict[str, Pair] = {}
    files, left_out = _files_below(place)
    for path in files:
        try:
            with _of_any_size(), opened(path) as image:
                sizes[_name(path, place)] = _resize_shorter_side(upright_size(image))
        except InvalidInput as problem:
            left_out[_name(path, place)] = str(problem)
    return ImageFolderSizes(sizes, {}).without(left_out)


@contextlib.contextmanager
def _of_any_size() -> Iterator[None]:
    """Disable Pillow's limit on image size: only headers are read, no pixel is decoded."""
    from PIL import Image

    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _files_below(place: Path) -> tuple[list[Path], dict[str, str]]:
    """The files below a folder that may be images, sorted, and the folders that cannot be read, with the reason."""
    from impls.images import is_hidden, is_passed_over

    closed: dict[str, str] = {}

    def keep(problem: OSError) -> None:
        closed[_name(Path(problem.filename), place)] = problem.strerror or str(problem)

    files: list[Path] = []
    for folder, folders, names in os.walk(place, onerror=keep):
        folders[:] = [name for name in folders if not is_hidden(name)]
        files += [Path(folder) / name for name in names if not is_passed_over(name)]
    return sorted(files), closed


def _name(path: Path, place: Path) -> str:
    return str(path.relative_to(place))


def _resize_shorter_side(size: Pair) -> Pair:
    scale = min(1.0, SMALLER_SIDE / min(size))
    return round(size[0] * scale), round(size[1] * scale)


def sample(sizes: Sequence[Pair], count: int, seed: int) -> list[Pair]:
    """`count` of the sizes in random order; a size repeats only after all have been used."""
    order = np.random.default_rng(seed).permutation(len(sizes))
    return [sizes[order[i % len(sizes)]] for i in range(count)]
