"""The rule of verdicts over all intervals, and how many launches would decide one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from results.stats.estimates import BAND, Estimate, geometric
from results.stats.verdicts import (
    DECIDED_PERCENT,
    JUDGEMENTS,
    WIDEST_PERCENT,
    Judgement,
    TimingVerdict,
    bound,
    judge,
    launches_needed,
)

FASTER, SLOWER, DEAD_HEAT, WITHIN, UNCLEAR = TimingVerdict
EDGES = [1 + sign * percent / 100 for percent in range(WIDEST_PERCENT + 2) for sign in (-1, 1)]
"""The limits of the rule, and one percent beyond."""
ends = st.floats(0.6, 1.6) | st.sampled_from(EDGES)


@st.composite
def intervals(draw: st.DrawFn) -> Estimate:
    low, high = sorted((draw(ends), draw(ends)))
    return Estimate(math.sqrt(low * high), low, high, 5)


@st.composite
def nested(draw: st.DrawFn) -> tuple[Estimate, Estimate]:
    """An interval and one inside it."""
    outer = draw(intervals())
    inside = st.floats(outer.low, outer.high)
    low, high = sorted((draw(inside), draw(inside)))
    return outer, Estimate(math.sqrt(low * high), low, high, 5)


def holds(estimate: Estimate, percent: float) -> bool:
    return 1 - percent / 100 <= estimate.low and estimate.high <= 1 + percent / 100


@given(intervals())
def test_every_interval_has_the_one_verdict_of_the_rule(estimate: Estimate) -> None:
    found = judge(estimate)
    beyond = {FASTER: estimate.high < 1 - BAND, SLOWER: estimate.low > 1 + BAND}
    directed = any(beyond.values())
    expected = {
        **beyond,
        DEAD_HEAT: holds(estimate, 100 * BAND),
        WITHIN: not directed and not holds(estimate, 100 * BAND) and holds(estimate, WIDEST_PERCENT),
        UNCLEAR: not directed and not holds(estimate, WIDEST_PERCENT),
    }
    assert [verdict for verdict, applies in expected.items() if applies] == [found.verdict]
    assert found in JUDGEMENTS


@given(intervals())
def test_the_percent_holds_the_interval_and_no_smaller_one_does(estimate: Estimate) -> None:
    percent = judge(estimate).percent
    if percent is not None:
        assert holds(estimate, percent)
        assert not holds(estimate, percent - 1)
        assert 100 * BAND < percent <= WIDEST_PERCENT


@given(nested())
def test_a_narrower_interval_never_has_a_weaker_verdict(pair: tuple[Estimate, Estimate]) -> None:
    outer, inner = map(judge, pair)
    if outer.verdict is WITHIN:
        assert inner.verdict is not UNCLEAR
        assert (inner.percent or 0) <= outer.percent
    elif outer.verdict is not UNCLEAR:
        assert inner == outer
    assert inner.is_decided or not outer.is_decided


@given(intervals())
def test_without_a_direction_the_bound_is_the_verdict(estimate: Estimate) -> None:
    found = bound(estimate)
    assert found.verdict in (DEAD_HEAT, WITHIN, UNCLEAR)
    assert judge(estimate) in (found, Judgement(FASTER), Judgement(SLOWER))


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.90, 0.97, "faster"),
        (0.90, 0.98, "within 10 %"),
        (0.98, 1.02, "dead heat"),
        (0.979, 1.0, "within 3 %"),
        (1.0, 1.06, "within 6 %"),
        (1.0, 1.0601, "within 7 %"),
        (0.75, 1.25, "within 25 %"),
        (0.7499, 1.0, "unclear"),
        (1.03, 1.5, "slower"),
    ],
)
def test_a_verdict_in_words(low: float, high: float, text: str) -> None:
    assert str(judge(Estimate(1.0, low, high, 3))) == text


def test_decided_are_directions_dead_heats_and_narrow_bounds() -> None:
    decided = {str(one) for one in JUDGEMENTS if one.is_decided}
    assert decided == {"faster", "slower", "dead heat", "within 3 %", "within 4 %", "within 5 %", "within 6 %"}


@pytest.mark.parametrize("estimate", [None, geometric([2.0]), Estimate(1.0, math.nan, math.nan, 1)])
def test_without_an_interval_it_is_unclear(estimate: Estimate | None) -> None:
    assert judge(estimate) == bound(estimate) == Judgement(UNCLEAR)
    assert math.isnan(launches_needed(estimate))


@pytest.mark.parametrize(("verdict", "percent"), [(WITHIN, None), (FASTER, 3), (UNCLEAR, 0)])
def test_a_percent_belongs_to_within_alone(verdict: TimingVerdict, percent: int | None) -> None:
    with pytest.raises(ValueError, match="`within` alone"):
        Judgement(verdict, percent)


@pytest.mark.parametrize("ratio", [0.9, 0.95, 0.98, 1.0, 1.02, 1.04, 1 + DECIDED_PERCENT / 100, 1.1])
def test_as_many_launches_as_are_needed_would_decide_it_and_one_fewer_would_not(ratio: float) -> None:
    few = geometric(ratio * np.exp([-0.1, 0.06, 0.0, 0.11, -0.07]))
    spread = np.std([-0.1, 0.06, 0.0, 0.11, -0.07], ddof=1)

    def with_launches(count: int) -> Judgement:
        half = stats.t.ppf(0.975, count - 1) * spread / math.sqrt(count)
        return judge(Estimate(few.value, few.value * math.exp(-half), few.value * math.exp(half), count))

    needed = launches_needed(few)
    assert 5 < needed < 1000
    assert with_launches(int(needed)).is_decided
    assert not with_launches(int(needed) - 1).is_decided


def test_a_spread_that_more_launches_do_not_overcome_needs_infinitely_many() -> None:
    assert launches_needed(Estimate(1.04, 0.1, 10.8, 30)) == math.inf
