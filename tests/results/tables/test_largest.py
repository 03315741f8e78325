"""The table of largest batches, from the tries of a search."""

from __future__ import annotations

from dataclasses import replace

import pytest

import results
from results.schema.record import Case, Contestant, Record, Status, Usage
from results.store.campaigns import CampaignWriter
from results.tables.largest import MAX_BATCH, card_memory, fits
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
    ("batch", "stop", "failure", "limited_by"),
    [
        (MAX_BATCH, "complete", f"{MAX_BATCH} is the largest batch that is tried", "search"),
        (8, "budget", "the search ended before the limit was found (budget)", "budget"),
        (8, "complete", "the next batch needs more memory than the limit, by the network's table", "memory"),
    ],
)
def test_a_search_without_a_failing_batch_says_why_it_ended(table, batch, stop, failure, limited_by):
    (row,) = table(tried(batch, 10), stop=stop)
    assert (row["failure"], row["limited_by"]) == (failure, limited_by)


def test_a_campaign_that_searched_nothing_has_no_rows(table):
    assert table(tried(1, 10), suite={"name": "quick"}) == []


def on_a_card(batch: int, card: float | None, host: float = 10.0) -> Record:
    usage = Usage({"peak_rss_launch_bytes": host, **({} if card is None else {"allocator_bytes": card})})
    return replace(tried(batch, host, device="cuda"), usage=usage)


def test_on_a_card_with_memory_of_its_own_what_ran_fits_unless_it_took_more_than_there_is():
    assert fits(tried(1, None, device="cuda"), 0, card=500)
    assert fits(on_a_card(1, 500.0), 0, card=500)
    assert not fits(on_a_card(1, 501.0), 1000, card=500), "WSL2's driver spills to the host's memory"
    assert not fits(failed(1, Status.CRASHED), 1000, card=500)


def test_a_card_that_shares_the_host_s_memory_has_the_limit_of_the_suite():
    assert fits(on_a_card(1, 600.0, host=400.0), 1000)
    assert not fits(on_a_card(1, 600.0, host=401.0), 1000)
    assert not fits(on_a_card(1, None), 1000), "what it took is not known"


def test_the_memory_of_cards_is_known_if_the_driver_reports_it_of_each():
    assert card_memory([8.0, 16.0]) == 16.0
    assert card_memory([8.0, None]) is None


CARD = {"machine": {"cards": [{"name": "a card", "memory_bytes": 500}]}}


def test_a_card_of_which_memory_is_known_is_the_limit(table):
    (row,) = table(on_a_card(1, 100.0), on_a_card(2, 900.0), **CARD)
    assert (row["largest_batch"], row["smallest_failing_batch"]) == (1, 2)
    assert (row["memory_bytes"], row["failure"], row["limited_by"]) == (500, "exceeded the memory limit", "memory")


@pytest.mark.parametrize(
    ("cards", "worse", "limited_by"),
    [
        ([{"name": "a card"}], (), "memory"),
        ([{"name": "a card"}], (on_a_card(2, 5000.0),), "memory"),
        ([], (), "unknown"),
        (None, (on_a_card(2, 5000.0),), "unknown"),
        ([], (failed(2, Status.OUT_OF_MEMORY),), "memory"),
        ([], (failed(2, Status.CRASHED),), "failure"),
    ],
    ids=["shared", "shared and exceeded", "none", "not said and exceeded", "none, full", "none, crashed"],
)
def test_a_limit_of_the_suite_on_a_card_that_nobody_described_is_not_said_to_be_the_cards(
    table, cards, worse, limited_by
):
    """A card that shares the host's memory is described, without memory of its own."""
    (row,) = table(on_a_card(1, 100.0), *(replace_device(one) for one in worse), machine={"cards": cards})
    assert (row["largest_batch"], row["limited_by"]) == (1, limited_by)
    assert row["failure"]


def replace_device(record: Record) -> Record:
    """On the card, whatever it was on."""
    return replace(record, case=replace(record.case, workload=replace(record.case.workload, device="cuda")))


def took(record: Record, seconds: float) -> Record:
    return replace(record, block_seconds={"rounds": seconds})


def test_a_search_that_its_launches_duration_ends_does_not_say_that_memory_did(table):
    """A batch of 16 would take 320 s, that of 12 between 8 and 16 would take 240 s."""
    suite = {**SEARCH["suite"], "time_limit": 300}
    (row,) = table(took(tried(8, 10), 160.0), suite=suite)
    assert (row["largest_batch"], row["limited_by"]) == (8, "time")
    assert row["failure"] == "a launch of 16 images may take longer than the time limit of 300 s"
    (row,) = table(took(tried(8, 10), 140.0), suite=suite)
    assert row["limited_by"] == "memory"
    worse = failed(16, Status.OUT_OF_MEMORY)
    assert [one["limited_by"] for one in table(took(tried(8, 10), 160.0), worse, suite=suite)] == ["memory"]
    assert [one["limited_by"] for one in table(took(tried(8, 10), 250.0), worse, suite=suite)] == ["time"]


@pytest.mark.parametrize(
    ("status", "limited_by"),
    [(Status.OUT_OF_MEMORY, "memory"), (Status.TIMED_OUT, "time"), (Status.CRASHED, "failure")],
)
def test_what_limits_a_batch_is_how_the_next_one_failed(table, status, limited_by):
    (row,) = table(tried(1, 10), failed(2, status))
    assert (row["largest_batch"], row["limited_by"]) == (1, limited_by)
