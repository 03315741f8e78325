"""Numbers as text, with the digits that their interval supports."""

from __future__ import annotations

import math
from dataclasses import dataclass

UNKNOWN = "interval unknown"
MOST_DIGITS = 6
MILLISECONDS = 1000.0
"""Milliseconds per second."""


@dataclass(frozen=True)
class FormattedEstimate:
    """A formatted estimate: `value` is exact, as in the table; `text` and `interval` are scaled and rounded."""

    value: float
    text: str
    interval: str

    def __str__(self) -> str:
        return f"{self.text} {self.interval}"


def estimate(value: float, low: float, high: float, scale: float = 1.0) -> FormattedEstimate | None:
    """The estimate times `scale`, rounded to two digits of the half-width of its interval; None if there is none.

    If the interval is wider than the value (two launches can give one over decades), each number has two digits:
    no measured value is rounded to 0.
    """
    if value is None or math.isnan(value):
        return None
    exact = value
    value, low, high = value * scale, low * scale, high * scale
    half = (high - low) / 2
    if math.isnan(half):
        return FormattedEstimate(exact, plain(value), UNKNOWN)
    if half > abs(value):
        return FormattedEstimate(exact, plain(value, 2), f"[{plain(low, 2)}, {plain(high, 2)}]")
    places = _places(value, half)
    return FormattedEstimate(exact, fixed(value, places), f"[{fixed(low, places)}, {fixed(high, places)}]")


def plain(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, as a power of ten if it would need many zeros."""
    exponent = _exponent(value)
    return fixed(value, digits - 1 - exponent) if -5 <= exponent <= 9 else error(value)


def fixed(value: float, places: int) -> str:
    """Rounded to `places` decimals (tens, hundreds if negative), with thousands separators."""
    if not math.isfinite(value):
        return str(value)
    return f"{round(value, places) + 0.0:,.{max(places, 0)}f}"  # + 0.0: no "-0.00"


def ratio(value: float) -> str:
    """A ratio in short: two decimals, or two digits below 0.1."""
    return f"{value:.2f}" if value >= 0.1 else plain(value, 2)


def error(value: float) -> str:
    """A number of which the magnitude matters: two digits and a power of ten; exactly 0 is "0"."""
    if math.isnan(value):
        return "not a number"
    return "0" if value == 0 else f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e+")


def milliseconds(seconds: float) -> tuple[float, str]:
    """The exact number of milliseconds, and its text."""
    return MILLISECONDS * seconds, plain(MILLISECONDS * seconds)


def share(part: int, whole: int) -> str:
    """`part` of `whole` with its percentage; none if `whole` is 0."""
    return f"{part} of {whole}" + (f" ({100 * part / whole:.0f} %)" if whole else "")


def _places(value: float, half: float) -> int:
    """The number of decimals that show two digits of the half-width, but at most MOST_DIGITS digits of the value."""
    most = MOST_DIGITS - 1 - _exponent(value)
    return min(1 - _exponent(half), most) if half > 0 else most


def _exponent(value: float) -> int:
    return math.floor(math.log10(abs(value))) if value and math.isfinite(value) else 0
