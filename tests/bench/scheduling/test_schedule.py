"""Schedules are pure: when a group is finished, and the search for the largest batch, from records made up here.

The schedule of campaigns that compare contestants is in test_allocation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated import A, B, Kept, cases, failed, launched, lenet, suite

from bench.scheduling.allocation import Allocation
from bench.scheduling.largest_batch import BatchSearch
from bench.scheduling.ledger import Ledger
from bench.scheduling.schedule import BUDGET, COMPLETE, Readings, Stop, Task, rule
from results.schema.record import Case, Record, Status, Usage, Workload
from results.tables.largest import CLOSE, MAX_BATCH

INFER, TRAIN, LARGE = lenet("infer"), lenet("train"), lenet("infer", batch=8)
WORKLOADS = (INFER, TRAIN, LARGE)
NO_LIMIT = Readings(now=0.0, deadline=1e9)


def ledger(*earlier: Record, workloads: tuple[Workload, ...] = WORKLOADS) -> Ledger:
    return Ledger(cases(workloads), A.id, Kept(), earlier)


def records_of(workload: Workload, launches: int, seconds: Callable[[int], float] = lambda number: 1.0) -> list[Record]:
    return [launched(Case(workload, one), number, seconds(number)) for number in range(launches) for one in (A, B)]


@pytest.mark.parametrize(("made", "expected"), [(3, None), (4, "precision"), (6, "precision")])
def test_a_group_has_the_fewest_launches_however_precise_it_is(made, expected):
    there = ledger(*records_of(INFER, made), workloads=(INFER,))
    assert rule(suite(launches=(4, 6), target=0.02), there, there.groups()[0]) == expected


@pytest.mark.parametrize(("made", "expected"), [(3, None), (4, "launches")])
def test_a_number_of_launches_is_made_however_precise(made, expected):
    there = ledger(*records_of(INFER, made), workloads=(INFER,))
    assert rule(suite(launches=(4, 4), target=0.99), there, there.groups()[0]) == expected


def test_a_group_is_as_precise_as_its_least_precise_phase():
    limits = suite(launches=(2, 6), target=0.02)
    there = ledger(*records_of(INFER, 3), *records_of(TRAIN, 3, lambda number: 1.0 + number), *records_of(LARGE, 3))
    assert {group.workload: rule(limits, there, group) for group in there.groups()} == {INFER: None, LARGE: "precision"}
    there = ledger(*records_of(INFER, 6), *records_of(TRAIN, 6, lambda number: 1.0 + number))
    assert [rule(limits, there, group) for group in there.groups()] == ["launches", None]


@given(st.lists(st.integers(0, 6), min_size=3, max_size=3), st.floats(-1.0, 60.0))
def test_a_schedule_asked_twice_says_the_same_and_leaves_the_ledger_as_it_is(made, now):
    there = ledger(*(record for workload, count in zip(WORKLOADS, made) for record in records_of(workload, count)))
    before = list(there.records)
    for schedule in (Allocation(suite()), BatchSearch(suite(largest_batch=True))):
        readings = Readings(now, 30.0)
        assert schedule.next(there, readings) == schedule.next(there, readings)
    assert there.records == before


MEMORY = 2**40
SEARCH = BatchSearch(suite(largest_batch=True, memory=MEMORY, turns=(3, 9)))


def tried(batch: int, limit: int, contestant=A) -> Record:
    """A launch at a batch, which takes more than it may if that is beyond the limit."""
    case = Case(lenet(batch=batch), contestant)
    taken = Usage({"peak_rss_launch_bytes": MEMORY * (0.5 if batch <= limit else 1.5)})
    return launched(case, 0, usage=taken)


def search(limits: dict, first: int = 1, earlier: tuple[Record, ...] = ()) -> list[Task]:
    """The tries of a search, if contestants run up to their limits."""
    there = Ledger(cases((lenet(batch=first),), tuple(limits)), A.id, Kept(), earlier)
    tries: list[Task] = []
    while isinstance(task := SEARCH.next(there, NO_LIMIT), Task):
        ((workload, contestant),) = ((case.workload, case.contestant) for case in task.group.cases)
        tries.append(task)
        assert len(tries) < 100, "it does not stop"
        there.keep([tried(workload.batch, limits[contestant], contestant)])
    assert task == Stop(COMPLETE)
    return tries


def batches(tries: list[Task]) -> list[int]:
    return [task.group.workload.batch for task in tries]


def test_a_search_doubles_until_it_fails_and_halves_what_is_between_to_a_32nd():
    assert batches(search({A: 100})) == [1, 2, 4, 8, 16, 32, 64, 128, 96, 112, 104, 100, 102]


@pytest.mark.slow
@given(st.integers(1, MAX_BATCH), st.sampled_from([1, 3, 8, 256]))
def test_a_search_ends_within_a_32nd_of_the_largest_that_runs(limit, first):
    found = batches(search({A: limit}, first))
    runs = max((batch for batch in found if batch <= limit), default=0)
    fails = min((batch for batch in found if batch > limit), default=MAX_BATCH + 1)
    if limit < first:
        assert found == [first]
        return
    assert runs <= limit < fails
    assert fails - runs <= max(1, runs // CLOSE)
    assert len(set(found)) == len(found) <= 16 + 16, "no batch twice"


def test_a_search_goes_contestant_after_contestant_each_alone():
    found = search({A: 2, B: 1})
    assert [(task.group.contestants, task.group.workload.batch) for task in found] == [
        ((A,), 1), ((A,), 2), ((A,), 4), ((A,), 3),
        ((B,), 1), ((B,), 2),
    ]  # fmt: skip
    assert {(task.launch, task.turns, task.retries, task.unforeseen) for task in found} == {(0, 3, 0, 1)}


def test_a_search_goes_through_the_phases_of_a_network_one_after_another():
    there = Ledger(cases((INFER, TRAIN), (A,)), A.id, Kept())
    tries = []
    while isinstance(task := SEARCH.next(there, NO_LIMIT), Task):
        (case,) = task.group.cases
        tries.append((case.workload.phase, case.workload.batch))
        there.keep([replace(tried(case.workload.batch, 1), case=case)])
    assert tries == [("infer", 1), ("infer", 2), ("train", 1), ("train", 2)]


@given(st.integers(0, 14))
def test_a_search_that_is_resumed_goes_on_where_it_ended(count):
    whole = search({A: 100})
    earlier = tuple(tried(batch, 100) for batch in batches(whole)[:count])
    assert search({A: 100}, earlier=earlier) == whole[count:]


def test_a_case_that_was_out_of_budget_is_searched_when_the_campaign_is_resumed():
    row = Record(Case(lenet(), A), 0, Status.SKIPPED, "the budget was spent before its first launch")
    assert batches(search({A: 2}, earlier=(row,))) == [1, 2, 4, 3]


@pytest.mark.parametrize("status", [Status.CRASHED, Status.OUT_OF_MEMORY, Status.TIMED_OUT, Status.FAILED])
def test_a_batch_whose_launch_failed_is_one_that_does_not_run(status):
    there = Ledger(cases((lenet(),), (A,)), A.id, Kept(), [failed(Case(lenet(batch=8), A), status=status)])
    there.keep([tried(batch, 100) for batch in (1, 2, 4)])
    assert SEARCH.next(there, NO_LIMIT).group.workload.batch == 6


def test_a_search_does_not_try_what_cannot_fit_by_its_table():
    small = BatchSearch(suite(largest_batch=True, memory=10**6))
    there = Ledger(cases((lenet(),), (A,)), A.id, Kept())
    asked = []
    while isinstance(task := small.next(there, NO_LIMIT), Task):
        asked.append(task.group.workload.batch)
        there.keep([launched(Case(task.group.workload, A), 0, usage=Usage({"peak_rss_launch_bytes": 1.0}))])
    assert asked[:3] == [1, 2, 4]
    assert max(asked) < MAX_BATCH, "the table says what the rest would need"


def test_a_search_does_not_try_what_may_take_longer_than_its_time_limit():
    """A launch takes 3 s an image, so that one of 128 would take 384 s."""
    there = Ledger(cases((lenet(),), (A,)), A.id, Kept())
    asked = []
    while isinstance(task := SEARCH.next(there, NO_LIMIT), Task):
        asked.append(task.group.workload.batch)
        there.keep([replace(tried(asked[-1], 10**6), block_seconds={"rounds": 3.0 * asked[-1]})])
    assert asked == [1, 2, 4, 8, 16, 32, 64]


def test_a_search_on_a_card_has_the_card_s_memory_or_the_suite_s_if_it_has_none():
    """The network's table needs 4 KiB an image."""
    own, shared = (BatchSearch(suite(largest_batch=True, memory=10**6), card) for card in (10**8, None))
    found = {}
    for name, schedule in (("own", own), ("shared", shared)):
        there = Ledger(cases((replace(lenet(), device="cuda"),), (A,)), A.id, Kept())
        asked = []
        while isinstance(task := schedule.next(there, NO_LIMIT), Task):
            asked.append(task.group.workload.batch)
            there.keep([launched(Case(task.group.workload, A), 0, usage=Usage({"allocator_bytes": 1.0}))])
        found[name] = max(asked)
    assert 10**6 / 4200 / 2 < found["shared"] < 10**6 / 4096
    assert 10**8 / 4200 / 2 < found["own"] < 10**8 / 4096


def test_a_search_whose_budget_is_spent_stops_before_its_next_try_and_is_complete_if_there_is_none():
    late = Readings(now=2.0, deadline=1.0)
    there = Ledger(cases((lenet(),), (A,)), A.id, Kept())
    assert SEARCH.next(there, late) == Stop(BUDGET)
    there.keep([replace(tried(batch, 1)) for batch in (1, 2)])
    assert SEARCH.next(there, late) == Stop(COMPLETE)
