"""Whole campaigns of simulated launches: the gate, retries, subsets, budgets and resume, each in milliseconds."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated import A, B, C, Simulated, cases, failed, launched, lenet

from bench.cost import memory
from bench.cost.floors import floor_of
from bench.launch.fake import DIGITS, Behaviour, Fault, scores_in
from bench.launch.weights import Weights
from bench.runner import colocation
from bench.runner.block_runner import BlockRunner
from bench.runner.ledger import Group
from bench.runner.retries import RetryPolicy
from bench.runner.schedule import Passes, Task
from bench.runner.usage import MEMORY, NO_SUSTAINED_RUN, metered
from bench.worker.arithmetic import arithmetic
from bench.worker.evidence import Evidence
from bench.worker.messages import GiveEvidence, Load, ProbeArithmetic, RunTurn, SustainedRun
from results.schema.record import Case, Contestant, Parity, Record, Status
from results.stats.pairing import counted
from results.tables.largest import fits

ONE, OTHER = Case(lenet(), A), Case(lenet(), B)


def plan(case: Case, **behaviour: object):
    """A script in which this case behaves so at every launch, and all others as usual."""
    return lambda one, launch: Behaviour(**behaviour) if one == case else Behaviour()


def statuses(records: list[Record]) -> list[Status]:
    return [record.status for record in records]


def test_a_campaign_measures_every_case_as_often_as_its_suite_says():
    done = Simulated(these=cases((lenet(), lenet("train")))).run()
    assert (done.runner.stop, set(done.runner.rules.values())) == ("complete", {"launches"})
    assert [(record.case.workload.phase, record.launch) for record in done.records] == [
        ("infer", 0), ("infer", 0), ("train", 0), ("train", 0),
        ("infer", 1), ("infer", 1), ("train", 1), ("train", 1),
    ]  # fmt: skip
    assert set(statuses(done.records)) == {Status.MEASURED}
    assert all(record.parity and record.effective_precision == "float32" for record in done.records)
    assert done.launcher.is_clean
    assert done.progress.announced == len(done.progress.begun) == 1 + 1 + 4
    assert done.progress.ended


def test_the_same_script_gives_the_same_records():
    def noisy() -> Simulated:
        rng = random.Random(1)
        return Simulated(lambda case, launch: Behaviour(step_seconds=lambda: rng.lognormvariate(-4.6, 0.1))).run()

    one, other = noisy(), noisy()
    assert [record.seconds for record in one.records] == [record.seconds for record in other.records]
    assert len(set(one.records[0].seconds)) > 1
    assert one.clock() == other.clock()


SLOW = Behaviour(build_seconds=100.0)


def test_a_budget_that_ends_inside_the_first_pass_leaves_a_row_for_every_case():
    phases = [lenet(phase) for phase in ("infer", "forward", "gradient", "train")]
    done = Simulated(lambda case, launch: SLOW, these=cases(phases), budget=150.0, time_limit="200s").run()
    assert done.runner.stop == "budget"
    assert {record.case for record in done.records} == set(done.ledger.cases)
    by_phase = {record.case.workload.phase: record for record in done.records}
    assert statuses(list(by_phase.values())) == [Status.MEASURED, Status.MEASURED, Status.SKIPPED, Status.SKIPPED]
    assert by_phase["train"].reason == "the budget of 150 s was spent before its first launch"
    assert done.runner.rules == {lenet("infer").id: "budget", lenet("forward").id: "budget"}


def test_a_budget_that_the_gate_has_spent_measures_nothing_and_says_so_of_every_case():
    done = Simulated(lambda case, launch: Behaviour(evidence_seconds=50.0), budget=10.0).run()
    assert done.runner.stop == "budget"
    assert statuses(done.records) == [Status.SKIPPED] * 2
    assert not [asked for asked in done.launcher.requests if isinstance(asked.request, Load)]


def test_a_second_pass_is_not_begun_without_time_for_all_of_it():
    phases = [lenet(phase) for phase in ("infer", "train")]
    done = Simulated(lambda case, launch: SLOW, these=cases(phases), budget=350.0, time_limit="200s").run()
    assert done.runner.stop == "budget"
    assert {record.launch for record in done.records} == {0}
    assert set(statuses(done.records)) == {Status.MEASURED}


def test_a_resumed_campaign_makes_the_launches_that_are_behind_first_and_skips_the_gate():
    parity = Parity(0, 0, 0, "weight", 2)
    phases = [lenet(phase) for phase in ("infer", "train")]
    earlier = [
        launched(Case(workload, one), number, parity=parity, effective_precision="float32")
        for workload, count in zip(phases, (3, 1))
        for number in range(count)
        for one in (A, B)
    ]
    done = Simulated(these=cases(phases), earlier=earlier, launches=(4, 4)).run()
    assert [(record.case.workload.phase, record.launch) for record in done.records[::2]] == [
        ("train", 1), ("train", 2), ("infer", 3), ("train", 3),
    ]  # fmt: skip
    asked = {type(asked.request) for asked in done.launcher.requests}
    assert not asked & {GiveEvidence, ProbeArithmetic}
    assert {record.parity for record in done.records} == {parity}


def test_a_block_that_was_cut_in_two_is_not_completed_but_followed_by_the_next():
    earlier = [launched(ONE, 0)]
    done = Simulated(earlier=earlier, launches=(2, 2)).run()
    assert [(record.case, record.launch) for record in done.records] == [(ONE, 1), (OTHER, 1)]


def test_an_interruption_keeps_what_was_measured_and_ends_every_launch():
    def script(case: Case, launch: int) -> Behaviour:
        if (case, launch) == (OTHER, 1):
            raise KeyboardInterrupt
        return Behaviour()

    campaign = Simulated(script, launches=(3, 3))
    with pytest.raises(KeyboardInterrupt):
        campaign.run()
    assert campaign.runner.stop == "interrupted"
    assert [record.launch for record in campaign.records] == [0, 0]
    assert campaign.progress.ended
    assert campaign.launcher.is_clean


WRONG = Evidence(scores=[[0.25, 0.75]], loss=0.5, gradients={"weight": [1.0, 0.5, 9.0]})
REFUSED = {
    "another network": (dict(evidence=WRONG), Status.MISMATCH, "the gradient of weight differs by"),
    "scores of another shape": (dict(evidence=Evidence([[1.0]], 0.5, {})), Status.MISMATCH, "gives scores of shape"),
    "NaN": (dict(evidence=Evidence([[math.nan, 1.0]], 0.5, WRONG.gradients)), Status.MISMATCH, "a score differs"),
    "less precision than asked for": (dict(arithmetic="tf32"), Status.MISMATCH, "computes in tf32 where float32 was"),
    "a crash": (dict(faults=(Fault(GiveEvidence, Status.CRASHED, "killed"),)), Status.CRASHED, "killed"),
    "no end": (dict(evidence_seconds=61.0), Status.TIMED_OUT, "no answer within 60 s"),
    "no memory": (dict(faults=(Fault(GiveEvidence, Status.OUT_OF_MEMORY),)), Status.OUT_OF_MEMORY, "planted"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_contestant_that_the_gate_refuses_has_one_row_a_case_and_costs_no_other(fault):
    behaviour, status, reason = REFUSED[fault]
    phases = [lenet(phase) for phase in ("infer", "train")]
    done = Simulated(
        lambda case, launch: Behaviour(**behaviour) if case.contestant == C else Behaviour(),
        these=cases(phases, (A, B, C)), time_limit="60s",
    ).run()  # fmt: skip
    refused = [record for record in done.records if record.case.contestant == C]
    assert [(record.case.workload, record.status, record.launch) for record in refused] == [
        (workload, status, 0) for workload in phases
    ]
    assert all(reason in record.reason for record in refused)
    assert not [asked for asked in done.launcher.requests if asked.case.contestant == C and type(asked.request) is Load]
    others = [record for record in done.records if record.case.contestant != C]
    assert statuses(others) == [Status.MEASURED] * 2 * 2 * 2


def test_a_probe_that_fails_does_not_hold_a_contestant_back():
    done = Simulated(plan(OTHER, faults=(Fault(ProbeArithmetic, Status.SKIPPED, "has no way to run it"),))).run()
    assert set(statuses(done.records)) == {Status.MEASURED}
    assert {record.effective_precision for record in done.of(OTHER)} == {""}


@pytest.mark.parametrize("name", DIGITS)
def test_simulated_scores_are_those_of_the_arithmetic(name):
    assert arithmetic(scores_in(name)) == name


def test_a_contestant_that_fails_in_one_phase_loses_that_phase_only():
    phases = [lenet(phase) for phase in ("infer", "train")]
    case = Case(phases[1], B)
    done = Simulated(plan(case, faults=(Fault(RunTurn, Status.FAILED, "diverged"),)), these=cases(phases)).run()
    assert statuses(done.of(case)) == [Status.FAILED], "a failure has no second chance"
    assert statuses(done.of(Case(phases[0], B))) == [Status.MEASURED] * 2
    assert statuses(done.of(Case(phases[1], A))) == [Status.MEASURED] * 2
    assert done.runner.stop == "complete"


def test_a_launch_after_a_crash_has_a_zygote_of_its_own_and_the_next_one_shares_again():
    def script(case: Case, launch: int) -> Behaviour:
        return Behaviour(faults=(Fault(RunTurn, Status.CRASHED),)) if (case, launch) == (OTHER, 1) else Behaviour()

    done = Simulated(script, launches=(4, 4)).run()
    assert statuses(done.of(OTHER)) == [Status.MEASURED, Status.CRASHED, Status.MEASURED, Status.MEASURED]
    gate = 2  # a launch each for the probe and for the evidence
    dedicated = [launch.dedicated_zygote for launch in done.launcher.launches if launch.case == OTHER][gate:]
    assert dedicated == [False, False, True, False]
    assert not any(one.dedicated_zygote for one in done.launcher.launches if one.case == ONE)


def test_a_second_crash_is_the_last():
    done = Simulated(plan(OTHER, faults=(Fault(RunTurn, Status.CRASHED),)), launches=(5, 5)).run()
    assert statuses(done.of(OTHER)) == [Status.CRASHED] * 2
    assert statuses(done.of(ONE)) == [Status.MEASURED] * 5
    earlier = [failed(OTHER)]
    again = Simulated(plan(OTHER, faults=(Fault(RunTurn, Status.CRASHED),)), earlier=earlier, launches=(5, 5)).run()
    assert statuses(again.of(OTHER)) == [Status.CRASHED], "the one before the interruption counts"


def test_a_group_whose_intervals_are_narrow_ends_and_one_whose_are_not_has_all_its_launches():
    rng = random.Random(2)

    def script(case: Case, launch: int) -> Behaviour:
        return Behaviour(step_seconds=0.01 * rng.uniform(1, 3) if case.workload.phase == "train" else 0.01)

    phases = [lenet(phase) for phase in ("infer", "train")]
    done = Simulated(script, these=cases(phases), launches=(2, 6), target=0.02).run()
    assert done.runner.rules == {phases[0].id: "precision", phases[1].id: "launches"}
    assert [len(done.of(Case(phase, A))) for phase in phases] == [3, 6]


BUSY = {"foreign_cpu": 1.0}


def busy_until(attempts: int, **others: object):
    """A script of a machine that disturbs every block's first attempts."""
    return lambda case, launch: Behaviour(disturbance=BUSY if launch < attempts else {}, **others)


