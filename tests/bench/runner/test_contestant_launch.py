"""Launches of a contestant that fail at any step: which phases lose their launch, and how the others go on."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from simulated import A, B, BlockRun, group, run_block

from bench.launch.fake import Behaviour, FakeLauncher, Fault
from bench.runner.usage import MEMORY, metered
from bench.scheduling.ledger import Group
from bench.worker.messages import (
    CheckOutputs,
    FirstCall,
    Load,
    MeasureLatency,
    MeasureMemory,
    RunTurn,
    SustainedRun,
    WarmUp,
)
from impls.frameworks import PHASES
from results.schema.record import Record, Status
from results.stats.pairing import group_by_block

TURNS, ROUNDS = 3, 2
P = "gradient"
"""The phase that fails."""
OTHERS = tuple(phase for phase in PHASES if phase != P)
WHOLE = group(PHASES)


def run(behaviours, **options: object) -> BlockRun:
    return run_block(WHOLE, behaviours, **{"turns": TURNS, "rounds": ROUNDS, **options})


def fails(at: type | None, status: Status = Status.CRASHED, after: int = 0) -> Behaviour:
    return Behaviour(faults=(Fault(at, status, "planted", after),))


def is_complete(record: Record) -> bool:
    made = (len(record.seconds), len(record.settling), len(record.turns))
    return record.status is Status.MEASURED and made == (TURNS * ROUNDS, TURNS, TURNS)


def processes(done: BlockRun) -> int:
    """Processes of B."""
    return sum(launch.case.contestant == B for launch in done.launcher.launches)


def failures_of(done: BlockRun) -> dict[str, Status]:
    return {phase: record.status for (phase, _), record in done.records.items() if record.status is not Status.MEASURED}


BEFORE_ITS_TURNS = {
    "at its first call": fails(FirstCall, Status.OUT_OF_MEMORY),
    "at its first call, without an answer": fails(FirstCall, Status.TIMED_OUT),
    "at its warm-up": fails(WarmUp, Status.FAILED),
}


@pytest.mark.parametrize("cold", [(A, B), ()], ids=["cold", "warm"])
@pytest.mark.parametrize("where", BEFORE_ITS_TURNS)
def test_a_phase_that_fails_before_its_turns_loses_its_launch_and_the_others_go_on_in_another_process(where, cold):
    behaviour = BEFORE_ITS_TURNS[where]
    done = run({(P, B): behaviour}, cold=cold)
    record = done.records[P, B]
    assert (record.status, record.seconds, record.turns) == (behaviour.faults[0].status, (), ())
    assert record.usage is None
    assert failures_of(done) == {P: record.status}
    assert all(is_complete(done.records[phase, one]) for phase in OTHERS for one in (A, B))
    assert is_complete(done.records[P, A])
    assert processes(done) == 2
    assert done.asked(behaviour.faults[0].at, B).count((P, B)) == 1, "it is not tried again"


def test_the_others_keep_the_places_of_their_turns_and_pair_with_those_of_the_reference():
    undisturbed = run({}).asked(RunTurn)
    done = run({(P, B): fails(FirstCall)})
    assert done.asked(RunTurn) == [turn for turn in undisturbed if turn != (P, B)]
    for phase in PHASES:
        of_reference, of_other = (group_by_block([done.records[phase, one]]).keys() for one in (A, B))
        assert of_other == (of_reference if phase != P else set())


def turns_until_failure(done: BlockRun) -> set[str]:
    """The phases of B that had a turn before the one that failed."""
    turns = [phase for phase, contestant in done.asked(RunTurn) if contestant == B]
    return set(turns[: turns.index(P)])


IN_ITS_FIRST_TURN = {
    "in its first turn": fails(RunTurn, Status.FAILED),
    "in its first turn, without an answer": fails(RunTurn, Status.TIMED_OUT),
    "at the check of its outputs": fails(CheckOutputs, Status.CRASHED),
    "with NaN": Behaviour(finite=False),
    "in another way than requested": Behaviour(fallback="no compiler"),
}


@pytest.mark.parametrize("where", IN_ITS_FIRST_TURN)
def test_phases_that_had_a_turn_before_a_failure_keep_it_and_the_others_go_on_in_another_process(where):
    """Which ones had a turn is random and given by the number of the launch."""
    seen: set[str] = set()
    for launch in range(6):
        done = run({(P, B): IN_ITS_FIRST_TURN[where]}, launch=launch)
        kept = turns_until_failure(done)
        assert set(failures_of(done)) == {P}
        assert done.records[P, B].seconds == done.records[P, B].turns == ()
        for phase in OTHERS:
            record = done.records[phase, B]
            assert is_complete(done.records[phase, A])
            if phase in kept:
                assert (len(record.turns), len(record.seconds)) == (1, ROUNDS)
            else:
                assert is_complete(record)
        assert processes(done) == (1 if kept == set(OTHERS) else 2)
        seen |= {*(f"kept {phase}" for phase in kept), *(f"on {phase}" for phase in set(OTHERS) - kept)}
    assert len(seen) == 2 * len(OTHERS), "both were seen of every other phase"


@pytest.mark.parametrize("at", [RunTurn, CheckOutputs])
def test_a_phase_that_fails_in_a_later_turn_ends_the_process_and_the_others_keep_their_turns(at):
    for launch in range(3):
        done = run({(P, B): fails(at, Status.CRASHED, after=1)}, launch=launch)
        record = done.records[P, B]
        assert failures_of(done) == {P: Status.CRASHED}
        assert (record.seconds, len(record.turns), len(record.settling)) == ((), 1, 1)
        assert len(record.conditions.wall) == ROUNDS, "the conditions that it ran under are kept"
        assert processes(done) == 1, "no phase is left without a turn"
        for phase in OTHERS:
            turns = len(done.records[phase, B].turns)
            assert turns in (1, 2)
            assert len(done.records[phase, B].seconds) == turns * ROUNDS
            assert is_complete(done.records[phase, A])


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [(Behaviour(finite=False), "computed NaN or infinity"), (Behaviour(fallback="no compiler"), "no compiler")],
)
def test_a_phase_that_did_not_compute_what_it_was_asked_for_has_failed(behaviour, reason):
    record = run({(P, B): behaviour}).records[P, B]
    assert (record.status, record.reason, record.seconds) == (Status.FAILED, reason, ())


@pytest.mark.parametrize("cold", [(A, B), ()], ids=["cold", "warm"])
def test_a_failed_measurement_of_memory_costs_the_memory_only(cold):
    done = run({(P, B): fails(MeasureMemory, Status.CRASHED)}, cold=cold)
    assert all(is_complete(record) for record in done.records.values())
    assert processes(done) == 2
    assert done.asked(MeasureMemory, B).count((P, B)) == 1, "it is not tried again"
    assert {done.records[P, B].usage.missing[name] for name in MEMORY} == {"crashed: planted"}
    for phase, contestant in set(done.records) - {(P, B)}:
        assert done.records[phase, contestant].usage.values["peak_rss_step_bytes"] == 1e6


def test_a_failed_sustained_run_costs_the_meters_only():
    done = run({(P, B): fails(SustainedRun, Status.CRASHED)}, sustained="3s")
    assert all(is_complete(record) for record in done.records.values())
    usage = done.records[P, B].usage
    assert usage.values.keys() == MEMORY - {"allocator_bytes"}
    assert {usage.missing[name] for name in metered()} == {"crashed: planted"}
    before, after = done.records["forward", B].usage, done.records["train", B].usage
    assert before.values["sustained_cpus_used"] == 1.0
    assert not after.names & metered(), "the process had ended; the next launch measures it"
    assert all(done.records[phase, A].usage.values["sustained_cpus_used"] == 1.0 for phase in PHASES)


def test_a_sustained_run_is_asked_of_phases_of_the_present_process_only():
    for launch in range(6):
        done = run({(P, B): fails(RunTurn)}, launch=launch, sustained="1s")
        kept = turns_until_failure(done)
        assert {phase for phase, _ in done.asked(SustainedRun, B)} == set(OTHERS) - kept
        assert all(not done.records[phase, B].usage.names & metered() for phase in kept), "nor is it missing"


@pytest.mark.parametrize("at", [None, Load])
def test_a_launch_that_does_not_start_or_load_costs_all_phases(at):
    done = run({("infer", B): fails(at, Status.OUT_OF_MEMORY)})
    for phase in PHASES:
        record = done.records[phase, B]
        assert (record.status, record.reason) == (Status.OUT_OF_MEMORY, "planted")
        assert record.started
        assert record.build_seconds is None
        assert is_complete(done.records[phase, A])
    assert processes(done) == 1
    assert not done.requests((FirstCall, RunTurn), B)


def test_a_process_that_cannot_take_over_costs_the_phases_that_it_was_started_for():
    """Infer fails, and the next process is started for forward."""
    done = run({("infer", B): fails(FirstCall, Status.FAILED), ("forward", B): fails(None, Status.CRASHED)})
    statuses = {phase: done.records[phase, B].status for phase in PHASES}
    assert statuses == {"infer": Status.FAILED} | dict.fromkeys(PHASES[1:], Status.CRASHED)
    assert all(is_complete(done.records[phase, A]) for phase in PHASES)


@pytest.mark.parametrize("cold", [(A, B), ()], ids=["cold", "warm"])
@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(PHASES, 2)))
def test_two_phases_that_fail_in_turn_cost_no_third(one, other, cold):
    done = run({(one, B): fails(FirstCall, Status.FAILED), (other, B): fails(WarmUp, Status.CRASHED)}, cold=cold)
    assert failures_of(done) == {one: Status.FAILED, other: Status.CRASHED}
    assert all(is_complete(done.records[key]) for key in done.records if key not in {(one, B), (other, B)})
    assert processes(done) == 3


def test_all_phases_can_fail():
    done = run({B: fails(WarmUp, Status.FAILED)})
    assert failures_of(done) == dict.fromkeys(PHASES, Status.FAILED)
    assert processes(done) == len(PHASES)
    assert all(is_complete(done.records[phase, A]) for phase in PHASES)


@pytest.mark.parametrize("at", [FirstCall, WarmUp, RunTurn, CheckOutputs])
def test_a_request_that_is_never_answered_takes_the_time_limit_once(at):
    whole, cut = run({}), run({(P, B): fails(at, Status.TIMED_OUT)}, time_limit=60.0)
    another_process = 0.1 + 0.5 + len(OTHERS) * 0.5
    assert 60.0 <= cut.launcher.clock() <= whole.launcher.clock() + 60.0 + another_process


@pytest.mark.parametrize("where", [*BEFORE_ITS_TURNS, *IN_ITS_FIRST_TURN])
def test_a_process_has_ended_before_another_one_takes_over(monkeypatch, where):
    """Also one that answers, but computed NaN: it would hold its memory beside the next."""
    clean, launch = [], FakeLauncher.launch

    def watched(self: FakeLauncher, *arguments: object):
        clean.append(self.is_clean)
        return launch(self, *arguments)

    monkeypatch.setattr(FakeLauncher, "launch", watched)
    for number in range(3):
        run_block(group(PHASES, (B,)), {(P, B): (BEFORE_ITS_TURNS | IN_ITS_FIRST_TURN)[where]}, launch=number)
    assert len(clean) > 3, "another one took over"
    assert all(clean)


def test_first_calls_are_timed_in_the_process_that_takes_over_a_cold_launch_and_not_twice():
    """The phases after the one that failed had not compiled anything yet."""
    times = {(phase, B): Behaviour(first_call_seconds=1.0 + place) for place, phase in enumerate(PHASES)}
    done = run(times | {(P, B): fails(FirstCall)}, cold=(A, B))
    found = {phase: done.records[phase, B].first_call_seconds for phase in PHASES}
    assert found == {"infer": 1.0, "forward": 2.0, P: None, "train": 4.0}
    assert len(done.asked(FirstCall, B)) == 2 + 1 + 3


def test_single_steps_are_timed_after_the_turns_of_every_launch():
    done = run({B: Behaviour(step_seconds=0.004)}, latency="1s", latency_steps=200)
    assert done.asked(MeasureLatency, A) == [(phase, A) for phase in PHASES]
    last_turn = max(one.time for one in done.requests(RunTurn))
    assert min(one.time for one in done.requests(MeasureLatency)) >= last_turn
    latency = done.records[P, B].latency
    assert (latency.steps, latency.percentiles["50"], latency.reason) == (200, 0.004, "")
    assert "99" not in latency.percentiles, "200 steps are too few"
    assert done.records[P, A].latency.steps == 100, "the second is over after 100 steps of 10 ms"
    assert len(latency.conditions.wall) == 1


def test_without_the_suite_s_key_no_single_steps_are_timed():
    done = run({})
    assert not done.requests(MeasureLatency)
    assert {record.latency for record in done.records.values()} == {None}


def test_failed_single_steps_cost_the_latency_only():
    done = run({(P, B): fails(MeasureLatency, Status.CRASHED)}, latency="1s")
    assert all(is_complete(record) for record in done.records.values())
    steps = {phase: done.records[phase, B].latency for phase in PHASES}
    assert (steps[P].steps, steps[P].percentiles, steps[P].reason) == (0, {}, "crashed: planted")
    after = PHASES[PHASES.index(P) + 1 :]
    assert {steps[phase].reason for phase in after} == {"its process had ended"}
    assert all(steps[phase].steps for phase in set(PHASES) - {P, *after})


def test_a_phase_that_was_not_measured_has_no_single_steps():
    done = run({(P, B): fails(FirstCall)}, latency="1s")
    assert done.records[P, B].latency is None
    assert (P, B) not in done.asked(MeasureLatency)


@pytest.mark.parametrize(
    ("device", "search", "copies"),
    [("cuda", True, True), ("cuda", False, False), ("cpu", True, False)],
)
def test_only_a_search_on_a_card_computes_on_copies_of_one_image(device, search, copies):
    """On the CPU, the images of a batch are part of the memory that is searched for."""
    own = Group(tuple(replace(case, workload=replace(case.workload, device=device)) for case in WHOLE.cases))
    done = run_block(own, largest_batch=search)
    assert {one.request.copies for one in done.requests(Load)} == {copies}
