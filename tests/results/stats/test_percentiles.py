"""Percentiles of single steps: which ones so many steps allow, and that they are times of steps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.stats.estimates import CONFIDENCE
from results.stats.percentiles import PER_MILLE, REPORTED, fewest, percentiles

times = st.lists(st.floats(1e-6, 1e3), max_size=500)


@pytest.mark.parametrize(("percentile", "steps"), [("50", 6), ("90", 36), ("99", 368), ("99.9", 3688)])
def test_the_fewest_steps_of_a_percentile(percentile: str, steps: int) -> None:
    """By hand: the smallest n with 0.5^n, 0.9^n, 0.99^n and 0.999^n below 2.5 %."""
    assert fewest(percentile) == steps


@pytest.mark.parametrize("percentile", PER_MILLE)
def test_so_many_steps_hold_the_percentile_between_two_of_them_and_one_less_do_not(percentile: str) -> None:
    share, half = PER_MILLE[percentile] / 1000, (1 - CONFIDENCE) / 2
    count = fewest(percentile)
    assert max(share**count, (1 - share) ** count) <= half
    assert max(share ** (count - 1), (1 - share) ** (count - 1)) > half


@given(times)
def test_those_that_the_steps_allow_are_times_of_steps_in_order(seconds: list[float]) -> None:
    found = percentiles(seconds)
    assert set(found) == {name for name in PER_MILLE if len(seconds) >= fewest(name)}
    assert set(found.values()) <= set(seconds)
    assert list(found.values()) == sorted(found.values())
    for name, value in found.items():
        at_most = sum(one <= value for one in seconds)
        below = sum(one < value for one in seconds)
        assert at_most * 1000 >= PER_MILLE[name] * len(seconds) > below * 1000


def test_no_step_has_no_percentile() -> None:
    assert percentiles([]) == {}


def test_of_many_steps_they_are_those_of_the_distribution() -> None:
    steps = np.random.default_rng(1).exponential(1.0, 100_000).tolist()
    found = percentiles(steps)
    for name in REPORTED:
        assert found[name] == pytest.approx(-math.log1p(-PER_MILLE[name] / 1000), rel=0.1)
