"""Records: checked when made, the same after a round trip, refused when they are not ours."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.schema import record as record_module
from results.schema.record import (
    SCHEMA,
    Case,
    Conditions,
    Contestant,
    Latency,
    Parity,
    Record,
    Status,
    UnreadableRecord,
    Workload,
    from_json,
    to_json,
)

WORKLOAD = Workload("alexnet", 227, 227, 3, 1000, 4, "float32", "cpu", "train")
CASE = Case(WORKLOAD, Contestant("pytorch", "eager"))

positive = st.floats(min_value=1e-9, max_value=1e6)


@given(seconds=st.lists(positive, min_size=1), first=st.none() | positive, launch=st.integers(0, 99))
def test_a_measured_record_survives_a_round_trip_bit_for_bit(seconds, first, launch):
    record = Record(
        CASE,
        launch,
        Status.MEASURED,
        seconds=tuple(seconds),
        steps=3,
        first_call_seconds=first,
        parity=Parity(1e-7, 0.0, 3e-6, "conv1.weight", 4),
    )
    assert from_json(to_json(record)) == record


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.MEASURED])
def test_whatever_was_not_measured_has_a_reason(status):
    assert from_json(to_json(Record(CASE, 0, status, "because"))).reason == "because"
    with pytest.raises(ValueError, match="needs a reason"):
        Record(CASE, 0, status)


@pytest.mark.parametrize("seconds", [(), (0.0,), (-1.0,), (math.nan,), (math.inf,), (1.0, 0.0)])
def test_a_measured_record_has_positive_seconds(seconds):
    with pytest.raises(ValueError, match="positive seconds"):
        Record(CASE, 0, Status.MEASURED, seconds=seconds)


def test_ids_are_readable_and_say_everything():
    assert CASE.id == "alexnet-3x227x227-k1000-b4-float32-cpu-train-pytorch:eager"
    oblong = Workload("zf5-spp", 180, 240, 3, 1000, 2, "float64", "cuda", "infer")
    assert oblong.id == "zf5-spp-3x180x240-k1000-b2-float64-cuda-infer"
    assert Contestant("jax", "jit", "nightly").id == "jax:jit@nightly"
    assert Contestant("jax", "jit", "nightly", "as-shipped", copy=2).id == "jax:jit@nightly+as-shipped#2"


def test_phases_of_a_workload_share_launches_and_parity_and_streams_of_a_network_share_parity_only():
    infer = replace(WORKLOAD, phase="infer")
    assert infer.id != WORKLOAD.id
    assert infer.launch_id == WORKLOAD.launch_id == WORKLOAD.network_id == WORKLOAD.id.removesuffix("-train")
    stream = replace(WORKLOAD, stream="exact", parts=((8, 8, 1),))
    other = replace(stream, parts=((9, 9, 1),))
    assert len({WORKLOAD.launch_id, stream.launch_id, other.launch_id}) == 3
    assert replace(stream, phase="infer").launch_id == stream.launch_id
    assert stream.id == f"{stream.launch_id}-train"
    assert stream.network_id == other.network_id == WORKLOAD.network_id


def test_a_copy_is_another_contestant_than_its_original():
    original = Contestant("jax", "jit", "nightly", "as-shipped")
    copy = replace(original, copy=1)
    assert copy != original
    assert copy.original == original.original == original
    assert original < copy


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "JSON"),
        ("{", "JSON"),
        ("[]", "object"),
        ('{"case": 1}', "case"),
        (to_json(Record(CASE, 0, Status.FAILED, "x")).replace('"failed"', '"fine"'), "status"),
        (to_json(Record(CASE, 0, Status.MEASURED, seconds=(1.0,))).replace("[1.0]", "[-1.0]"), "positive"),
    ],
)
def test_what_is_no_record_is_refused_with_what_is_wrong(line, complaint):
    with pytest.raises(UnreadableRecord, match=complaint):
        from_json(line)


def test_conditions_of_before_quotas_were_looked_at_are_read_as_unknown():
    told = Conditions(2, wall=(0.1,), own_cpu=(0.1,), throttled=(0.05,), throttled_periods=(1,))
    content = json.loads(to_json(Record(CASE, 0, Status.MEASURED, seconds=(0.1,), conditions=told)))
    assert from_json(json.dumps(content)).conditions == told
    del content["conditions"]["throttled"], content["conditions"]["throttled_periods"]
    assert from_json(json.dumps(content)).conditions == Conditions(2, wall=(0.1,), own_cpu=(0.1,))


def test_the_parts_of_a_block_and_a_copy_survive_a_round_trip():
    record = Record(
        replace(CASE, contestant=replace(CASE.contestant, copy=1)), 0, Status.MEASURED, seconds=(0.1,),
        block_seconds={"build": 1.25, "rounds": 0.5},
    )  # fmt: skip
    assert from_json(to_json(record)) == record


def test_a_record_of_schema_6_has_no_parts_of_its_block_and_an_original_contestant():
    record = Record(CASE, 0, Status.MEASURED, seconds=(0.1,), first_call_seconds=2.5)
    content = json.loads(to_json(record))
    del content["block_seconds"], content["case"]["contestant"]["copy"]
    read = from_json(json.dumps({**content, "schema": 6}))
    assert read == replace(record, schema=6)
    assert (read.block_seconds, read.case.contestant.copy) == ({}, 0)
    assert read.first_call_seconds == 2.5


def test_a_latency_survives_a_round_trip_and_one_of_before_has_none():
    timed = Latency(40, {"50": 0.01, "90": 0.02}, Conditions(2, wall=(0.5,)))
    record = Record(CASE, 0, Status.MEASURED, seconds=(0.1,), latency=timed)
    assert from_json(to_json(record)) == record
    content = json.loads(to_json(record))
    del content["latency"]
    assert from_json(json.dumps({**content, "schema": 8})) == replace(record, latency=None, schema=8)


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.inf])
def test_a_percentile_is_a_positive_time(seconds):
    with pytest.raises(ValueError, match="percentiles of the latency must be positive"):
        Latency(40, {"50": seconds})


def test_the_schema_is_the_last_one_of_its_history():
    """A reader takes every version up to its own."""
    history = re.findall(r"^(\d+) +\d{4}-\d\d ", record_module.__doc__, re.MULTILINE)
    assert list(map(int, history)) == list(range(1, SCHEMA + 1))


def test_a_newer_schema_is_refused_and_not_misread():
    content = json.loads(to_json(Record(CASE, 0, Status.FAILED, "x")))
    with pytest.raises(UnreadableRecord, match="update deadheat"):
        from_json(json.dumps({**content, "schema": SCHEMA + 1}))