LONG = dict(turns=10, rounds=10, round_seconds=0.05)
"""Rounds that last long enough for a disturbance to be told from the ticks of the counters."""


def attempts(done: Simulated, case: Case) -> list[int]:
    return [record.attempt for record in done.of(case)]


@pytest.mark.parametrize(("disturbed", "max_retries", "made"), [(0, 3, 1), (1, 3, 2), (2, 3, 3), (9, 3, 4), (9, 0, 1)])
def test_a_disturbed_block_is_made_again_until_it_is_clean_or_was_often_enough(disturbed, max_retries, made):
    done = Simulated(busy_until(disturbed), launches=(1, 1), max_retries=max_retries, **LONG).run()
    for case in (ONE, OTHER):
        assert attempts(done, case) == list(range(made))
        assert {record.launch for record in done.of(case)} == {0}
        assert [record.attempt for record in counted(done.of(case))] == [made - 1]


def test_a_disturbed_block_is_not_made_again_beyond_the_deadline():
    options = dict(launches=(1, 1), max_retries=5, **LONG)
    whole = Simulated(busy_until(9, build_seconds=100.0), time_limit="200s", **options).run()
    assert attempts(whole, ONE) == list(range(6))
    done = Simulated(busy_until(9, build_seconds=100.0), time_limit="200s", budget=250.0, **options).run()
    assert attempts(done, ONE) == [0, 1, 2], "the one that began before the deadline is the last"
    assert done.runner.stop == "complete"


