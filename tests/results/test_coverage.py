"""Do 95 % intervals hold the truth in about 95 % of campaigns, under what real machines do? Simulated, seeded.

Two contestants of known ratio, launches paired in blocks as a campaign pairs them. Where the interval's promise
does not hold, a caution must speak up.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from results.health import drifts, two_kinds
from results.statistics import geometric, in_block, ratio

CAMPAIGNS = 1500
TRUE_RATIO = 1.03
LAUNCH_SPREAD, ROUND_SPREAD, ROUNDS = 0.02, 0.015, 6

Blocks = Callable[[np.random.Generator, int], np.ndarray]
"""(dice, launches) -> what the machine does to both contestants of each block, on the logarithm."""


def nothing(dice: np.random.Generator, launches: int) -> np.ndarray:
    return np.zeros(launches)


def drift(dice: np.random.Generator, launches: int) -> np.ndarray:
    return np.linspace(0, 0.06, launches)


def walk(dice: np.random.Generator, launches: int) -> np.ndarray:
    return np.cumsum(dice.normal(0, 0.02, launches))


def step(dice: np.random.Generator, launches: int) -> np.ndarray:
    return 0.05 * (np.arange(launches) >= dice.integers(1, launches))


def simulate(dice: np.random.Generator, launches: int, machine: Blocks, kinds: float = 0.0) -> np.ndarray:
    """(2, launches, rounds) times; with `kinds`, a third of the launches is of a slower kind."""
    logs = dice.normal(0, LAUNCH_SPREAD, (2, launches)) + machine(dice, launches)
    logs += kinds * (dice.random((2, launches)) < 1 / 3)
    logs[1] += np.log(TRUE_RATIO)
    rounds = logs[..., None] + dice.normal(0, ROUND_SPREAD, (2, launches, ROUNDS))
    return np.exp(rounds)


def medians(rounds: np.ndarray) -> np.ndarray:
    return np.median(rounds, -1)


def covered(times: np.ndarray) -> bool:
    found = ratio(dict(enumerate(times[1])), dict(enumerate(times[0])))
    return found is not None and found.low <= TRUE_RATIO <= found.high


@pytest.mark.parametrize("launches", [3, 5, 10])
@pytest.mark.parametrize("machine", [nothing, drift, walk, step])
def test_intervals_of_ratios_keep_their_promise_whatever_the_machine_does_to_both(machine, launches):
    dice = np.random.default_rng([launches, len(machine.__name__)])
    share = np.mean([covered(simulate(dice, launches, machine)) for _ in range(CAMPAIGNS)])
    assert 0.92 <= share <= 0.97


def test_intervals_of_ratios_of_two_kinds_of_launches_keep_their_promise_nearly():
    dice = np.random.default_rng(7)
    share = np.mean([covered(simulate(dice, 10, nothing, kinds=np.log(2))) for _ in range(CAMPAIGNS)])
    assert 0.92 <= share <= 0.99


def test_where_few_launches_of_two_kinds_break_the_promise_of_a_time_a_caution_speaks():
    """The interval of a time whose launches happen to be all of one kind is far too narrow; more launches show both."""
    dice = np.random.default_rng(8)
    campaigns = [medians(simulate(dice, 12, nothing, kinds=np.log(2))[0]) for _ in range(CAMPAIGNS)]
    spoken = np.mean([two_kinds(times) for times in campaigns])
    assert spoken > 0.9


def test_a_time_that_drifts_misses_its_promise_and_says_so():
    dice = np.random.default_rng(9)
    campaigns = [medians(simulate(dice, 12, drift)[0]) * np.exp(np.linspace(0, 0.1, 12)) for _ in range(CAMPAIGNS)]
    assert np.mean([drifts(times) for times in campaigns]) > 0.9


def test_stopping_when_the_interval_is_narrow_keeps_the_promise():
    """From 5 launches on, after two in a row, as a campaign stops: after the first, it would hold in 91.5 %."""
    dice = np.random.default_rng(10)
    share = np.mean([covered_when_stopped(simulate(dice, 30, nothing), 0.02) for _ in range(CAMPAIGNS)])
    assert 0.92 <= share <= 0.97


def covered_when_stopped(times: np.ndarray, target: float) -> bool:
    ratios = [in_block(*rounds) for rounds in zip(times[1], times[0], strict=True)]
    found = [geometric(ratios[:launches]) for launches in range(2, len(ratios) + 1)]
    narrow = [one.relative_half_width <= target for one in found]
    last = next(
        (one for one in found if one.launches >= 5 and all(narrow[one.launches - 3 : one.launches - 1])), found[-1]
    )
    return last.low <= TRUE_RATIO <= last.high
