"""Records: checked when made, the same after a round trip, refused when they are not ours."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.schema.record import (
    SCHEMA,
    Case,
    Conditions,
    Contestant,
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


def test_a_newer_schema_is_refused_and_not_misread():
    content = json.loads(to_json(Record(CASE, 0, Status.FAILED, "x")))
    with pytest.raises(UnreadableRecord, match="update deadheat"):
        from_json(json.dumps({**content, "schema": SCHEMA + 1}))