def test_a_contestant_that_fails_in_a_disturbed_attempt_has_no_part_in_the_next():
    def script(case: Case, launch: int) -> Behaviour:
        faults = (Fault(RunTurn, Status.FAILED),) if case == OTHER else ()
        return Behaviour(disturbance=BUSY, faults=faults)

    done = Simulated(script, launches=(1, 1), max_retries=2, **LONG).run()
    assert (attempts(done, ONE), attempts(done, OTHER)) == ([0, 1, 2], [0])


def test_a_sustained_run_is_made_in_a_cases_first_launch_and_not_charged_to_the_next_pass():
    done = Simulated(sustained="60s", budget=140.0, time_limit="100s").run()
    asked = [asked for asked in done.launcher.requests if isinstance(asked.request, SustainedRun)]
    assert [one.case for one in asked] == [ONE, OTHER]
    assert {record.launch for record in done.records} == {0, 1}, "the second pass fits without the sustained runs"
    assert done.clock() < 140.0


def test_what_is_known_of_a_cases_use_is_not_asked_again_by_its_second_launch():
    done = Simulated().run()
    first, second = done.of(ONE)
    assert first.usage.names == MEMORY | metered()
    assert {first.usage.missing[name] for name in metered()} == {NO_SUSTAINED_RUN}
    assert second.usage is None


