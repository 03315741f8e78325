"""The table of largest batches, from the tries of a search."""

from __future__ import annotations

from dataclasses import replace

import pytest

import results
from results.schema.record import Case, Contestant, Record, Status, Usage
from results.store.campaigns import CampaignWriter
from results.tables.largest import MAX_BATCH, fits
from tests.support.made_up import SYSTEM, measured, workload

ALPHA = Contestant("alpha", "eager")
SEARCH = {**SYSTEM, "stop": "complete", "suite": {"name": "limits", "largest_batch": True, "memory": 1000}}


def tried(batch: int, taken: float | None, device: str = "cpu") -> Record:
    usage = Usage({"peak_rss_launch_bytes": taken}) if taken is not None else Usage(missing={"x": "y"})
    return replace(measured(Case(replace(workload(batch=batch), device=device), ALPHA), 0, [0.1]), usage=usage)


def failed(batch: int, status: Status) -> Record:
    return Record(Case(workload(batch=batch), ALPHA), 0, status, "planted")


@pytest.fixture
def table(tmp_path):
    def table(*records, **system):
        writer = CampaignWriter.create(tmp_path, "made-up", {**SEARCH, **system})
        writer.append(records)
        writer.close()
        return results.load(writer.folder, rows="largest").to_dict("records")

    return table


def test_the_row_has_the_largest_that_fits_and_the_smallest_that_does_not(table):
    (row,) = table(tried(1, 10), tried(4, 900), tried(5, 1200), failed(8, Status.OUT_OF_MEMORY))
    assert (row["largest_batch"], row["peak_rss_launch_bytes"]) == (4, 900)
    assert (row["smallest_failing_batch"], row["failure"]) == (5, "exceeded the memory limit")


def test_a_failed_try_gives_its_status_and_reason(table):
    (row,) = table(tried(1, 10), failed(2, Status.OUT_OF_MEMORY))
    assert row["failure"] == "out of memory: planted"


def test_a_try_of_unknown_memory_does_not_count_as_fitting(table):
    (row,) = table(tried(1, None))
    assert row["largest_batch"] is None
    assert row["smallest_failing_batch"] == 1


@pytest.mark.parametrize(
    ("batch", "stop", "failure"),
    [
        (MAX_BATCH, "complete", f"{MAX_BATCH} is the largest batch that is tried"),
        (8, "budget", "the search ended before the limit was found (budget)"),
        (8, "complete", "the next batch needs more memory than the limit, by the network's table"),
    ],
)
def test_a_search_without_a_failing_batch_says_why_it_ended(table, batch, stop, failure):
    (row,) = table(tried(batch, 10), stop=stop)
    assert row["failure"] == failure


def test_a_campaign_that_searched_nothing_has_no_rows(table):
    assert table(tried(1, 10), suite={"name": "quick"}) == []


def test_on_a_card_a_launch_that_ran_fits():
    assert fits(tried(1, None, device="cuda"), 0)
    assert not fits(tried(1, 2000), 1000)
    assert not fits(failed(1, Status.CRASHED), 1000)
