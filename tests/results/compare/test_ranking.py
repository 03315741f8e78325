"""Which contestants are unbeaten, on how many workloads, and overall ratios."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.compare.ranking import MOST_NAMED, Ranking, rank
from results.compare.ratios import Ratios
from results.stats.estimates import Estimate

A, B, C = "alpha:eager", "beta:jit", "gamma:graph"


def of_times(times: dict[str, float], half: float = 0.01) -> Ratios:
    """The ratios of all pairs of these times, with intervals of this half-width on logarithms (NaN: none)."""
    return {
        (one, other): Estimate(value, value * math.exp(-half), value * math.exp(half), 3)
        for one, other in itertools.permutations(times, 2)
        for value in [times[one] / times[other]]
    }


def ranked(*workloads: Ratios, contestants: tuple[str, ...] = (A, B, C)) -> Ranking:
    return rank("infer", A, contestants, {f"w{number}": one for number, one in enumerate(workloads)})


CLEAR = of_times({A: 2.0, B: 1.0, C: 1.5})
TIED = of_times({A: 1.0, B: 1.1, C: 1.05}, half=0.2)
TWO_FIRST = of_times({A: 2.0, B: 1.0, C: 1.0})
SINGLE = of_times({A: 2.0, B: 1.0, C: 1.5}, half=math.nan)


def test_the_fastest_and_those_that_cannot_be_told_from_it_are_unbeaten():
    assert [one.unbeaten for one in ranked(CLEAR, TIED, TWO_FIRST).workloads] == [(B,), (A, B, C), (B, C)]
    assert ranked(CLEAR).workloads[0].faster == {A: (B, C), B: (), C: (B,)}


def test_a_difference_between_two_others_counts_as_one_to_the_reference():
    found = ranked(of_times({A: 1.0, B: 1.0, C: 1.2}, half=0.05))
    assert found.workloads[0].unbeaten == (A, B)


def test_without_an_interval_no_contestant_is_unbeaten_or_beaten():
    found = ranked(SINGLE)
    assert found.known == 0
    assert [found.unbeaten_on(one) for one in (A, B, C)] == [0, 0, 0]
    assert found.headline() == "no answer yet: no ratio has an interval."
    assert found.overall_sentence() == ""


@pytest.mark.parametrize(
    ("workloads", "said"),
    [
        ([CLEAR], f"{B} is unbeaten on the workload, {A} on none, {C} on none."),
        ([CLEAR, CLEAR], f"{B} is unbeaten on all 2 workloads, {A} on none, {C} on none."),
        ([CLEAR, TWO_FIRST], f"{B} is unbeaten on all 2 workloads, {C} on 1, {A} on none."),
        ([TWO_FIRST, TWO_FIRST], f"{B} and {C} are unbeaten on all 2 workloads, {A} on none."),
        ([CLEAR, SINGLE], f"{B} is unbeaten on the workload, {A} on none, {C} on none."),
        ([TIED, TIED], "no contestant is significantly faster than another on any of the 2 workloads."),
        (
            [CLEAR, of_times({A: 1.0, B: 2.0, C: 3.0})],
            f"{A} and {B} are unbeaten on 1 of 2 workloads, {C} on none.",
        ),
    ],
)
def test_the_headline_names_ties_and_counts_only_workloads_with_an_interval(workloads, said):
    assert ranked(*workloads).headline() == said


def test_overall_ratios_are_geometric_means_over_the_workloads_that_all_have():
    without_c = of_times({A: 8.0, B: 1.0})
    found = ranked(CLEAR, of_times({A: 2.0, B: 2.0, C: 6.0}), without_c, SINGLE)
    assert found.common == 2
    assert found.overall[B].value == pytest.approx(math.sqrt(0.5))
    assert found.overall[C].value == pytest.approx(math.sqrt(0.75 * 3))
    assert math.log(found.overall[B].high / found.overall[B].value) == pytest.approx(0.01 / math.sqrt(2))
    assert found.overall_sentence() == (
        f"Time relative to {A} (geometric mean of 2 workloads): {B} 0.71 [0.70, 0.71], {C} 1.50 [1.49, 1.51]."
    )


def test_a_contestant_that_was_measured_on_some_workloads_only_is_said_to_be():
    found = ranked(CLEAR, of_times({A: 2.0, B: 1.0}))
    assert found.headline() == (f"{B} is unbeaten on all 2 workloads, {A} on none, {C} on none (of 1 measured).")


def test_overall_ratios_need_the_reference():
    found = rank("train", A, (B, C), {"w": of_times({B: 1.0, C: 2.0})})
    assert found.overall == {}
    assert found.headline() == f"{B} is unbeaten on the workload, {C} on none."


def test_a_contestant_that_was_measured_nowhere_is_left_out():
    assert ranked(CLEAR, contestants=(A, B, C, "delta:eager")).contestants == (A, B, C)


TIMES = st.dictionaries(st.sampled_from([A, B, C, "delta:eager"]), st.floats(0.1, 10.0), min_size=2)


@given(st.lists(st.tuples(TIMES, st.floats(0.0, 0.5)), min_size=1, max_size=5))
def test_the_fastest_is_always_unbeaten_and_only_faster_ones_beat_a_contestant(workloads):
    found = ranked(*(of_times(times, half) for times, half in workloads), contestants=(A, B, C, "delta:eager"))
    for one, (times, _) in zip(found.workloads, workloads):
        assert min(times, key=lambda name: times[name]) in one.unbeaten
        for name, faster in one.faster.items():
            assert all(times[other] < times[name] for other in faster)
    assert all(found.unbeaten_on(one) <= found.measured_on(one) for one in found.contestants)


def test_of_many_contestants_a_sentence_names_some_and_counts_the_others():
    many = tuple(f"framework-{number}:graph" for number in range(40))
    found = ranked(of_times({one: 1.1**place for place, one in enumerate(many)}), contestants=many)
    assert found.headline() == "framework-0:graph is unbeaten on the workload, 39 others on none."
    found = rank("infer", many[0], many, {"w": of_times({one: 1.1**place for place, one in enumerate(many)})})
    assert found.overall_sentence().count("framework") == MOST_NAMED + 1
    assert found.overall_sentence().endswith("and 33 slower ones.")


def test_a_long_name_leaves_room_for_the_sentence():
    long = "x" * 10_000
    found = rank("infer", A, (A, long), {"w": of_times({A: 2.0, long: 1.0})})
    assert len(found.headline()) < 200
    assert "is unbeaten on the workload" in found.headline()
