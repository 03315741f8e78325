"""Sizes of images as people's photographs have them: drawn from a seed, or read from a folder."""

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
"""Pixels to which a photograph's smaller side is brought (He et al. 2015, sections 2.3 and 3.1.4)."""


ASPECTS = {(4, 3): 0.45, (3, 2): 0.30, (16, 9): 0.05, (1, 1): 0.05}
"""How often photographs have an aspect ratio; the rest has any up to 2 to 1, evenly. Our own choice: cameras and phones
give 4:3 and 3:2, and what people crop is anything."""


UPRIGHT = 0.3
"""Share of photographs that are higher than wide."""


WHOLE = 0.6
"""Share that is brought to SMALLER_SIDE; the others' smaller side is from 180 to 320 pixels, evenly."""


OTHERS = (180, 320)


def photographs(count: int, seed: int) -> list[Pair]:
    """(height, width) of `count` photographs as people have them; see ASPECTS, UPRIGHT, WHOLE and OTHERS."""
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
    """Sizes (height, width) of the images of a folder by name, brought to SMALLER_SIDE; what was left out, and why."""

    sizes: dict[str, Pair]
    left_out: dict[str, str]

    def without(self, reasons: dict[str, str]) -> ImageFolderSizes:
        """With more left out; InvalidInput if nothing remains."""
        left_out = {**self.left_out, **reasons}
        sizes = {name: size for name, size in self.sizes.items() if name not in left_out}
        if not sizes:
            raise InvalidInput("--sizes-from: no image that can be used" + f"; {told(left_out)}" * bool(left_out))
        return ImageFolderSizes(sizes, left_out)


def told(left_out: Mapping[str, str]) -> str:
    """What was left out and why, in a line: every reason once."""
    from impls import images  # it imports Pillow, which nothing else here needs

    return images.told(left_out)


def found_in(folder: str | Path) -> ImageFolderSizes:
    """The sizes of all images below a folder, from their headers, in the order of their names.

    Files are recognised by content, whatever their suffix; what is hidden or `is_passed_over` is not looked at.
    Images whose smaller side is larger than SMALLER_SIDE count as they are when brought to it, and those with an Exif
    orientation as they are upright. InvalidInput if there is no folder, or no image in it that can be read.
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
    """Pillow warns of large images, and refuses larger ones, when it opens them: here no pixel is decoded."""
    from PIL import Image

    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _files_below(place: Path) -> tuple[list[Path], dict[str, str]]:
    """The files below a folder that may be images, by name, and which folders cannot be looked into, and why."""
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


def drawn(sizes: Sequence[Pair], count: int, seed: int) -> list[Pair]:
    """So many of the sizes: without repeating one before all were there."""
    order = np.random.default_rng(seed).permutation(len(sizes))
    return [sizes[order[i % len(sizes)]] for i in range(count)]