def test_a_group_that_cannot_fit_by_its_table_has_its_rows_and_the_rest_is_measured():
    these = cases((lenet(), lenet(batch=64)))
    allowed = floor_of(lenet(batch=64)).memory_bytes - 1
    done = Simulated(these=these, memory=allowed).run()
    refused = [record for record in done.records if record.case.workload.batch == 64]
    assert statuses(refused) == [Status.OUT_OF_MEMORY] * 2
    assert all("needs at least " in record.reason for record in refused)
    assert all("raise it with --memory" in record.reason for record in refused)
    assert statuses(done.of(ONE)) == [Status.MEASURED] * 2
    assert done.runner.stop == "complete"


def test_a_finished_group_is_not_measured_again_when_a_campaign_is_resumed():
    phases = [lenet(phase) for phase in ("infer", "train")]
    earlier = [launched(Case(phases[0], one), number) for number in range(3) for one in (A, B)]
    done = Simulated(these=cases(phases), earlier=earlier, launches=(3, 3)).run()
    assert {record.case.workload for record in done.records} == {phases[1]}
    assert [record.launch for record in done.of(Case(phases[1], A))] == [0, 1, 2]
    assert (done.runner.stop, set(done.runner.rules.values())) == ("complete", {"launches"})


FIVE = (A, B, C, Contestant("fake-clock", "nothing"), Contestant("fake-clock", "fast", setting="as-shipped"))


