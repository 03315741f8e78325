"""What a campaign knows of its groups, and how long it has patience."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.runner.retries import GIVE_UP_AFTER, RetryPolicy
from bench.scheduling.ledger import Group, Ledger
from results.schema.record import Case, Contestant, Record, Status, Usage
from tests.support.made_up import measured, workload

INFER, TRAIN = workload(phase="infer"), workload(phase="train")
ALPHA, BETA = Contestant("alpha", "eager"), Contestant("beta", "eager")
COPY = replace(ALPHA, copy=1)
CASES = [Case(phase, one) for phase in (INFER, TRAIN) for one in (ALPHA, BETA)]
WHOLE = Group(tuple(CASES))
A_INFER, B_INFER, A_TRAIN, B_TRAIN = CASES


class Kept(list[Record]):
    def append(self, records):  # type: ignore[override]
        self.extend(records)


def launched(case: Case, number: int, seconds: float = 1.0) -> Record:
    return replace(measured(case, number, [seconds]), started="2026-11-23T00:00:00+00:00")


def crashed(case: Case, number: int) -> Record:
    return Record(case, number, Status.CRASHED, "killed", started="2026-11-23T00:00:00+00:00")


def ledger(*earlier: Record, cases: list[Case] = CASES) -> Ledger:
    return Ledger(cases, ALPHA.id, Kept(), earlier)


def test_phases_of_a_network_are_one_group_and_other_networks_and_streams_are_others():
    large, stream = replace(INFER, batch=64), replace(INFER, stream="exact", parts=((8, 8, 1),))
    other = replace(stream, parts=((9, 9, 1),))
    cases = [Case(load, ALPHA) for load in (INFER, large, stream, TRAIN, other, replace(stream, phase="train"))]
    groups = ledger(cases=cases).groups()
    assert [group.workloads for group in groups] == [
        (INFER, TRAIN), (large,), (stream, replace(stream, phase="train")), (other,),
    ]  # fmt: skip
    assert len({group.id for group in groups}) == 4
    assert [INFER.id.startswith(group.id) for group in groups[:2]] == [True, False]


def test_a_group_is_taken_apart_by_contestant_and_by_phase():
    assert WHOLE.contestants == (ALPHA, BETA)
    assert WHOLE.of({BETA}) == Group((B_INFER, B_TRAIN))
    assert WHOLE.by_workload() == (Group((A_INFER, B_INFER)), Group((A_TRAIN, B_TRAIN)))


def test_a_crash_has_a_second_chance_and_another_failure_has_none():
    one = ledger()
    one.keep([launched(A_INFER, 0), crashed(B_INFER, 0), launched(A_TRAIN, 0), launched(B_TRAIN, 0)])
    assert one.groups() == [WHOLE]
    one.keep([launched(A_INFER, 1), crashed(B_INFER, 1)])
    assert one.groups() == [Group((A_INFER, A_TRAIN, B_TRAIN))], "the other phase goes on"
    one.keep([Record(A_INFER, 2, Status.FAILED, "NaN", started="now")])
    assert one.groups() == [Group((A_TRAIN, B_TRAIN))]
    one.rule_out([A_TRAIN, B_TRAIN], Status.SKIPPED, "planted")
    assert one.groups() == []


def test_a_case_that_is_ruled_out_has_one_row_and_no_launch():
    one = ledger()
    one.rule_out([B_INFER], Status.SKIPPED, "not installed")
    one.rule_out([B_INFER], Status.SKIPPED, "not installed")
    assert [record.case for record in one.records] == [B_INFER]
    assert one.next_launch(WHOLE) == 0


def test_the_next_launch_follows_the_last_one_of_any_phase():
    one = ledger(launched(A_INFER, 0), launched(B_INFER, 0), launched(A_TRAIN, 0), launched(A_INFER, 1))
    assert one.next_launch(WHOLE) == 2, "a block that was cut in two is not completed: its halves did not run together"
    assert one.next_launch(Group((A_TRAIN, B_TRAIN))) == 1
    assert one.parity_of(A_INFER) is not None, "nor is parity asked again"


def test_phases_that_a_killed_campaign_did_not_reach_are_behind():
    both = [launched(case, 0) for case in CASES]
    one = ledger(*both, launched(A_INFER, 1), launched(B_INFER, 1))
    assert one.behind(WHOLE) == Group((A_TRAIN, B_TRAIN))
    one.keep([launched(A_TRAIN, 1), crashed(B_TRAIN, 1)])
    assert one.behind(WHOLE) == WHOLE


def test_a_skipped_case_is_tried_again_on_resume_and_a_mismatch_is_not():
    skipped = Record(A_INFER, 0, Status.SKIPPED, "the budget was spent before its first launch")
    wrong = Record(B_INFER, 0, Status.MISMATCH, "scores differ")
    assert ledger(skipped, wrong).groups() == [Group((A_INFER, A_TRAIN, B_TRAIN))]


def test_a_launch_after_a_crash_is_isolated_in_the_phase_that_crashed_until_one_has_succeeded():
    one = ledger(crashed(B_INFER, 0), launched(B_TRAIN, 0))
    assert [one.has_just_crashed(case) for case in CASES] == [False, True, False, False]
    one.keep([launched(B_INFER, 1)])
    assert not one.has_just_crashed(B_INFER)


def test_the_gates_result_of_a_contestant_is_that_of_its_copies():
    one = ledger(cases=[A_INFER, Case(INFER, COPY)])
    parity = measured(A_INFER, 0, [1.0]).parity
    one.set_parity(INFER.network_id, ALPHA, parity)
    one.set_arithmetic(ALPHA, INFER.precision, "tf32")
    assert one.gate_result(Case(INFER, COPY)) == {"parity": parity, "effective_precision": "tf32"}
    resumed = ledger(launched(Case(INFER, COPY), 0), cases=[A_INFER, Case(INFER, COPY)])
    assert resumed.gate_result(A_INFER) == resumed.gate_result(Case(INFER, COPY)) != {}
    assert resumed.parity_of(A_INFER) is not None


def test_usage_is_joined_over_a_cases_launches():
    first = replace(launched(A_INFER, 0), usage=Usage({"a": 1.0}, {"b": "no"}))
    one = ledger(
        first, replace(launched(A_INFER, 1), usage=Usage({"b": 2.0})), replace(launched(A_TRAIN, 0), usage=None)
    )
    assert one.usage_of(A_INFER) == Usage({"a": 1.0, "b": 2.0})
    assert one.usage_of(A_TRAIN) == Usage()


def test_cells_are_the_ratios_to_the_reference_by_phase_without_copies():
    copy = Case(TRAIN, COPY)
    records = [
        *(launched(case, number, 2.0 if case == B_TRAIN else 1.0) for case in CASES for number in range(2)),
        *(launched(copy, number, 1.5) for number in range(2)),
        launched(B_TRAIN, 2, 9.0),  # without the reference's launch
    ]
    one = ledger(*records, cases=[*CASES, copy])
    own = one.prospects().of(one.groups()[0].cases)
    assert [(prospect.ratio.value, prospect.ratio.launches) for prospect in own] == [(1.0, 2), (2.0, 2)]


def test_cells_without_the_reference_are_ratios_to_the_first_contestant():
    one = ledger(*(launched(case, 0, 4.0) for case in (B_INFER, A_TRAIN, B_TRAIN)), cases=[B_INFER, A_TRAIN, B_TRAIN])
    (prospect,) = one.prospects().of(one.groups()[0].cases)
    assert (prospect.ratio.value, prospect.ratio.launches) == (1.0, 1), "infer has nothing to compare"


def test_records_of_a_network_include_cases_that_are_ruled_out():
    lost = Record(A_INFER, 0, Status.FAILED, "NaN", started="now", block_seconds={"build": 3.0})
    one = ledger(lost, *(launched(case, 0) for case in (B_INFER, A_TRAIN)))
    (group,) = one.groups()
    assert lost not in one.records_of(group)
    assert [record.case for record in one.records_of_network(group)] == [A_INFER, B_INFER, A_TRAIN]


@pytest.mark.parametrize(("spread", "expected"), [(0.0, True), (0.5, False)])
def test_a_group_is_precise_if_every_phase_is(spread, expected):
    records = [
        launched(case, number, 1.0 + (spread * number if case == B_TRAIN else 0.0))
        for case in CASES
        for number in range(4)
    ]
    assert ledger(*records).is_precise(WHOLE, 0.02) == expected
    assert ledger(*records).is_precise(Group((A_INFER, B_INFER)), 0.02)


def test_a_clean_block_is_not_run_again():
    assert not RetryPolicy().should_retry(0, 3, contaminated=False)


def test_a_contaminated_block_is_run_again_up_to_the_limit():
    retry_policy = RetryPolicy()
    assert [retry_policy.should_retry(attempt, 3, contaminated=True) for attempt in range(4)] == [
        True,
        True,
        True,
        False,
    ]


def test_patience_ends_where_it_has_not_helped_and_comes_back_with_a_quiet_machine():
    retry_policy = RetryPolicy()
    for _ in range(GIVE_UP_AFTER):
        assert retry_policy.should_retry(0, 1, contaminated=True)
        assert not retry_policy.should_retry(1, 1, contaminated=True)
    assert not retry_policy.should_retry(0, 1, contaminated=True)
    assert not retry_policy.should_retry(0, 1, contaminated=False)
    assert retry_policy.should_retry(0, 1, contaminated=True)


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 4))
def test_no_block_is_run_more_often_than_it_may_be(machine, max_retries):
    retry_policy, attempt = RetryPolicy(), 0
    for contaminated in machine:
        again = retry_policy.should_retry(attempt, max_retries, contaminated)
        assert not (again and (attempt >= max_retries or not contaminated))
        attempt = attempt + 1 if again else 0
