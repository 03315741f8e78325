"""Image sizes as people write them."""

from __future__ import annotations

import re

from impls.errors import InvalidInput
from impls.layers import Pair

SIDE = r"\s*0*([1-9][0-9]{0,8})\s*"


def parse_size(text: int | str) -> Pair:
    """A side, or "HxW" (height x width), as (height, width); InvalidInput with the forms allowed."""
    sides = re.fullmatch(rf"{SIDE}(?:x{SIDE})?", str(text), re.IGNORECASE)
    if not sides:
        raise InvalidInput(
            f"size {text!r} is neither a positive number of pixels nor HEIGHTxWIDTH, such as 224 or 180x240"
        )
    return int(sides[1]), int(sides[2] or sides[1])
