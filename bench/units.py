"""Durations and amounts of memory as people write them: "90s", "7m", "1.5h"; "8GiB"."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, ByteSize

from impls.errors import InvalidInput

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str | float) -> float:
    """A duration in seconds; InvalidInput with the forms allowed."""
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        value, unit = float(text), "s"
    elif isinstance(text, str) and (match := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text)):
        value, unit = float(match[1]), match[2] or "s"
    else:
        raise InvalidInput(f"duration {text!r} is not a number followed by s, m or h, such as 90s or 7m")
    if value <= 0:
        raise InvalidInput(f"duration {text!r} must be positive")
    return value * SECONDS[unit]


def _seconds_or_value_error(text: str | float) -> float:
    try:
        return seconds(text)
    except InvalidInput as problem:
        raise ValueError(str(problem)) from None  # pydantic's way of naming the place


Seconds = Annotated[float, BeforeValidator(_seconds_or_value_error)]
Bytes = ByteSize


def gib(count: float) -> str:
    """Bytes as "1.2 GiB"."""
    return f"{count / 2**30:.1f} GiB"
