"""The largest batch within the memory there is: found where it is known, and said why it ends there."""

from __future__ import annotations

import pytest

import results
from results.schema.record import Status
from results.tables.largest import CLOSE, MAX_BATCH


@pytest.mark.slow
def test_the_largest_batch_is_found_in_launches_of_their_own(measure):
    options = dict(contestants=("outside",), largest_batch=True, memory="6MB", launches=1)
    done, campaign = measure(**options)
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = results.load(campaign.folder, rows="largest").to_dict("records")
    assert row["peak_rss_launch_bytes"] <= 6_000_000
    tried = {record.case.workload.batch: record for record in campaign.records}
    largest, beyond = row["largest_batch"], row["smallest_failing_batch"]
    assert largest < beyond <= largest + max(1, largest // CLOSE)
    assert {largest, beyond} <= tried.keys()
    assert str(int(largest)) in done.stdout


@pytest.mark.slow
def test_a_contestant_that_does_not_run_has_no_batch_and_a_reason(measure):
    contestants = ("outside.using:plain", "outside.using:leaks")
    options = dict(contestants=contestants, largest_batch=True, memory="300MB", launches=1, time_limit="2m")
    done, campaign = measure(**options)
    rows = results.load(campaign.folder, rows="largest").set_index("contestant")
    assert rows.largest_batch.isna()["outside.using:leaks"]
    assert rows.failure["outside.using:leaks"] == "exceeded the memory limit"
    assert rows.largest_batch["outside.using:plain"] == MAX_BATCH
    assert rows.failure["outside.using:plain"] == "65536 is the largest batch that is tried"
    assert {record.status for record in campaign.records} == {Status.MEASURED}
    assert rows.peak_rss_launch_bytes["outside.using:plain"] < 300e6
