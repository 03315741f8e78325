"""A driver after another one: what still runs is waited for, and the rest is attempted again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleet import part
from fleet.driver import Driver
from fleet.engine import Attempt, Offer
from fleet.part import Ended, Outcome
from fleet.unit import Needs, Unit
from fleet.work import ACCEPTED, Work
from results.schema.system import AttemptFacts


@dataclass
class Campaign:
    folder: Path
    given_up: list[str] = field(default_factory=list)

    def accept(self, unit: Unit, ended: Ended, part: Path) -> None: ...

    def give_up(self, unit: Unit, reason: str, skipped: bool) -> None:
        self.given_up.append(unit.label)

    def note(self, attempts: Sequence[AttemptFacts]) -> None: ...


@dataclass
class Scheduler:
    """An engine whose scheduler chooses nodes, in the order of `free`. runs: what an earlier driver submitted to it."""

    free: Sequence[str] = ("n1", "n2", "n3")
    runs: list[tuple[str, int]] = field(default_factory=list)
    refusing: str = ""
    submitted: list[list[Attempt]] = field(default_factory=list)
    cancelled: list[Attempt] = field(default_factory=list)
    closed: int = 0
    places = False
    _running: list[Attempt] = field(default_factory=list)

    def nodes(self) -> Sequence[Offer]:
        return []

    def adopt(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
        found = [attempt for attempt in attempts if attempt.key in self.runs]
        self._running += found
        return found

    def submit(self, attempts: Sequence[Attempt]) -> None:
        self.submitted.append([*attempts])
        self._running += attempts

    def wait(self, seconds: float) -> Sequence[Ended]:
        ended, self._running = [self._end(attempt) for attempt in self._running], []
        return ended

    def _end(self, attempt: Attempt) -> Ended:
        node = next(name for name in self.free if name not in attempt.avoid)
        outcome = Outcome.REFUSED if node == self.refusing else Outcome.WHOLE
        return Ended(*attempt.key, node, outcome, "it has a fault" if node == self.refusing else "")

    def cancel(self, attempt: Attempt) -> None:
        self.cancelled.append(attempt)

    def close(self) -> None:
        self.closed += 1


def units(count: int, needs: Needs = Needs()) -> list[Unit]:  # noqa: B008
    return [Unit(f"unit {number}", (), {"number": number}, needs) for number in range(count)]


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    return Campaign(tmp_path)


def begun(campaign: Campaign, made: Sequence[Unit]) -> None:
    """An earlier driver began an attempt at each unit, and was killed."""
    with Work(campaign, made) as work:
        for unit in made:
            work.begin(unit, "")


def publish(folder: Path, unit: Unit) -> None:
    (folder / part.PART).mkdir(parents=True)
    part.publish(folder, Ended(unit.id, 1, "n1", Outcome.WHOLE))


def test_what_still_runs_is_not_submitted_again(campaign: Campaign) -> None:
    made = units(3)
    begun(campaign, made)
    engine = Scheduler(runs=[(made[1].id, 1)])
    with Work(campaign, made) as work:
        publish(work.folder_of(made[0], 1), made[0])  # came when there was no driver
    with Work(campaign, made) as work:
        Driver(engine, [work]).run()
        assert [attempt.key for batch in engine.submitted for attempt in batch] == [(made[2].id, 2)]
        assert {key: one.outcome for key, one in work.attempts.items()} == {
            (made[0].id, 1): ACCEPTED,
            (made[1].id, 1): ACCEPTED,
            (made[2].id, 1): "lost",
            (made[2].id, 2): ACCEPTED,
        }
        assert work.attempts[made[2].id, 1].reason == "it ended without a part after its driver had ended"


def test_what_runs_for_a_unit_that_has_its_part_is_cancelled(campaign: Campaign) -> None:
    (unit,) = made = units(1)
    begun(campaign, made)
    with Work(campaign, made) as work:
        work.begin(unit, "")
        publish(work.folder_of(unit, 1), unit)
    engine = Scheduler(runs=[(unit.id, 2)])
    with Work(campaign, made) as work:
        Driver(engine, [work]).run()
    assert [attempt.key for attempt in engine.cancelled] == [(unit.id, 2)]
    assert engine.submitted == []


def test_lost_drivers_alone_never_give_a_unit_up(campaign: Campaign) -> None:
    made = units(1)
    for _ in range(4):
        begun(campaign, made)
    with Work(campaign, made) as work:
        Driver(Scheduler(), [work]).run()
        assert work.accepted == {made[0].id}
    assert campaign.given_up == []


def test_the_engine_decides_what_ends_with_the_driver(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Scheduler()

    def interrupt(seconds: float) -> Sequence[Ended]:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "wait", interrupt)
    with Work(campaign, units(1)) as work:
        driver = Driver(engine, [work])
        with pytest.raises(KeyboardInterrupt):
            driver.run()
    assert (engine.cancelled, engine.closed) == ([], 1)


def test_units_apart_are_submitted_one_after_the_other_and_never_to_the_same_node(campaign: Campaign) -> None:
    apart, other = units(3, Needs(apart="one network")), Unit("other", (), {})
    engine = Scheduler()
    with Work(campaign, [*apart, other]) as work:
        Driver(engine, [work]).run()
        assert {work.attempts[unit.id, 1].node for unit in apart} == {"n1", "n2", "n3"}
    assert [len(batch) for batch in engine.submitted] == [2, 1, 1]
    assert engine.submitted[2][0].avoid == ("n1", "n2")


def test_a_node_that_refused_is_avoided(campaign: Campaign) -> None:
    engine = Scheduler(refusing="n1")
    with Work(campaign, units(1)) as work:
        Driver(engine, [work]).run()
        assert [(one.node, one.outcome) for one in work.attempts.values()] == [("n1", "refused"), ("n2", ACCEPTED)]
    assert [batch[0].avoid for batch in engine.submitted] == [(), ("n1",)]
