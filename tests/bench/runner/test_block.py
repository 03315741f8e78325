"""Blocks of simulated launches: order of turns, and the records of a launch that fails at any step."""

from __future__ import annotations

from pathlib import Path

import pytest
from simulated import A, B, C, lenet, opened, suite

from bench.launch.fake import Behaviour, Fault
from bench.runner.block import Block
from bench.runner.usage import MEMORY, NO_SUSTAINED_RUN, metered
from bench.worker.messages import CheckOutputs, Load, MeasureMemory, RunTurn, SustainedRun, WarmUp
from results.schema.record import Contestant, Status

ALL = (A, B, C)
TURNS, ROUNDS = 6, 2
SUITE = suite(turns=TURNS, rounds=ROUNDS)


def run(
    behaviours: dict[Contestant, Behaviour] | None = None,
    contestants: tuple[Contestant, ...] = ALL,
    time_limit: float = 60.0,
    **changes: object,
):
    """A block, its records by contestant, and its launcher, which tells what was asked."""
    known = behaviours or {}
    asked = suite(turns=TURNS, rounds=ROUNDS, **changes)
    with opened(lambda case, launch: known.get(case.contestant, Behaviour()), time_limit) as launcher:
        block = Block(lenet(), contestants, 0, 0, Path("weights"), isolated=frozenset({C}))
        records = block.run(launcher, asked, {}, {})
    assert [record.case.contestant for record in records] == list(contestants)
    return {record.case.contestant: record for record in records}, launcher


def order_of_turns(launcher) -> list[Contestant]:
    return [asked.case.contestant for asked in launcher.requests if isinstance(asked.request, RunTurn)]


def test_every_launch_has_every_turn_once_in_a_random_order_that_the_seed_gives():
    records, launcher = run()
    turns = order_of_turns(launcher)
    for start in range(0, 3 * TURNS, 3):
        assert set(turns[start : start + 3]) == set(ALL)
    assert len({tuple(turns[start : start + 3]) for start in range(0, 3 * TURNS, 3)}) > 1
    assert order_of_turns(run()[1]) == turns
    assert sorted(place for record in records.values() for place in record.turns) == list(range(3 * TURNS))
    for place, contestant in enumerate(turns):
        assert place in records[contestant].turns
    for record in records.values():
        assert record.status is Status.MEASURED
        assert (len(record.seconds), len(record.settling)) == (TURNS * ROUNDS, TURNS)
        assert len(record.conditions.wall) == TURNS * ROUNDS


def test_all_launches_of_a_block_build_at_once_and_warm_up_one_after_another():
    records, launcher = run({B: Behaviour(build_seconds=7.0, first_call_seconds=3.0)})
    sent = {type: [one.time for one in launcher.requests if isinstance(one.request, type)] for type in (Load, WarmUp)}
    assert max(sent[Load]) < min(sent[WarmUp])
    assert min(sent[WarmUp]) == pytest.approx(0.1 + 7.0, abs=0.3), "the longest of them, not their sum"
    assert len(set(sent[WarmUp])) == 3
    assert records[B].build_seconds == 7.0
    assert records[B].first_call_seconds == 3.0


FAILURES = {
    "at its launch": Fault(None, Status.CRASHED, "its zygote died"),
    "while it loads": Fault(Load, Status.OUT_OF_MEMORY),
    "in its warm-up": Fault(WarmUp, Status.FAILED),
    "in its first turn": Fault(RunTurn, Status.CRASHED),
    "between its turns": Fault(RunTurn, Status.CRASHED, after=3),
    "by a turn without an end": Fault(RunTurn, Status.TIMED_OUT, "no answer within 60 s", after=2),
    "at the check of its outputs": Fault(CheckOutputs, Status.CRASHED),
}


@pytest.mark.parametrize("where", FAILURES)
def test_a_launch_that_fails_has_its_status_and_what_was_seen_until_then_and_the_others_keep_their_order(where):
    fault = FAILURES[where]
    undisturbed = order_of_turns(run()[1])
    records, launcher = run({B: Behaviour(faults=(fault,))})
    record = records[B]
    assert (record.status, record.reason) == (fault.status, fault.reason)
    assert record.seconds == (), "statistics are over whole launches"
    done = {RunTurn: fault.after, CheckOutputs: TURNS}.get(fault.at, 0)
    assert len(record.turns) == len(record.settling) == done
    assert (len(record.conditions.wall) if record.conditions else 0) == done * ROUNDS
    assert (record.build_seconds is not None) == (fault.at not in (None, Load))
    assert (record.steps is not None) == (fault.at in (RunTurn, CheckOutputs))
    assert record.usage is None
    turns = order_of_turns(launcher)
    assert turns.count(B) == (TURNS if fault.at is CheckOutputs else done + (fault.at is RunTurn))
    assert [one for one in turns if one != B] == [one for one in undisturbed if one != B]
    for other in (A, C):
        assert records[other].status is Status.MEASURED
        assert len(records[other].turns) == TURNS


def test_a_launch_that_never_answers_takes_the_time_limit_once():
    _, whole = run()
    _, cut = run({B: Behaviour(faults=(Fault(RunTurn, Status.TIMED_OUT),))}, time_limit=60.0)
    assert 60.0 <= cut.clock() <= whole.clock() + 60.0


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [(Behaviour(finite=False), "computed NaN or infinity"), (Behaviour(fallback="no compiler"), "no compiler")],
)
def test_a_launch_that_did_not_compute_what_it_was_asked_for_has_failed(behaviour, reason):
    records, _ = run({B: behaviour})
    assert (records[B].status, records[B].reason, records[B].seconds) == (Status.FAILED, reason, ())
    assert records[A].status is Status.MEASURED


def test_a_launch_that_dies_after_its_rounds_keeps_its_times_and_says_what_is_missing():
    records, _ = run({B: Behaviour(faults=(Fault(SustainedRun, Status.CRASHED, "killed"),))}, sustained="3s")
    usage = records[B].usage
    assert records[B].status is Status.MEASURED
    assert len(records[B].seconds) == TURNS * ROUNDS
    assert usage.values.keys() == MEMORY - {"allocator_bytes"}
    assert {usage.missing[name] for name in metered()} == {"after its rounds: crashed: killed"}
    assert records[A].usage.values["sustained_cpus_used"] == 1.0


def test_memory_is_measured_once_every_launch_has_had_its_turns():
    _, launcher = run()
    kinds = [type(asked.request) for asked in launcher.requests]
    assert kinds.index(MeasureMemory) > max(place for place, kind in enumerate(kinds) if kind is RunTurn)


def test_what_is_known_of_a_contestants_use_is_not_asked_again():
    first, _ = run()
    assert {first[A].usage.missing[name] for name in metered()} == {NO_SUSTAINED_RUN}
    with opened(lambda case, launch: Behaviour()) as launcher:
        used = {one: record.usage for one, record in first.items()}
        records = Block(lenet(), ALL, 1, 0, Path("weights")).run(launcher, SUITE, {}, used)
    assert not [asked for asked in launcher.requests if isinstance(asked.request, MeasureMemory)]
    assert [record.usage for record in records] == [None] * 3


def test_those_apart_have_a_zygote_of_their_own():
    _, launcher = run()
    assert {one.case.contestant: one.dedicated_zygote for one in launcher.launches} == {A: False, B: False, C: True}


def test_rounds_of_a_long_step_end_with_the_time_of_a_turn():
    records, _ = run({B: Behaviour(step_seconds=5.0)}, max_turn_seconds=1.0)
    assert len(records[B].seconds) == TURNS
    assert len(records[A].seconds) == TURNS * ROUNDS
