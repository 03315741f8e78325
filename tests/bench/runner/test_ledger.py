"""What a campaign knows, and how long it has patience."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bench.runner.ledger import Group, Ledger
from bench.runner.retries import GIVE_UP_AFTER, RetryPolicy
from results.schema.record import Case, Contestant, Record, Status
from tests.support.made_up import measured, workload

LOAD = workload()
ALPHA, BETA = Contestant("alpha", "eager"), Contestant("beta", "eager")
CASES = [Case(LOAD, ALPHA), Case(LOAD, BETA)]


class Kept(list[Record]):
    def append(self, records):  # type: ignore[override]
        self.extend(records)


def launched(contestant: Contestant, number: int) -> Record:
    return replace(measured(Case(LOAD, contestant), number, [1.0]), started="2026-11-23T00:00:00+00:00")


def crashed(contestant: Contestant, number: int) -> Record:
    return Record(Case(LOAD, contestant), number, Status.CRASHED, "killed", started="2026-11-23T00:00:00+00:00")


def ledger(*earlier: Record) -> Ledger:
    return Ledger(CASES, ALPHA.id, Kept(), earlier)


def test_a_crash_has_a_second_chance_and_another_failure_has_none():
    one = ledger()
    one.keep([launched(ALPHA, 0), crashed(BETA, 0)])
    assert one.groups() == [Group(LOAD, (ALPHA, BETA))]
    one.keep([launched(ALPHA, 1), crashed(BETA, 1)])
    assert one.groups() == [Group(LOAD, (ALPHA,))]
    one.keep([Record(CASES[0], 2, Status.FAILED, "NaN", started="now")])
    assert one.groups() == []


def test_a_case_that_is_ruled_out_has_one_row_and_no_launch():
    one = ledger()
    one.rule_out(CASES[1:], Status.SKIPPED, "not installed")
    one.rule_out(CASES[1:], Status.SKIPPED, "not installed")
    assert [record.case for record in one.records] == CASES[1:]
    assert one.next_launch(LOAD) == 0


def test_what_was_launched_before_an_interruption_is_gone_on_from():
    one = ledger(launched(ALPHA, 0), launched(BETA, 0), launched(ALPHA, 1))
    assert one.next_launch(LOAD) == 2, "a block that was cut in two is not completed: its halves did not run together"
    assert one.parity_of(CASES[0]) is not None, "nor is parity asked again"


def test_a_skipped_case_is_tried_again_on_resume_and_a_mismatch_is_not():
    skipped = Record(CASES[0], 0, Status.SKIPPED, "the budget was spent before its first launch")
    wrong = Record(CASES[1], 0, Status.MISMATCH, "scores differ")
    assert ledger(skipped, wrong).groups() == [Group(LOAD, (ALPHA,))]


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
