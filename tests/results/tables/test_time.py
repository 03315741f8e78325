"""Where a campaign's time went: parts add up to the whole."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.schema.record import Case, Contestant
from results.schema.system import System
from results.store.campaigns import StoredCampaign
from results.tables.time import PARTS, seconds_by_part, time
from tests.support.made_up import measured, workload

CASE = Case(workload(), Contestant("alpha", "eager"))
COPY = replace(CASE, contestant=replace(CASE.contestant, copy=1))
durations = st.floats(0.0, 1000.0)
blocks = st.dictionaries(st.sampled_from(["build", "first_call", "warm_up", "rounds", "meters", "other"]), durations)


def campaign(tmp_path, records=(), copies=(), **system):
    return StoredCampaign(tmp_path, System(**system), tuple(records), copies=tuple(copies))


@given(st.lists(blocks, min_size=1, max_size=4), blocks, durations, durations)
def test_parts_add_up_to_the_measuring_time(tmp_path_factory, own, of_copy, prepared, rest):
    records = [replace(measured(CASE, launch, [1.0]), block_seconds=parts) for launch, parts in enumerate(own)]
    copies = [replace(measured(COPY, 0, [1.0]), block_seconds=of_copy)]
    whole = sum(sum(parts.values()) for parts in (*own, of_copy)) + prepared + rest
    given_time = dict(measuring_seconds=whole, preparation_seconds={"import": prepared})
    found = seconds_by_part(campaign(tmp_path_factory.getbasetemp(), records, copies, **given_time))
    if any((*own, of_copy)):
        assert set(found) == set(PARTS)
        assert sum(found.values()) == pytest.approx(whole, abs=0.05 * len(PARTS))
    else:
        assert found == {}


def test_an_older_campaign_does_not_say_where_its_time_went(tmp_path):
    older = campaign(tmp_path, [measured(CASE, 0, [1.0])], measuring_seconds=100.0)
    assert seconds_by_part(older) == {}
    table = time([older])
    assert list(table.component) == list(PARTS)
    assert table.seconds.isna().all()
    assert table.share.isna().all()


def test_meters_are_counted_with_the_rest(tmp_path):
    record = replace(measured(CASE, 0, [1.0]), block_seconds={"meters": 3.0, "other": 1.0, "rounds": 4.0})
    found = seconds_by_part(campaign(tmp_path, [record], measuring_seconds=10.0))
    assert found == {**dict.fromkeys(PARTS, 0.0), "rounds": 4.0, "other": 6.0}
