"""Digits by interval."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.format import numbers


@pytest.mark.parametrize(
    ("value", "half", "shown"),
    [
        (12.3456, 0.0523, "12.346 [12.293, 12.398]"),
        (0.71234, 0.011, "0.712 [0.701, 0.723]"),
        (12345.6, 120.0, "12,350 [12,230, 12,470]"),
        (0.5, 3.5, "0.50 [-3.0, 4.0]"),
        (-0.04, 0.3, "-0.040 [-0.34, 0.26]"),
        (3.0, 0.0, "3.00000 [3.00000, 3.00000]"),
        (0.0, 0.0, "0.00000 [0.00000, 0.00000]"),
    ],
)
def test_two_digits_of_the_half_width(value: float, half: float, shown: str) -> None:
    assert str(numbers.estimate(value, value - half, value + half)) == shown


def test_an_interval_over_decades_rounds_nothing_to_zero() -> None:
    assert str(numbers.estimate(0.0077, 3.1e-9, 16912.0)) == "0.0077 [3.1e-9, 17,000]"


def test_without_an_interval_three_digits_and_a_word() -> None:
    assert str(numbers.estimate(0.0123456, math.nan, math.nan, scale=1000)) == "12.3 interval unknown"


def test_nothing_is_nothing_and_never_zero() -> None:
    assert numbers.estimate(math.nan, math.nan, math.nan) is None


@given(st.floats(1e-9, 1e9), st.floats(0, 10))
def test_rounding_is_finer_than_the_interval(value: float, relative: float) -> None:
    half = value * relative
    shown = numbers.estimate(value, value - half, value + half)
    assert shown is not None
    assert shown.value == value
    read = float(shown.text.replace(",", ""))
    assert read > 0
    assert abs(read - value) <= max(0.05 * half, 1e-5 * value) * 1.01
    low, high = (float(end.replace(",", "")) for end in shown.interval[1:-1].split(", "))
    assert low <= read <= high


@pytest.mark.parametrize(("value", "text"), [(-0.001, "0.00"), (1234.5, "1,234.50"), (math.inf, "inf")])
def test_fixed(value: float, text: str) -> None:
    assert numbers.fixed(value, 2) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (3.14e-7, "3.1e-7"), (0.3, "3.0e-1"), (math.inf, "inf"), (math.nan, "not a number")]
)
def test_error(value: float, text: str) -> None:
    assert numbers.error(value) == text


def test_share_of_nothing_has_no_percentage() -> None:
    assert (numbers.share(0, 0), numbers.share(1, 3)) == ("0 of 0", "1 of 3 (33 %)")
