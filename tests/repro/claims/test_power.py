"""Seeds that a verdict will need: right on simulated claims, and by the spread of what is there."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.claims.experiment import BELOW_ZERO, Contrast, Region
from repro.claims.judge import MAX_SEEDS
from repro.claims.metrics import TEST_ERROR
from repro.claims.power import POWER, needed, seeds_for
from results.schema.trial import Trial
from results.stats.estimates import arithmetic
from tests.repro.planted import trial


def arms(differences: list[float]) -> dict[str, dict[int, Trial]]:
    second = {seed: trial(seed, {"": 0.3}) for seed in range(1, len(differences) + 1)}
    return {"a": {s: trial(s, {"": 0.3 + d / 100}) for s, d in enumerate(differences, 1)}, "b": second}


def says(size: float | None = None, claimed: Region = BELOW_ZERO) -> Contrast:
    return Contrast("a less b", TEST_ERROR, "a", "b", claimed, "-1 %", size=size)


@pytest.mark.parametrize("distance", [0.5, 1.0, 2.0])
def test_so_many_seeds_exclude_the_distance_in_most_repetitions(distance: float) -> None:
    """Within a seed: the share is at least POWER, less the approximation, and one seed fewer would be too few."""
    seeds = int(seeds_for(1.0, distance))
    rng = np.random.default_rng(0)

    def share(count: int) -> float:
        found = [arithmetic(rng.normal(0, 1, count).tolist()) for _ in range(3000)]
        return float(np.mean([one.high < distance for one in found]))

    assert share(seeds + 1) > POWER - 0.02
    assert share(seeds - 1) < POWER + 0.02


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_more_spread_and_less_distance_take_more_seeds(spread: float, distance: float) -> None:
    assert seeds_for(spread, distance) <= seeds_for(2 * spread, distance)
    assert seeds_for(spread, distance) <= seeds_for(spread, distance / 2)
    assert seeds_for(spread, distance) >= 2


def test_half_of_the_papers_effect_is_what_must_be_told() -> None:
    found = needed(says(size=-2.0), arms([-0.5, 0.5, 0.0]))
    assert (found.pilot_seeds, found.spread) == (3, pytest.approx(0.5))
    assert found.seeds == seeds_for(0.5, 1.0)


def test_without_a_figure_it_is_the_distance_from_the_region() -> None:
    found = needed(says(claimed=Region(-1.0, 1.0)), arms([0.5, 0.7, 0.6]))
    assert found.seeds == seeds_for(found.spread, 0.4)


def test_an_effect_near_the_claimed_region_must_be_told_from_its_end() -> None:
    below_minus_one = says(size=-1.2, claimed=Region(high=-1.0))
    found = needed(below_minus_one, arms([-0.5, 0.5, 0.0]))
    assert found.seeds == seeds_for(0.5, 0.2)
    assert needed(says(size=-1.0, claimed=Region(high=-1.0)), arms([-0.5, 0.5, 0.0])).seeds == math.inf


def test_more_contrasts_take_more_seeds() -> None:
    one, four = (needed(says(size=-1.0), arms([-0.5, 0.5, 0.0]), family).seeds for family in (1, 4))
    assert one < four == seeds_for(0.5, 0.5, confidence=1 - 0.05 / 4)


def test_one_seed_tells_nothing() -> None:
    found = needed(says(), arms([0.5]))
    assert math.isnan(found.spread)
    assert math.isnan(found.seeds)


def test_too_many_are_infinite() -> None:
    assert seeds_for(1.0, 0.01) == math.inf
    assert seeds_for(1.0, 0.3) < MAX_SEEDS
