"""Schedules are pure: which launch comes next, and why there is none, from records and clock readings made up here."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated import A, B, Kept, cases, failed, launched, lenet, suite

from bench.runner.largest_batch import CLOSE, BatchSearch
from bench.runner.ledger import Group, Ledger
from bench.runner.schedule import BUDGET, COMPLETE, SPARE, Passes, Readings, Schedule, Stop, Taken, Task, rule
from results.schema.record import Case, Record, Status, Usage, Workload
from results.tables.largest import MAX_BATCH

INFER, TRAIN, LARGE = lenet("infer"), lenet("train"), lenet("infer", batch=8)
WORKLOADS = (INFER, TRAIN, LARGE)
NO_LIMIT = Readings(now=0.0, deadline=1e9)


def ledger(*earlier: Record, workloads: tuple[Workload, ...] = WORKLOADS) -> Ledger:
    return Ledger(cases(workloads), A.id, Kept(), earlier)


def records_of(workload: Workload, launches: int, seconds: Callable[[int], float] = lambda number: 1.0) -> list[Record]:
    return [launched(Case(workload, one), number, seconds(number)) for number in range(launches) for one in (A, B)]


def play(
    schedule: Schedule, ledger: Ledger, seconds: Callable[[Task], float], deadline: float = 1e9
) -> list[Task | Stop]:
    """What a schedule says until it stops, if every launch is measured and takes so many seconds."""
    said: list[Task | Stop] = []
    taken: dict[Workload, Taken] = {}
    time = 0.0
    while len(said) < 1000:
        said.append(schedule.next(ledger, Readings(time, deadline, taken)))
        if isinstance(said[-1], Stop):
            return said
        (task,) = said[-1:]
        time += seconds(task)
        taken[task.group.workload] = Taken(task.launch, seconds(task))
        ledger.keep([launched(case, task.launch, 1.0 + 0.1 * (task.launch % 2)) for case in task.group.cases])
    raise AssertionError("it does not stop")


def launches(said: list[Task | Stop]) -> list[tuple[Workload, int]]:
    return [(task.group.workload, task.launch) for task in said if isinstance(task, Task)]


def test_a_pass_is_one_launch_of_every_group_in_the_order_of_the_suite():
    said = play(Passes(suite(launches=(2, 2))), ledger(), lambda task: 1.0)
    assert launches(said) == [(workload, number) for number in range(2) for workload in WORKLOADS]
    assert said[-1] == Stop(COMPLETE)


def test_groups_that_are_behind_come_first_when_a_campaign_is_resumed():
    there = ledger(*records_of(INFER, 3), *records_of(TRAIN, 1), *records_of(LARGE, 2))
    said = play(Passes(suite(launches=(4, 4))), there, lambda task: 1.0)
    assert launches(said) == [
        (TRAIN, 1),
        (TRAIN, 2), (LARGE, 2),
        (INFER, 3), (TRAIN, 3), (LARGE, 3),
    ]  # fmt: skip


def test_a_budget_that_ends_inside_a_pass_stops_between_two_groups():
    said = play(Passes(suite(launches=(5, 5))), ledger(), lambda task: 10.0, deadline=15.0)
    assert launches(said) == [(INFER, 0), (TRAIN, 0)], "the second began before the deadline"
    assert said[-1] == Stop(BUDGET)


@pytest.mark.parametrize(("left", "begun"), [(SPARE * 30 + 0.001, True), (SPARE * 30 - 0.001, False)])
def test_a_further_pass_is_begun_only_if_its_groups_fit_by_what_they_took_last(left, begun):
    there = ledger(*(record for workload in WORKLOADS for record in records_of(workload, 1)))
    taken = {workload: Taken(0, 10.0) for workload in WORKLOADS}
    said = Passes(suite(launches=(5, 5))).next(there, Readings(100.0, 100.0 + left, taken))
    assert isinstance(said, Task) == begun
    assert begun or said == Stop(BUDGET)


def test_a_pass_that_has_begun_goes_on_until_the_deadline_though_it_takes_longer_than_before():
    there = ledger(*records_of(INFER, 2), *records_of(TRAIN, 1), *records_of(LARGE, 1))
    taken = {INFER: Taken(1, 100.0), TRAIN: Taken(0, 10.0), LARGE: Taken(0, 10.0)}
    schedule = Passes(suite(launches=(5, 5)))
    assert schedule.next(there, Readings(99.0, 100.0, taken)).group.workload == TRAIN
    assert schedule.next(there, Readings(100.5, 100.0, taken)) == Stop(BUDGET)


def test_the_first_pass_of_a_resumed_campaign_is_begun_whatever_it_will_take():
    there = ledger(*(record for workload in WORKLOADS for record in records_of(workload, 1)))
    assert isinstance(Passes(suite(launches=(5, 5))).next(there, Readings(0.0, 0.1)), Task)


def test_a_group_that_is_precise_twice_in_a_row_has_no_further_launch_and_the_others_have():
    there = ledger(*records_of(INFER, 3), *records_of(TRAIN, 3, lambda number: 1.0 + number))
    schedule = Passes(suite(launches=(2, 6), target=0.02))
    infer, train, large = there.groups()
    assert [rule(schedule.suite, there, group) for group in (infer, train, large)] == ["precision", None, None]
    workloads = {workload for workload, _ in launches(play(schedule, there, lambda task: 1.0))}
    assert workloads == {TRAIN, LARGE}


@pytest.mark.parametrize(("made", "expected"), [(3, None), (4, "precision"), (6, "precision")])
def test_a_group_has_the_fewest_launches_however_precise_it_is(made, expected):
    there = ledger(*records_of(INFER, made), workloads=(INFER,))
    assert rule(suite(launches=(4, 6), target=0.02), there, there.groups()[0]) == expected


@pytest.mark.parametrize(("made", "expected"), [(3, None), (4, "launches")])
def test_a_number_of_launches_is_made_however_precise(made, expected):
    there = ledger(*records_of(INFER, made), workloads=(INFER,))
    assert rule(suite(launches=(4, 4), target=0.99), there, there.groups()[0]) == expected


def test_progress_is_told_of_launches_beyond_the_fewest_when_their_pass_begins():
    schedule, there = Passes(suite(launches=(1, 3), target=0.001)), ledger()
    assert schedule.steps(there) == 3
    said = play(schedule, there, lambda task: 1.0)
    assert [task.unforeseen for task in said[:-1]] == [0, 0, 0, 3, 0, 0, 3, 0, 0]


counts = st.lists(st.integers(0, 6), min_size=3, max_size=3)


@given(counts, st.integers(1, 4), st.integers(0, 4), st.floats(0.0, 60.0), st.lists(st.floats(0.0, 9.0), min_size=3))
def test_passes_end_never_exceed_the_most_launches_and_make_the_lowest_first(made, fewest, more, budget, seconds):
    """Whatever was made before, however long launches take, wherever the budget ends."""
    there = ledger(*(record for workload, count in zip(WORKLOADS, made) for record in records_of(workload, count)))
    schedule = Passes(suite(launches=(fewest, fewest + more), target=0.01))
    before = dict(zip(WORKLOADS, made))
    order = itertools.cycle(seconds)
    durations = {(workload, number): next(order) for workload in WORKLOADS for number in range(20)}
    said = play(schedule, there, lambda task: durations[task.group.workload, task.launch], budget)
    for workload, number in launches(said):
        assert number == before[workload] < fewest + more
        assert number == min(before[one] for one in before if not _is_closed(schedule, there, one, before[one]))
        before[workload] += 1
    assert len(set(launches(said))) == len(said) - 1, "no launch twice"


def _is_closed(schedule: Passes, there: Ledger, workload: Workload, count: int) -> bool:
    """Whether the group of a workload had no need of a launch when it had so many."""
    then = ledger(*(record for record in there.records if record.case.workload == workload and record.launch < count))
    return rule(schedule.suite, then, Group(workload, (A, B))) is not None


@given(counts, st.floats(-1.0, 60.0))
def test_a_schedule_asked_twice_says_the_same_and_leaves_the_ledger_as_it_is(made, now):
    there = ledger(*(record for workload, count in zip(WORKLOADS, made) for record in records_of(workload, count)))
    before = list(there.records)
    for schedule in (Passes(suite()), BatchSearch(suite(largest_batch=True))):
        readings = Readings(now, 30.0)
        assert schedule.next(there, readings) == schedule.next(there, readings)
    assert there.records == before


MEMORY = 2**40
SEARCH = BatchSearch(suite(largest_batch=True, memory=MEMORY))


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
        (contestant,) = task.group.contestants
        tries.append(task)
        assert len(tries) < 100, "it does not stop"
        there.keep([tried(task.group.workload.batch, limits[contestant], contestant)])
    assert task == Stop(COMPLETE)
    return tries


def batches(tries: list[Task]) -> list[int]:
    return [task.group.workload.batch for task in tries]


def test_a_search_doubles_until_it_fails_and_halves_what_is_between_to_a_32nd():
    assert batches(search({A: 100})) == [1, 2, 4, 8, 16, 32, 64, 128, 96, 112, 104, 100, 102]


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
    assert {(task.launch, task.retries, task.unforeseen) for task in found} == {(0, 0, 1)}


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


def test_a_search_whose_budget_is_spent_stops_before_its_next_try_and_is_complete_if_there_is_none():
    late = Readings(now=2.0, deadline=1.0)
    there = Ledger(cases((lenet(),), (A,)), A.id, Kept())
    assert SEARCH.next(there, late) == Stop(BUDGET)
    there.keep([replace(tried(batch, 1)) for batch in (1, 2)])
    assert SEARCH.next(there, late) == Stop(COMPLETE)
