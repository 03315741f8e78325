"""Parsing and formatting of durations and amounts of memory: "90s", "7m", "1.5h"; "8GiB"."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, ByteSize, TypeAdapter, ValidationError

from impls.errors import InvalidInput

NUMBER = r"\s*([0-9]+(?:\.[0-9]+)?)\s*"
SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str | float) -> float:
    """A duration in seconds; InvalidInput with the allowed forms."""
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        value = _float(text)
    elif isinstance(text, str) and (match := re.fullmatch(rf"{NUMBER}([smh]?)\s*", text)):
        value = _float(match[1]) * SECONDS[match[2] or "s"]
    else:
        raise InvalidInput(f"duration {text!r} is not a number followed by s, m or h, such as 90s or 7m")
    if not 0 < value < math.inf:
        raise InvalidInput(f"duration {text!r} must be positive and finite")
    return value


def _float(number: str | float) -> float:
    """The number as a float; infinite if it is too large for one."""
    try:
        return float(number)
    except OverflowError:
        return math.inf


def size(text: str | int) -> int:
    """An amount of memory in bytes; InvalidInput with the allowed forms, or if it is 0."""
    try:
        found = TypeAdapter(ByteSize).validate_python(text)
    except (ValidationError, OverflowError):
        raise InvalidInput(f"memory {text!r} is not a number with a unit, such as 8GiB or 500MB") from None
    if found >= 2**63:
        raise InvalidInput("memory is more than any machine has; give less, such as 8GiB")
    if found <= 0:
        raise InvalidInput(f"memory {text!r} leaves nothing to measure in; give more, such as 8GiB")
    return int(found)


def share(text: str | float) -> float:
    """A share written as a number or in percent, "2%"; InvalidInput unless it lies between 0 and 1."""
    if isinstance(text, str) and (match := re.fullmatch(rf"{NUMBER}%\s*", text)):
        value = float(match[1]) / 100
    else:
        try:
            value = _float(text)
        except (TypeError, ValueError):
            raise InvalidInput(f"share {text!r} is no number, such as 0.02 or 2%") from None
    if not 0 < value < 1:
        raise InvalidInput(f"share {text!r} must be more than 0 and less than 1 (100%)")
    return value


def _for_pydantic(parse: Callable[[Any], float]) -> BeforeValidator:
    """The same as a pydantic validator, which names the field."""

    def validate(text: Any) -> float:
        try:
            return parse(text)
        except InvalidInput as problem:
            raise ValueError(str(problem)) from None

    return BeforeValidator(validate)


def seconds_or_none(text: str | float) -> float:
    """A duration in seconds; 0 is allowed and means none."""
    return 0.0 if text in (0, "0", "0s") else seconds(text)


Seconds = Annotated[float, _for_pydantic(seconds)]
SecondsOrNone = Annotated[float, _for_pydantic(seconds_or_none)]
Share = Annotated[float, _for_pydantic(share)]
Bytes = Annotated[ByteSize, _for_pydantic(size)]


def amount(count: float) -> str:
    """Bytes in binary units: "1.2 GiB", "3.4 MiB", "5.6 KiB" or "512 bytes"."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count:.0f} bytes"


def elapsed(seconds: float) -> str:
    """A duration in at most two units: "2 h 1 min", "11 min 42 s"; below a minute as `step_time`."""
    whole = round(seconds)
    if whole < 60:
        return step_time(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest} s"


def step_time(seconds: float) -> str:
    """The time of a step to three digits: "1.23 ms"."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
