"""Blocks of simulated launches: the order of first calls, memory and turns, and where the wall time goes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated import A, B, BlockRun, C, group, run_block

from bench.launch.fake import Behaviour, Fault
from bench.runner.usage import MEMORY, NO_SUSTAINED_RUN, metered
from bench.scheduling.ledger import Group
from bench.scheduling.parts import BUILD, FIRST_CALL, METERS, ROUNDS, SETTLING, WARM_UP
from bench.worker.messages import CheckOutputs, FirstCall, Load, MeasureMemory, RunTurn, SustainedRun, WarmUp
from impls.frameworks import PHASES
from results.schema.record import Case, Contestant, Status, Usage

ALL = (A, B, C)
TURNS, ROUNDS_A_TURN = 4, 2
WHOLE = group(PHASES, ALL)
KNOWN = {case: Usage(missing=dict.fromkeys(MEMORY | metered(), "known")) for case in WHOLE.cases}


def run(behaviours=None, whole=WHOLE, **options: object) -> BlockRun:
    return run_block(whole, behaviours, **{"turns": TURNS, "rounds": ROUNDS_A_TURN, **options})


def chunks(items: list, size: int) -> list[list]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def test_one_process_of_a_contestant_serves_all_phases():
    done = run()
    assert sorted(launch.case.contestant.id for launch in done.launcher.launches) == sorted(one.id for one in ALL)
    assert len(done.requests(Load)) == len(ALL)
    for record in done.records.values():
        assert record.status is Status.MEASURED
        assert (len(record.seconds), len(record.settling)) == (TURNS * ROUNDS_A_TURN, TURNS)
        assert len(record.conditions.wall) == TURNS * ROUNDS_A_TURN
        assert record.start_seconds == pytest.approx(0.1)
        assert record.build_seconds == 0.5


def test_in_each_pass_every_phase_and_contestant_has_a_turn_and_those_of_a_phase_are_neighbours():
    done = run()
    turns = done.asked(RunTurn)
    passes = chunks(turns, len(WHOLE.cases))
    assert len(passes) == TURNS
    for one in passes:
        assert sorted(one) == sorted((case.workload.phase, case.contestant) for case in WHOLE.cases)
        assert all(len({phase for phase, _ in neighbours}) == 1 for neighbours in chunks(one, len(ALL)))
    assert done.asked(CheckOutputs) == turns
    for key, record in done.records.items():
        assert record.turns == tuple(place for place, turn in enumerate(turns) if turn == key)


def test_orders_of_phases_and_of_contestants_differ_between_passes():
    passes = chunks(run().asked(RunTurn), len(WHOLE.cases))
    phases = {tuple(phase for phase, _ in one[:: len(ALL)]) for one in passes}
    contestants = {tuple(contestant for _, contestant in part) for one in passes for part in chunks(one, len(ALL))}
    assert len(phases) > 1
    assert len(contestants) > 1


@pytest.mark.parametrize("other", [dict(seed=8), dict(launch=1), dict(attempt=1)])
def test_the_seed_the_launch_and_the_attempt_give_the_order(other):
    turns = run(seed=7).asked(RunTurn)
    assert run(seed=7).asked(RunTurn) == turns
    assert run(**{"seed": 7, **other}).asked(RunTurn) != turns


def test_all_launches_of_a_block_build_concurrently():
    done = run({B: Behaviour(build_seconds=7.0)})
    first_call = min(one.time for one in done.requests(FirstCall))
    assert max(one.time for one in done.requests(Load)) < first_call
    assert first_call == pytest.approx(0.1 + 7.0, abs=0.3), "the longest of the builds, not their sum"
    assert {record.build_seconds for (_, one), record in done.records.items() if one == B} == {7.0}


def test_a_cold_launch_makes_first_calls_one_at_a_time_in_the_order_of_phases_and_times_them():
    took = {(phase, one): 1.0 + place for place, (phase, one) in enumerate((p, c) for p in PHASES for c in ALL)}
    done = run({key: Behaviour(first_call_seconds=seconds) for key, seconds in took.items()}, cold=ALL)
    assert {key: record.first_call_seconds for key, record in done.records.items()} == took
    sent = done.requests(FirstCall)
    for one, following in zip(sent, sent[1:]):
        assert following.time >= one.time + took[one.case.workload.phase, one.case.contestant]
    for contestant in ALL:
        assert [phase for phase, _ in done.asked(FirstCall, contestant)] == list(PHASES)
    assert done.records["infer", A].block_seconds[FIRST_CALL] == pytest.approx(sum(took.values()))


@pytest.mark.parametrize(("device", "least"), [("cpu", 1), ("cuda", 3)])
def test_a_phase_warms_up_with_as_many_single_steps_as_its_device_needs(device, least):
    """On a card the second call may be recorded, and the third is the first replay."""
    there = [replace(case, workload=replace(case.workload, device=device)) for case in group().cases]
    done = run(whole=Group(tuple(there)))
    assert {one.request.least_steps for one in done.requests(WarmUp)} == {least}


def test_a_cold_launch_measures_the_memory_of_a_phase_after_its_warm_up_and_before_the_next_phase_has_run():
    done = run(cold=ALL)
    for contestant in ALL:
        kinds = (FirstCall, WarmUp, MeasureMemory)
        asked = [(type(one.request), one.request.phase) for one in done.requests(kinds, contestant)]
        assert asked == [(kind, phase) for phase in PHASES for kind in kinds]


def test_a_warm_launch_makes_first_calls_concurrently_and_records_none():
    done = run({B: Behaviour(first_call_seconds=3.0)})
    assert {record.first_call_seconds for record in done.records.values()} == {None}
    assert len({one.time for one in done.requests(FirstCall)[: len(ALL)]}) == 1
    assert done.records["infer", A].block_seconds[FIRST_CALL] == pytest.approx(len(PHASES) * 3.0)
    assert max(one.time for one in done.requests(FirstCall)) < min(one.time for one in done.requests(WarmUp))


def test_no_warm_launch_waits_for_the_first_call_of_another_one():
    """As long as the slowest launch, not as long as the slowest of each phase."""
    slow = {("infer", A): 5.0, ("train", B): 5.0}
    done = run({key: Behaviour(first_call_seconds=seconds) for key, seconds in slow.items()})
    others = (len(PHASES) - 1) * Behaviour().first_call_seconds
    assert done.records["infer", A].block_seconds[FIRST_CALL] == pytest.approx(5.0 + others)


def test_a_warm_launch_that_dies_in_a_first_call_loses_that_phase_only():
    done = run({("forward", B): Behaviour(faults=(Fault(FirstCall, Status.CRASHED),))})
    assert {key for key, record in done.records.items() if record.status is not Status.MEASURED} == {("forward", B)}


def test_a_warm_launch_makes_first_calls_in_random_order_once_memory_is_known():
    def orders(**options: object) -> set[tuple[str, ...]]:
        done = run(**options)
        return {tuple(phase for phase, _ in done.asked(FirstCall, contestant)) for contestant in ALL}

    assert orders() == {PHASES}, "memory is still to be measured"
    assert len(orders(used=KNOWN) | orders(used=KNOWN, launch=1)) > 1


def test_launches_that_find_compiled_code_run_beside_cold_ones_after_their_first_calls():
    done = run(cold=(A,))
    calls = [contestant for _, contestant in done.asked(FirstCall)]
    assert calls[: len(PHASES)] == [A] * len(PHASES)
    timed = {contestant for (_, contestant), record in done.records.items() if record.first_call_seconds}
    assert timed == {A}


def test_the_first_calls_that_find_compiled_code_are_made_one_at_a_time_as_cold_ones_and_recorded_apart():
    took = {(phase, one): 1.0 + place for place, (phase, one) in enumerate((p, c) for p in PHASES for c in ALL)}
    behaviours = {key: Behaviour(first_call_seconds=seconds) for key, seconds in took.items()}
    done = run(behaviours, reusing=ALL, used=KNOWN)
    assert {key: record.cached_first_call_seconds for key, record in done.records.items()} == took
    assert {record.first_call_seconds for record in done.records.values()} == {None}
    assert done.records["infer", A].block_seconds[FIRST_CALL] == pytest.approx(sum(took.values()))
    for contestant in ALL:
        assert [phase for phase, _ in done.asked(FirstCall, contestant)] == list(PHASES)


def test_usage_that_is_known_is_not_asked_again():
    first = run()
    assert {first.records["infer", A].usage.missing[name] for name in metered()} == {NO_SUSTAINED_RUN}
    assert len(first.requests(MeasureMemory)) == len(WHOLE.cases)
    second = run(used=KNOWN, sustained="3s")
    assert not second.requests((MeasureMemory, SustainedRun))
    assert {record.usage for record in second.records.values()} == {None}


def test_a_sustained_run_of_each_phase_follows_all_turns_one_at_a_time():
    done = run(sustained="3s")
    runs = done.requests(SustainedRun)
    assert sorted(done.asked(SustainedRun)) == sorted(done.records)
    assert min(one.time for one in runs) > max(one.time for one in done.requests(RunTurn))
    assert all(following.time >= one.time + 3.0 for one, following in zip(runs, runs[1:]))
    assert {record.usage.values["sustained_cpus_used"] for record in done.records.values()} == {1.0}


def test_isolated_contestants_have_a_zygote_of_their_own():
    done = run(isolated=(C,))
    assert {one.case.contestant: one.dedicated_zygote for one in done.launcher.launches} == {
        A: False,
        B: False,
        C: True,
    }


def test_rounds_of_a_long_step_end_with_the_time_of_a_turn():
    done = run({("train", B): Behaviour(step_seconds=5.0)}, max_turn_seconds=1.0)
    assert len(done.records["train", B].seconds) == TURNS
    assert len(done.records["infer", B].seconds) == len(done.records["train", A].seconds) == TURNS * ROUNDS_A_TURN


seconds = st.floats(0.001, 20.0)
behaviours = st.builds(
    Behaviour,
    step_seconds=seconds,
    start_seconds=seconds,
    build_seconds=seconds,
    first_call_seconds=seconds,
    finite=st.sampled_from([True, True, True, False]),
    faults=st.lists(
        st.builds(
            Fault,
            st.sampled_from([None, Load, FirstCall, WarmUp, MeasureMemory, RunTurn, CheckOutputs, SustainedRun]),
            st.sampled_from([Status.CRASHED, Status.TIMED_OUT]),
            after=st.integers(0, 2),
        ),
        max_size=1,
    ).map(tuple),
)
plans = st.dictionaries(st.tuples(st.sampled_from(PHASES), st.sampled_from(ALL)), behaviours, max_size=6)


@given(plans, st.sets(st.sampled_from(ALL)), st.sampled_from([0, "3s"]))
def test_the_parts_of_a_block_add_up_to_its_wall_time_whatever_fails(plan, cold, sustained):
    done = run(plan, cold=cold, sustained=sustained, time_limit=30.0, max_turn_seconds=5.0)
    first, *others = done.records.values()
    assert sum(first.block_seconds.values()) == pytest.approx(done.launcher.clock(), abs=0.004)
    assert all(value > 0 for value in first.block_seconds.values())
    assert {tuple(record.block_seconds) for record in others} == {()}


def test_the_parts_of_a_block_are_what_they_are_called():
    slow = Behaviour(0.5, start_seconds=1.0, build_seconds=7.0, first_call_seconds=3.0)
    done = run_block(
        group(("infer",), (A,)), {A: slow}, KNOWN, turns=4, rounds=2, max_turn_seconds=9.0, warmup_seconds=0.25
    )
    parts = done.records["infer", A].block_seconds
    assert parts == {BUILD: 8.0, FIRST_CALL: 3.0, WARM_UP: 0.25, SETTLING: 4 * 0.5, ROUNDS: 4 * 2 * 0.5}


def test_sustained_runs_are_a_part_of_their_own():
    contestants: tuple[Contestant, ...] = (A, B)
    done = run_block(group(PHASES[:2], contestants), sustained="3s")
    assert done.records[PHASES[0], A].block_seconds[METERS] == pytest.approx(4 * 3.0)


def test_a_case_alone_is_a_block():
    whole = group(("train",), (B,))
    done = run_block(whole)
    assert list(done.records) == [("train", B)]
    assert done.records["train", B].case == Case(whole.workload, B)