@given(st.integers(1, 5), st.integers(1, 6))
def test_a_group_that_does_not_fit_in_memory_is_measured_in_parts_that_share_the_reference(count, room):
    """Every ratio to the reference is of two launches that took turns with each other."""
    contestants = FIVE[:count]
    campaign = Simulated(these=cases((lenet(),), contestants), launches=(1, 1))
    limit = colocation.ZYGOTE_BYTES + room * memory.estimate(lenet())
    with campaign.launcher as launcher:
        blocks = BlockRunner(
            launcher, Weights(launcher.folder), campaign.suite, campaign.ledger, RetryPolicy(), limit, campaign.clock
        )
        blocks.run(Task(Group(lenet(), contestants), 0, 0, ""), deadline=math.inf)
    parts: dict[int, list[Contestant]] = {}
    for record in campaign.records:
        assert record.status is Status.MEASURED
        parts.setdefault(record.subset, []).append(record.case.contestant)
    assert {one for part in parts.values() for one in part} == set(contestants)
    assert max(map(len, parts.values())) <= room
    if room > 1:
        assert all(part[0] == A for part in parts.values())
        assert all(sum(one in part for part in parts.values()) == 1 for one in contestants[1:])
    else:
        assert all(len(part) == 1 for part in parts.values())


def test_the_largest_batch_is_found_by_launches_and_recorded():
    limit = {A: 100, B: 37}

    def script(case: Case, launch: int) -> Behaviour:
        taken = 2**39 if case.workload.batch <= limit[case.contestant] else 2**41
        return Behaviour(
            memory={"peak_rss_step_bytes": 1.0, "peak_rss_launch_bytes": float(taken), "allocator_bytes": "unknown"}
        )

    done = Simulated(script, largest_batch=True, memory=2**40).run()
    assert done.runner.stop == "complete"
    for contestant, most in limit.items():
        own = [record for record in done.records if record.case.contestant == contestant]
        found = max(record.case.workload.batch for record in own if fits(record, 2**40))
        assert most * (1 - 1 / 32) <= found <= most
    assert done.progress.announced == len(done.progress.begun)


@pytest.mark.parametrize("status", [Status.FAILED, Status.SKIPPED])
def test_a_batch_that_the_gate_has_refused_is_not_tried_from_a_smaller_one(status):
    def script(case: Case, launch: int) -> Behaviour:
        refused = case.workload.batch == 2 and case.contestant == B
        return Behaviour(faults=(Fault(GiveEvidence, status),) if refused else ())

    these = cases((lenet(batch=1), lenet(batch=2)))
    done = Simulated(script, these, largest_batch=True, memory=2**22).run()
    own = [record for record in done.records if record.case.contestant == B]
    assert [(record.case.workload.batch, record.status) for record in own] == [(2, status), (1, Status.MEASURED)]
    assert done.runner.stop == "complete"


def test_a_batch_that_is_out_of_memory_or_crashes_bounds_the_search():
    def script(case: Case, launch: int) -> Behaviour:
        status = Status.OUT_OF_MEMORY if case.contestant == A else Status.CRASHED
        return Behaviour(faults=(Fault(RunTurn, status),) if case.workload.batch > 5 else ())

    done = Simulated(script, largest_batch=True, memory=2**40, max_retries=3).run()
    for contestant in (A, B):
        own = [record for record in done.records if record.case.contestant == contestant]
        assert [record.case.workload.batch for record in own] == [1, 2, 4, 8, 6, 5]
        assert {record.attempt for record in own} == {0}


def test_a_schedule_that_asks_for_what_is_ruled_out_is_an_error_and_no_endless_loop(monkeypatch):
    campaign = Simulated()
    campaign.ledger.rule_out([ONE], Status.SKIPPED, "planted")
    monkeypatch.setattr(Passes, "next", lambda *_: Task(Group(lenet(), (A,)), 0, 0, "launch 1 of nothing"))
    with pytest.raises(RuntimeError, match="launch 1 of nothing left no record"):
        campaign.run()
    assert campaign.runner.stop == "interrupted"
