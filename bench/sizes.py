"""Image sizes as people write them."""

from __future__ import annotations

from impls.errors import InvalidInput
from impls.layers import Pair


def parse_size(text: int | str) -> Pair:
    """A side, or "HxW" (height x width), as (height, width)."""
    sides = str(text).lower().split("x")
    if len(sides) > 2 or not all(side.strip().isdigit() and int(side) for side in sides):
        raise InvalidInput(
            f"size {text!r} is neither a positive number of pixels nor HEIGHTxWIDTH, such as 224 or 180x240"
        )
    return int(sides[0]), int(sides[-1])
