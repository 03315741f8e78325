"""The driver on a virtual clock: what becomes of units whose attempts end in every way, and after it is killed."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.launch.fake import VirtualClock
from fleet.driver import SUSPECT_SECONDS, Driver
from fleet.engine import Attempt
from fleet.unit import Unit
from fleet.work import COUNTED, MOST_ATTEMPTS, Work
from tests.support.fleet.fakes import (
    FAILED,
    LOST,
    REFUSED,
    WHOLE,
    FakeEngine,
    Fate,
    Killed,
    RecordingSink,
    Stay,
    accepted_nodes,
    offer,
    outcomes,
    run,
    together,
    unit,
)

A, B = unit("a"), unit("b")


@pytest.fixture
def sink(tmp_path: Path) -> RecordingSink:
    return RecordingSink(tmp_path)


def scripted(*fates: Fate, unit: Unit = A):
    """These fates for the attempts at a unit in order; all others are whole."""
    return lambda attempt: (
        fates[attempt.number - 1] if attempt.unit == unit and attempt.number <= len(fates) else Fate()
    )


def test_units_run_one_after_another_on_a_node_and_at_once_on_two(sink, tmp_path):
    one = FakeEngine([Stay(offer("n1"))])
    work = run(one, sink, A, B)
    assert outcomes(work) == {"a": ["accepted"], "b": ["accepted"]}
    assert one.clock() == 2.0
    two = FakeEngine([Stay(offer("n1")), Stay(offer("n2"))])
    run(two, RecordingSink(tmp_path / "other"), A, B)
    assert two.clock() == 1.0
    assert (one.closed, one.cancelled) == (1, [])


def test_the_parts_are_removed_once_every_unit_has_one(sink):
    run(FakeEngine([Stay(offer())]), sink, A)
    assert not (sink.folder / "fleet" / "parts").exists()
    assert [fact.outcome for fact in sink.notes[-1]] == ["accepted"]


@pytest.mark.parametrize("outcome", [FAILED, LOST])
def test_a_unit_that_fails_is_attempted_on_another_node(sink, outcome):
    engine = FakeEngine([Stay(offer("n1")), Stay(offer("n2"))], scripted(Fate(outcome)))
    work = run(engine, sink, A)
    assert outcomes(work) == {"a": [outcome, "accepted"]}
    assert [run.attempt.node for run in engine.runs] == ["n1", "n2"]


def test_a_unit_that_always_fails_is_given_up_with_the_last_reason(sink):
    work = run(FakeEngine([Stay(offer())], scripted(*[Fate(FAILED)] * 9)), sink, A, B)
    assert outcomes(work) == {"a": ["failed"] * MOST_ATTEMPTS, "b": ["accepted"]}
    assert sink.given_up == {A.id: ("3 attempts; the last, on n1: planted: failed", False)}
    assert [one.label for one in work.without_part] == ["a"]
    assert work.why_without_part(A) == "3 attempts; the last, on n1: planted: failed"
    assert (sink.folder / "fleet" / "parts").exists()


def test_a_part_that_cannot_be_read_is_a_failure_with_its_reason(sink):
    told = []

    class Observer:
        def changed(self, *_: object) -> None: ...

        def ended(self, work, attempt, ended, outcome) -> None:
            told.append((outcome, ended.reason))

        def close(self) -> None:
            told.append("closed")

    run(FakeEngine([Stay(offer())], scripted(*[Fate(damaged=True)] * 3)), sink, A, observer=Observer())
    assert told == [("failed", "the part is damaged")] * 3 + ["closed"]
    assert sink.given_up[A.id][0] == "3 attempts; the last, on n1: the part is damaged"


def test_a_node_that_refuses_gets_no_further_unit_and_that_is_no_failure(sink):
    refusing = FakeEngine(
        [Stay(offer("n1")), Stay(offer("n2"))], lambda one: Fate(REFUSED if one.node == "n1" else WHOLE)
    )
    units = [unit(str(number)) for number in range(5)]
    work = run(refusing, sink, *units)
    assert len(work.accepted) == 5
    assert [run.attempt.node for run in refusing.runs].count("n1") == 1


def test_where_every_node_refuses_the_unit_is_skipped_with_what_the_last_one_said(sink):
    run(FakeEngine([Stay(offer())], scripted(Fate(REFUSED))), sink, A)
    reason = "no machine joined within 10 s that may run it; the last one refused: planted: refused"
    assert sink.given_up == {A.id: (reason, True)}


def test_an_engine_that_places_units_itself_may_be_refused_only_so_often(sink):
    engine = FakeEngine([], scripted(*[Fate(REFUSED)] * 9), places=False)
    work = run(engine, sink, A, B)
    assert outcomes(work) == {"a": ["refused"] * MOST_ATTEMPTS, "b": ["accepted"]}
    assert [run.begun for run in engine.runs[:2]] == [0.0, 0.0]


def test_a_node_that_joins_in_time_is_used_and_one_that_does_not_is_waited_for_no_longer(sink, tmp_path):
    work = run(FakeEngine([Stay(offer(), joins=8.0)]), sink, A)
    assert outcomes(work) == {"a": ["accepted"]}
    late, other = FakeEngine([Stay(offer(), joins=80.0)]), RecordingSink(tmp_path / "other")
    run(late, other, unit("a", machine_type="gpu"))
    assert [reason for reason, _ in other.given_up.values()] == [
        "no machine of type gpu joined within 10 s that may run it"
    ]
    assert 10.0 <= late.clock() < 12.0


def test_a_unit_that_failed_is_attempted_again_however_short_the_time_to_join(sink):
    """That time begins when nothing can be placed, not with the last attempt."""
    work = run(FakeEngine([Stay(offer())], scripted(Fate(FAILED))), sink, A, join_seconds=0.0)
    assert outcomes(work) == {"a": ["failed", "accepted"]}


def test_the_time_to_join_does_not_run_while_something_else_does(sink):
    """The second machine joins after 25 s, when the first one has measured for so long."""
    first, second = unit("a", machine_type="x"), unit("b", machine_type="y")
    stays = [Stay(offer("n1", type="x")), Stay(offer("n2", type="y"), joins=25.0)]
    work = run(FakeEngine(stays, lambda one: Fate(seconds=30.0)), sink, first, second)
    assert len(work.accepted) == 2


def test_a_unit_on_a_node_that_leaves_is_run_on_another(sink):
    stays = [Stay(offer("n1"), leaves=5.0), Stay(offer("n2"), joins=6.0)]
    engine = FakeEngine(stays, lambda one: Fate(seconds=9.0))
    assert outcomes(run(engine, sink, A)) == {"a": ["lost", "accepted"]}


def test_a_part_that_comes_late_is_accepted_if_there_is_no_other_and_ends_the_attempt_that_runs(sink):
    engine = FakeEngine([Stay(offer("n1")), Stay(offer("n2"))], scripted(Fate(LOST, 1.0, late=2.0), Fate(seconds=9.0)))
    work = run(engine, sink, A)
    assert outcomes(work) == {"a": ["accepted", "lost"]}
    assert [one.number for one in engine.cancelled] == [2]
    assert [key for key in sink.merged] == [(A.id, 1)]
    assert [fact.reason for fact in sink.notes[-1]] == ["", "ended, as another part was accepted meanwhile"]


def test_a_part_that_comes_after_another_one_is_kept_apart_and_never_merged(sink):
    engine = FakeEngine([Stay(offer("n1")), Stay(offer("n2"))], scripted(Fate(LOST, 1.0, late=2.0)))
    work = run(engine, sink, A, B, unit("c"), unit("d"))
    assert outcomes(work)["a"] == ["late", "accepted"]
    assert [attempt for id, attempt in sink.merged if id == A.id] == [2]
    assert (sink.folder / "fleet" / "late" / A.id / "1" / "done.json").exists()


def test_a_part_that_comes_after_its_unit_was_given_up_is_accepted(sink):
    fates = Fate(LOST, 1.0, late=SUSPECT_SECONDS + 5.0), Fate(FAILED, 1.0), Fate(FAILED, 1.0)
    work = run(
        FakeEngine([Stay(offer())], scripted(*fates)), sink, A, *[unit(name) for name in "bcdef"], join_seconds=60.0
    )
    assert outcomes(work)["a"] == ["accepted", "failed", "failed"]
    assert A.id in sink.given_up
    assert work.without_part == []


def test_an_end_that_is_told_twice_counts_once(sink):
    work = run(FakeEngine([Stay(offer())], scripted(Fate(twice=True))), sink, A, B)
    assert outcomes(work) == {"a": ["accepted"], "b": ["accepted"]}
    assert not (sink.folder / "fleet" / "late").exists()


def test_units_that_must_be_apart_are_on_different_nodes_also_if_a_lost_part_comes_late(sink):
    first, second = unit("a", apart="g"), unit("b", apart="g")
    # a is lost on n1, and attempted on n2; b is measured on n1, and then a's part from n1 comes.
    script = scripted(Fate(LOST, 1.0, late=3.0), Fate(seconds=9.0), unit=first)
    engine = FakeEngine([Stay(offer("n1")), Stay(offer("n2"), joins=0.8)], script)
    work = run(engine, sink, first, second)
    assert all(set(nodes.values()) == {1} for nodes in accepted_nodes(work).values())
    assert len(work.accepted) == 2


def test_units_that_must_be_apart_wait_for_a_second_node(sink):
    run(FakeEngine([Stay(offer("n1"))]), sink, unit("a", apart="g"), unit("b", apart="g"))
    assert len(sink.merged) == len(sink.given_up) == 1


def test_units_that_share_a_node_have_its_slots_and_cards(sink):
    engine = FakeEngine([Stay(offer(slots=3, cards=2))])
    units = [unit(str(number), exclusive=False, cards=number % 2) for number in range(8)]
    run(engine, sink, *units, unit("alone"))
    for time in {one.begun for one in engine.runs}:
        here = [one.attempt.unit for one in engine.runs if one.begun <= time < one.ended]
        assert len(here) <= 3
        assert sum(one.needs.cards for one in here) <= 2
        assert len(here) == 1 or not any(one.needs.exclusive for one in here)
    assert len(sink.merged) == 9


def test_ctrl_c_closes_the_engine_and_leaves_the_rest_to_be_resumed(sink):
    def interrupted(attempt: Attempt) -> Fate:
        if attempt.unit == B:
            raise KeyboardInterrupt
        return Fate()

    engine = FakeEngine([Stay(offer("n1"))], interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(engine, sink, A, B)
    assert engine.closed == 1, "the engine ends what it runs, if that ends with the driver"
    work = run(FakeEngine([Stay(offer("n1"))]), sink, A, B)
    assert outcomes(work) == {"a": ["accepted"], "b": ["lost", "accepted"]}


def test_the_ends_of_drivers_are_no_failures_of_a_unit(sink):
    for _ in range(2 * MOST_ATTEMPTS):
        with pytest.raises(Killed):
            run(FakeEngine([Stay(offer())], kill_at=0.5), sink, A)
    work = run(FakeEngine([Stay(offer())], lambda one: Fate(WHOLE if one.number == 9 else FAILED)), sink, A)
    assert outcomes(work) == {"a": ["lost"] * 6 + ["failed"] * 2 + ["accepted"]}


def test_two_campaigns_share_the_nodes_of_an_engine(tmp_path):

    sinks = RecordingSink(tmp_path / "1"), RecordingSink(tmp_path / "2")
    engine = FakeEngine([Stay(offer("n1", type="x")), Stay(offer("n2", type="y"))])
    with (
        Work(sinks[0], [unit("a", machine_type="x")]) as one,
        Work(sinks[1], [unit("b", machine_type="y"), unit("c", machine_type="x")]) as other,
    ):
        Driver(engine, [one, other], clock=engine.clock).run()
    assert [len(sink.merged) for sink in sinks] == [1, 2]
    assert {run.attempt.unit.label: run.attempt.node for run in engine.runs} == {"a": "n1", "b": "n2", "c": "n1"}


@dataclass(frozen=True)
class Story:
    """Units, nodes, the fates of attempts in the order in which they are begun, and when drivers are killed."""

    units: tuple[Unit, ...]
    stays: tuple[Stay, ...]
    fates: tuple[Fate, ...]
    kills: tuple[float, ...]
    kill_after_merging: int | None


SECONDS = st.sampled_from([0.3, 1.0, 2.5, 4.0])
FATES = st.builds(
    Fate,
    st.sampled_from([WHOLE, WHOLE, FAILED, REFUSED, LOST]),
    SECONDS,
    twice=st.booleans(),
    damaged=st.sampled_from([False, False, False, True]),
) | st.builds(Fate, st.just(LOST), SECONDS, late=SECONDS)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    needs = st.fixed_dictionaries(
        {
            "exclusive": st.booleans(),
            "apart": st.sampled_from(["", "g"]),
            "cards": st.sampled_from([0, 0, 1]),
            "machine_type": st.sampled_from(["", "x", "y"]),
        }
    )
    units = tuple(unit(f"u{number}", **one) for number, one in enumerate(draw(st.lists(needs, min_size=1, max_size=5))))
    types, slots, cards = st.sampled_from("xy"), st.integers(1, 3), st.integers(0, 2)
    nodes = draw(st.lists(st.tuples(types, slots, cards, SECONDS, st.booleans()), min_size=1, max_size=4))
    stays = tuple(
        Stay(offer(f"n{number}", type=type, slots=slots, cards=cards), joins if leaves else 0.0, 8.0 if leaves else 1e9)
        for number, (type, slots, cards, joins, leaves) in enumerate(nodes)
    )
    return Story(
        units,
        stays,
        tuple(draw(st.lists(FATES, max_size=12))),
        tuple(draw(st.lists(SECONDS, max_size=2))),
        draw(st.none() | st.integers(1, 4)),
    )


@settings(max_examples=50)
@given(stories())
def test_whatever_happens_every_unit_has_one_part_or_is_given_up(story: Story):
    fates, clock, runs = iter(story.fates), VirtualClock(), []
    known: dict[tuple[str, int], Fate] = {}

    def script(attempt: Attempt) -> Fate:
        known[attempt.key] = next(fates, Fate())
        return known[attempt.key]

    with tempfile.TemporaryDirectory() as folder:
        sink = RecordingSink(Path(folder), kill_after_merging=story.kill_after_merging)
        kills = [*story.kills, None]
        while kills:
            before = set(_stored(sink, story))
            sink.given_up.clear()
            kill = kills.pop(0)
            engine = FakeEngine(story.stays, script, clock, kill_at=clock() + kill if kill else float("inf"))
            try:
                work = run(engine, sink, *story.units, join_seconds=3.0)
            except Killed:
                kills = kills or [None]
            runs += engine.runs
            begun = _stored(sink, story)
            for one in story.units:
                counted = [key for key in begun if key[0] == one.id and key not in before and begun[key] in COUNTED]
                assert len(counted) <= MOST_ATTEMPTS

    for one in story.units:
        accepted = [attempt.attempt for attempt in work.of(one.id) if attempt.outcome == "accepted"]
        assert len(accepted) == 1 or (accepted == [] and one.id in sink.given_up)
        # What was merged is of one attempt, though that may have been merged again after a driver was killed.
        assert {attempt for id, attempt in sink.merged if id == one.id} == set(accepted)
    for first, second in together(runs):
        assert not first.attempt.unit.needs.exclusive
        assert not second.attempt.unit.needs.exclusive
    assert all(set(nodes.values()) == {1} for nodes in accepted_nodes(work).values())
    for attempt in work.attempts.values():
        needs = next(one.needs for one in story.units if one.id == attempt.unit)
        type = next(stay.offer.type for stay in story.stays if stay.offer.id == attempt.node)
        assert needs.machine_type in ("", type)


def _stored(sink: RecordingSink, story: Story) -> dict[tuple[str, int], str]:
    """The outcomes of the attempts that are on the disk."""
    from fleet.work import _read

    found = _read(sink.folder / "fleet" / "attempts.jsonl")
    return {(one.unit, one.attempt): one.outcome for one in found}


def test_a_node_that_has_lost_an_attempt_gets_nothing_for_a_while(sink):
    """An engine may still offer a node that is dead, and a unit would lose all its attempts there at once."""
    engine = FakeEngine([Stay(offer("n1")), Stay(offer("n2"))], lambda one: Fate(LOST if one.node == "n1" else WHOLE))
    work = run(engine, sink, A, B)
    assert outcomes(work) == {"a": ["lost", "accepted"], "b": ["accepted"]}
    assert [one.attempt.node for one in engine.runs] == ["n1", "n2", "n2"]
    alone = FakeEngine([Stay(offer("n1"))], lambda one: Fate(LOST if one.number == 1 else WHOLE))
    run(alone, RecordingSink(sink.folder / "alone"), unit("c"), join_seconds=60.0)
    assert alone.runs[1].begun - alone.runs[0].ended >= SUSPECT_SECONDS


def test_a_unit_of_one_node_waits_for_it(sink):
    """Another node is there all the time."""
    engine = FakeEngine([Stay(offer("n1")), Stay(offer("n2"), joins=5.0)])
    work = run(engine, sink, unit("a", node="n2"), unit("b", node="n3"))
    assert [one.attempt.node for one in engine.runs] == ["n2"]
    assert sink.given_up == {work.units[1].id: ("no machine n3 joined within 10 s that may run it", True)}


def test_further_units_are_asked_for_when_all_have_ended(sink):
    asked = []

    def further(work: Work) -> list[Unit]:
        asked.append(len(work.accepted))
        return [unit(f"more {len(asked)}")] if len(asked) < 3 else []

    work = run(FakeEngine([Stay(offer("n1")), Stay(offer("n2"))]), sink, A, B, further=further)
    assert asked == [2, 3, 4]
    assert [one.label for one in work.units] == ["a", "b", "more 1", "more 2"]
    assert len(sink.merged) == 4
