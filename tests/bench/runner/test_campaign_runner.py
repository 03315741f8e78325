"""Whole campaigns of simulated launches: the gate, retries, subsets, budgets and resume, each in milliseconds."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from simulated import A, B, C, Simulated, cases, failed, launched, lenet

from bench.cost.floors import floor_of
from bench.launch.fake import DIGITS, Behaviour, Fault, scores_in
from bench.runner.usage import MEMORY, NO_SUSTAINED_RUN, metered
from bench.scheduling.allocation import SPARE, Allocation
from bench.scheduling.costs import cost_of
from bench.scheduling.ledger import Group
from bench.scheduling.schedule import Task
from bench.worker.arithmetic import arithmetic
from bench.worker.evidence import Evidence, summarize
from bench.worker.messages import GiveEvidence, Load, ProbeArithmetic, RunTurn, SustainedRun
from impls.host import nvidia
from results.schema.record import Case, Parity, Record, Status, Workload
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
    assert len([asked for asked in done.launcher.requests if isinstance(asked.request, Load)]) == 2 * 2
    assert set(statuses(done.records)) == {Status.MEASURED}
    assert all(record.parity and record.effective_precision == "float32" for record in done.records)
    assert done.launcher.is_clean
    assert done.progress.announced == len(done.progress.begun) == 1 + 2
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


NETWORKS = [lenet(batch=batch) for batch in (1, 2, 3, 4)]


def test_a_budget_that_ends_before_every_network_was_launched_leaves_a_row_for_every_case():
    done = Simulated(lambda case, launch: SLOW, cases(NETWORKS), budget=350.0, time_limit="200s").run()
    assert done.runner.stop == "budget"
    assert {record.case for record in done.records} == set(done.ledger.cases)
    found = {network.batch: statuses(done.of(Case(network, A))) for network in NETWORKS}
    measured, skipped = Status.MEASURED, Status.SKIPPED
    assert found == {1: [measured, measured], 2: [measured], 3: [skipped], 4: [skipped]}
    assert done.of(Case(NETWORKS[3], B))[0].reason == "the budget of 350 s was spent before its first launch"
    assert done.runner.rules == {NETWORKS[0].id: "launches", NETWORKS[1].id: "budget"}


def test_a_network_that_cannot_be_measured_in_the_budget_is_not_examined():
    """The larger network would take longer than the budget; the smaller one has it all."""
    large = Workload("vgg-a", 224, 224, 3, 1000, 64, "float32", "cpu", "train")
    these = cases((large, lenet()))
    done = Simulated(lambda case, launch: Behaviour(step_seconds=0.01), these=these, budget=60.0).run()
    asked = {one.case.workload.architecture for one in done.launcher.requests if isinstance(one.request, GiveEvidence)}
    assert asked == {"lenet5"}
    assert done.runner.stop == "budget"
    assert {record.status for record in done.of(these[0])} == {Status.SKIPPED}
    assert "before its first launch" in done.of(these[0])[0].reason
    assert set(statuses(done.of(these[-1]))) == {Status.MEASURED}


def test_a_budget_that_the_gate_has_spent_measures_nothing_and_says_so_of_every_case():
    done = Simulated(lambda case, launch: Behaviour(evidence_seconds=50.0), budget=10.0).run()
    assert done.runner.stop == "budget"
    assert statuses(done.records) == [Status.SKIPPED] * 2
    assert not [asked for asked in done.launcher.requests if isinstance(asked.request, Load)]


@pytest.mark.parametrize(("more", "launches"), [(-0.01, 1), (0.01, 2)])
def test_a_launch_is_begun_only_with_time_for_all_of_it_and_spare(more, launches):
    def slow(case: Case, launch: int) -> Behaviour:
        return SLOW

    first = Simulated(slow, launches=(1, 1), time_limit="200s").run()
    cost = cost_of(first.ledger, Group((ONE, OTHER))).seconds(first.suite.turns[0])
    assert cost > 100.0
    budget = first.clock() + SPARE * cost + more
    done = Simulated(slow, launches=(2, 2), budget=budget, time_limit="200s").run()
    assert done.runner.stop == ("budget" if launches == 1 else "complete")
    assert len(done.of(ONE)) == len(done.of(OTHER)) == launches
    assert set(statuses(done.records)) == {Status.MEASURED}
    assert done.clock() <= budget


PARITY = Parity(0, 0, 0, "weight", 2)


def earlier_launches(counts: dict[Workload, int]) -> list[Record]:
    return [
        launched(Case(workload, one), number, parity=PARITY, effective_precision="float32")
        for workload, count in counts.items()
        for number in range(count)
        for one in (A, B)
    ]


def test_a_resumed_campaign_makes_the_launches_that_are_missing_and_skips_the_gate():
    earlier = earlier_launches({NETWORKS[0]: 4, NETWORKS[1]: 1})
    done = Simulated(these=cases(NETWORKS[:2]), earlier=earlier, launches=(4, 4)).run()
    assert [(record.case.workload.batch, record.launch) for record in done.records[::2]] == [(2, 1), (2, 2), (2, 3)]
    asked = {type(asked.request) for asked in done.launcher.requests}
    assert not asked & {GiveEvidence, ProbeArithmetic}
    assert {record.parity for record in done.records} == {PARITY}


def test_phases_that_were_not_reached_before_an_interruption_are_launched_alone_until_they_have_caught_up():
    """As when phases do not fit into memory together, and the campaign was killed between their blocks."""
    phases = [lenet(phase) for phase in ("infer", "train")]
    earlier = earlier_launches({phases[0]: 3, phases[1]: 1})
    done = Simulated(these=cases(phases), earlier=earlier, launches=(4, 4)).run()
    assert [(record.case.workload.phase, record.launch) for record in done.records[::2]] == [
        ("train", 1), ("train", 2), ("infer", 3), ("train", 3),
    ]  # fmt: skip
    assert done.progress.announced == len(done.progress.begun) == 3
    assert done.runner.stop == "complete"


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


WRONG = Evidence(scores=summarize(np.array([[0.25, 0.75]])), loss=0.5, gradients={"weight": [1.0, 0.5, 9.0]})
REFUSED = {
    "another network": (dict(evidence=WRONG), Status.MISMATCH, "the gradient of weight differs by"),
    "scores of another shape": (
        dict(evidence=Evidence(summarize(np.array([[1.0]])), 0.5, {})),
        Status.MISMATCH,
        "gives scores of shape",
    ),
    "NaN": (
        dict(evidence=Evidence(summarize(np.array([[math.nan, 1.0]])), 0.5, WRONG.gradients)),
        Status.MISMATCH,
        "a score differs",
    ),
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


@pytest.mark.parametrize("status", [Status.FAILED, Status.OUT_OF_MEMORY])
def test_a_reference_that_fails_in_the_first_phase_ends_no_campaign(status):
    """The seconds of a block are in its first record, whose case is ruled out then."""
    phases = [lenet(phase) for phase in ("infer", "train")]
    case = Case(phases[0], A)
    done = Simulated(plan(case, faults=(Fault(RunTurn, status),)), these=cases(phases), launches=(3, 3)).run()
    assert statuses(done.of(case)) == [status]
    for other in set(done.ledger.cases) - {case}:
        assert statuses(done.of(other)) == [Status.MEASURED] * 3
    assert done.runner.stop == "complete"


def test_meters_that_a_process_ended_before_are_read_in_the_next_launch():
    phases = [lenet(phase) for phase in ("infer", "gradient", "train")]
    case = Case(phases[0], B)
    done = Simulated(plan(case, faults=(Fault(SustainedRun, Status.CRASHED),)), cases(phases), sustained="3s").run()
    assert set(statuses(done.records)) == {Status.MEASURED}
    for one in done.ledger.cases:
        usage = done.ledger.usage_of(one)
        assert usage.names == MEMORY | metered()
        if one == case:
            assert {usage.missing[name] for name in metered()} == {"crashed: planted"}
        else:
            assert usage.values["sustained_cpus_used"] == 1.0


def test_a_launch_after_a_crash_has_a_zygote_of_its_own_and_the_next_one_shares_again():
    def script(case: Case, launch: int) -> Behaviour:
        return Behaviour(faults=(Fault(RunTurn, Status.CRASHED),)) if (case, launch) == (OTHER, 1) else Behaviour()

    done = Simulated(script, launches=(4, 4)).run()
    assert statuses(done.of(OTHER)) == [Status.MEASURED, Status.CRASHED, Status.MEASURED, Status.MEASURED]
    gate = 1  # the launch that gives evidence
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
        return Behaviour(step_seconds=0.01 * rng.uniform(1, 3) if case.workload.batch == 2 else 0.01)

    done = Simulated(script, these=cases(NETWORKS[:2]), launches=(2, 6), target=0.02).run()
    assert done.runner.rules == {NETWORKS[0].id: "precision", NETWORKS[1].id: "launches"}
    assert [len(done.of(Case(network, A))) for network in NETWORKS[:2]] == [3, 6]


def test_a_group_goes_on_until_all_its_phases_are_precise():
    rng = random.Random(2)

    def script(case: Case, launch: int) -> Behaviour:
        return Behaviour(step_seconds=0.01 * rng.uniform(1, 3) if case.workload.phase == "train" else 0.01)

    phases = [lenet(phase) for phase in ("infer", "train")]
    done = Simulated(script, these=cases(phases), launches=(2, 6), target=0.02).run()
    assert done.runner.rules == dict.fromkeys((phase.id for phase in phases), "launches")
    assert [len(done.of(Case(phase, A))) for phase in phases] == [6, 6]


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


def test_a_sustained_run_is_made_in_a_cases_first_launch_and_not_charged_to_the_next():
    done = Simulated(sustained="60s", budget=140.0, time_limit="100s").run()
    asked = [asked for asked in done.launcher.requests if isinstance(asked.request, SustainedRun)]
    assert sorted(one.case for one in asked) == sorted((ONE, OTHER))
    assert {record.launch for record in done.records} == {0, 1}, "the second launch fits without the sustained runs"
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
    earlier = [launched(Case(NETWORKS[0], one), number) for number in range(3) for one in (A, B)]
    done = Simulated(these=cases(NETWORKS[:2]), earlier=earlier, launches=(3, 3)).run()
    assert {record.case.workload for record in done.records} == {NETWORKS[1]}
    assert [record.launch for record in done.of(Case(NETWORKS[1], A))] == [0, 1, 2]
    assert (done.runner.stop, set(done.runner.rules.values())) == ("complete", {"launches"})


def test_records_of_before_the_seconds_of_blocks_were_kept_are_gone_on_from():
    earlier = [launched(case, 0, turns=(0,), schema=6) for case in cases()]
    done = Simulated(earlier=earlier, launches=(3, 3)).run()
    assert [record.launch for record in done.of(ONE)] == [1, 2]


def test_copies_are_launched_and_measured_beside_their_originals_and_pass_the_gate_with_them():
    copy = replace(A, copy=1)
    done = Simulated(these=cases(contestants=(A, B, copy))).run()
    assert statuses(done.of(Case(lenet(), copy))) == [Status.MEASURED] * 2
    examined = [asked.case.contestant for asked in done.launcher.requests if isinstance(asked.request, GiveEvidence)]
    assert set(examined) == {A, B}
    assert len({record.parity for record in done.of(Case(lenet(), copy))} | {done.of(ONE)[0].parity}) == 1


def test_a_copy_whose_original_is_refused_is_not_measured():
    copy = replace(B, copy=1)
    done = Simulated(
        lambda case, launch: Behaviour(evidence=WRONG) if case.contestant == B else Behaviour(),
        these=cases(contestants=(A, B, copy)),
    ).run()
    assert statuses(done.of(Case(lenet(), copy))) == statuses(done.of(OTHER)) == [Status.MISMATCH]


def test_single_steps_are_timed_in_every_launch_and_their_time_is_part_of_its_cost():
    done = Simulated(latency="2s", latency_steps=50).run()
    assert len(done.records) == 4
    assert {record.latency.steps for record in done.records} == {50}
    firsts = [record for record in done.records if record.block_seconds]
    assert all(record.block_seconds["other"] >= 2 * 50 * 0.01 for record in firsts), "of both contestants"


def test_a_search_on_a_card_is_limited_by_what_its_driver_reports(monkeypatch):
    monkeypatch.setattr(nvidia, "models", lambda: [["a driver", "a card", 5e9]])
    on_card = cases([replace(lenet(), device="cuda")])
    assert Simulated(these=on_card, largest_batch=True).runner._schedule.card == 5e9
    assert Simulated(largest_batch=True).runner._schedule.card is None


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
    monkeypatch.setattr(Allocation, "next", lambda *_: Task(Group((ONE,)), 0, 1, 0, "launch 1 of nothing"))
    with pytest.raises(RuntimeError, match="launch 1 of nothing left no record"):
        campaign.run()
    assert campaign.runner.stop == "interrupted"
