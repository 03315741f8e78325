"""Launches as columns follow the rules for records, whatever records there are."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.schema.record import Case, Contestant, Record, Status
from results.stats.estimates import paired_shift, paired_shifts
from results.stats.launches import FIELDS, Kind, Launches, as_array, sums_of, values
from results.stats.pairing import counted, group_by_block, group_by_pass
from tests.support.made_up import measured, workload

CASE = Case(workload(), Contestant("alpha", "eager"))
ROUNDS = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=8)


@st.composite
def records(draw: st.DrawFn) -> Record:
    launch, attempt, subset = (draw(st.integers(0, most)) for most in (4, 2, 1))
    node = draw(st.sampled_from(["", "n1"]))
    if draw(st.integers(0, 5)) == 0:
        return Record(CASE, launch, Status.CRASHED, "signal 11", attempt=attempt, subset=subset, node=node)
    return replace(measured(CASE, launch, draw(ROUNDS)), attempt=attempt, subset=subset, node=node)


@given(st.lists(records(), max_size=20))
def test_the_same_launches_count_and_are_paired_as_of_records(found: list[Record]):
    launches = Launches.of(found)
    assert len(launches) == len(found)
    assert list(launches.counted.rounds) == [record.seconds for record in counted(found)]
    assert launches.blocks == group_by_block(found)
    assert launches.passes == group_by_pass(found)
    assert len(launches.measured) == sum(record.status is Status.MEASURED for record in found)


@given(st.lists(records(), max_size=20))
def test_those_of_a_node_are_its_records(found: list[Record]):
    nodes = Launches.of(found).by_node()
    assert list(nodes) == sorted({record.node for record in found})
    for node, launches in nodes.items():
        own = [record for record in found if record.node == node]
        assert list(launches.rounds) == [record.seconds for record in own]
        assert launches.blocks == group_by_block(own)


@given(st.lists(st.tuples(ROUNDS, ROUNDS), max_size=6))
def test_shifts_together_are_those_one_by_one(pairs: list[tuple[list[float], list[float]]]):
    assert paired_shifts(pairs) == [paired_shift(*pair) for pair in pairs]


def test_a_record_has_a_value_for_each_column():
    for record in (measured(CASE, 0, [0.1]), Record(CASE, 0, Status.FAILED, "why")):
        assert values(record).keys() == FIELDS.keys()


@pytest.mark.parametrize("kind", list(Kind))
def test_what_is_unknown_is_none_in_texts_and_nan_in_numbers(kind: Kind):
    if kind is Kind.WHOLE:  # never unknown
        assert as_array(kind, [10**30]).tolist() == [1e30]
        return
    (found,) = as_array(kind, [None]).tolist()
    assert math.isnan(found) if kind in (Kind.COUNT, Kind.NUMBER) else found is None


def test_without_conditions_no_sum_is_known():
    assert set(sums_of(None).values()) == {None}
