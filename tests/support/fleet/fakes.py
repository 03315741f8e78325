"""A fleet for tests: an engine on a virtual clock that does with each attempt what a script says, and a sink."""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bench.launch.fake import VirtualClock
from fleet import part
from fleet.driver import Driver
from fleet.engine import Attempt, Offer
from fleet.part import Ended, Outcome, PartError
from fleet.unit import Needs, Unit
from fleet.work import Work
from results.schema.system import AttemptFacts


@contextlib.contextmanager
def without_syncing() -> Iterator[None]:
    """What is written is not synced: no test here loses power, and a property test writes thousands of small files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield


WHOLE, FAILED, REFUSED, LOST = Outcome.WHOLE, Outcome.FAILED, Outcome.REFUSED, Outcome.LOST
TYPE = "cpu-2c"


def unit(name: str = "a", **needs: object) -> Unit:
    return Unit(name, ("{python}", "-c", "pass"), {"name": name}, Needs(**needs))  # type: ignore[arg-type]


def offer(id: str = "n1", **more: object) -> Offer:
    return Offer(**{"id": id, "type": TYPE, "software": "d", **more})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Fate:
    """What happens to an attempt: it ends after `seconds` as `outcome`.

    late: one that was LOST ends WHOLE all the same, so many seconds later. twice: its end is told twice. damaged: the
    sink can't read its part.
    """

    outcome: Outcome = WHOLE
    seconds: float = 1.0
    late: float | None = None
    twice: bool = False
    damaged: bool = False


@dataclass(frozen=True)
class Stay:
    """A node that is there from one time to another."""

    offer: Offer
    joins: float = 0.0
    leaves: float = float("inf")


@dataclass
class Run:
    """An attempt as the driver sees it, from its submission to its end."""

    attempt: Attempt
    begun: float
    ended: float = float("inf")


class Killed(BaseException):
    """The driver was killed."""


class FakeEngine:
    """`script` tells the fate of an attempt. kill_at: at that time the driver is killed, whatever it does."""

    def __init__(
        self,
        stays: Sequence[Stay],
        script: Callable[[Attempt], Fate] = lambda attempt: Fate(),
        clock: VirtualClock | None = None,
        places: bool = True,
        kill_at: float = float("inf"),
    ):
        self.places = places
        self.clock = clock or VirtualClock()
        self.runs: list[Run] = []
        self.cancelled: list[Attempt] = []
        self.closed = 0
        self._stays, self._script, self._kill_at = stays, script, kill_at
        self._events: list[tuple[float, Attempt, Ended]] = []

    def nodes(self) -> Sequence[Offer]:
        return [one.offer for one in self._stays if self.places and one.joins <= self.clock() < one.leaves]

    def submit(self, attempts: Sequence[Attempt]) -> None:
        for attempt in attempts:
            fate, now = self._script(attempt), self.clock()
            self.runs.append(Run(attempt, now))
            leaves = min((one.leaves for one in self._stays if one.offer.id == attempt.node), default=float("inf"))
            if now + fate.seconds > leaves:
                fate = Fate(LOST, leaves - now)
            events = [(fate.seconds, fate.outcome)] * (1 + fate.twice)
            events += [(fate.seconds + fate.late, WHOLE)] if fate.late is not None else []
            self._events += [(now + after, attempt, _ended(attempt, outcome, fate)) for after, outcome in events]

    def wait(self, seconds: float) -> Sequence[Ended]:
        until = min([self.clock() + seconds, self._kill_at, *(time for time, _, _ in self._events)])
        self.clock.advance(max(0.0, until - self.clock()))
        now = self.clock()
        over = [event for event in self._events if event[0] <= now]
        self._events = [event for event in self._events if event[0] > now]
        for _, attempt, ended in over:
            for run in self.runs:
                if run.attempt.key == attempt.key:
                    run.ended = min(run.ended, now)
            if ended.outcome is WHOLE and not attempt.folder.exists():
                write_part(attempt.folder, ended)
        if now >= self._kill_at:
            raise Killed
        return [ended for _, _, ended in over]

    def cancel(self, attempt: Attempt) -> None:
        self.cancelled.append(attempt)
        for run in self.runs:
            if run.attempt.key == attempt.key:
                run.ended = min(run.ended, self.clock())

    def adopt(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
        return []

    def close(self) -> None:
        """What runs ends with the driver."""
        self.closed += 1
        for run in self.runs:
            if run.ended == float("inf"):
                self.cancel(run.attempt)


def _ended(attempt: Attempt, outcome: Outcome, fate: Fate) -> Ended:
    reason = "" if outcome is WHOLE else f"planted: {outcome}"
    facts = {"damaged": fate.damaged, "type": TYPE}
    return Ended(attempt.unit.id, attempt.number, attempt.node or "x1", outcome, reason, fate.seconds, facts=facts)


def write_part(folder: Path, ended: Ended, files: Mapping[str, str] | None = None) -> Ended:
    """An attempt's folder as a node leaves it."""
    for name, text in (files or {"campaign/records.jsonl": json.dumps([ended.unit, ended.attempt])}).items():
        path = folder / part.PART / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    ended = replace(ended, files=part.digests(folder / part.PART) if ended.outcome is WHOLE else {})
    folder.mkdir(parents=True, exist_ok=True)
    part.publish(folder, ended)
    return ended


@dataclass
class RecordingSink:
    """Keeps what it is told; `merged` has the attempts of which it has the records, as a campaign on the disk would.

    kill_after_merging: the number of the merge after which the driver is killed.
    """

    folder: Path
    merged: dict[tuple[str, int], str] = field(default_factory=dict)
    given_up: dict[str, tuple[str, bool]] = field(default_factory=dict)
    notes: list[Sequence[AttemptFacts]] = field(default_factory=list)
    kill_after_merging: int | None = None

    def accept(self, unit: Unit, ended: Ended, part: Path) -> None:
        if ended.facts.get("damaged"):
            raise PartError("the part is damaged")
        self.merged[unit.id, ended.attempt] = (part / "campaign" / "records.jsonl").read_text()
        if self.kill_after_merging == len(self.merged):
            self.kill_after_merging = None
            raise Killed

    def give_up(self, unit: Unit, reason: str, skipped: bool) -> None:
        self.given_up[unit.id] = reason, skipped

    def note(self, attempts: Sequence[AttemptFacts]) -> None:
        self.notes.append(attempts)


def run(engine: FakeEngine, sink: RecordingSink, *units: Unit, join_seconds: float = 10.0, **more: object) -> Work:
    """Have a driver do the units; the work as it is then."""
    with Work(sink, units) as work:
        Driver(engine, [work], join_seconds=join_seconds, clock=engine.clock, **more).run()  # type: ignore[arg-type]
    return work


def outcomes(work: Work) -> dict[str, list[str]]:
    """The outcomes of the attempts at each unit, by its label, in order."""
    return {one.label: [attempt.outcome for attempt in work.of(one.id)] for one in work.units}


def together(runs: Sequence[Run]) -> list[tuple[Run, Run]]:
    """The pairs of runs that were on one node at the same time."""
    return [
        (one, other)
        for place, one in enumerate(runs)
        for other in runs[place + 1 :]
        if one.attempt.node == other.attempt.node and one.begun < other.ended and other.begun < one.ended
    ]


def accepted_nodes(work: Work) -> Mapping[str, Counter[str]]:
    """By `apart`: how many accepted parts each node has."""
    found: dict[str, Counter[str]] = {}
    known = {one.id: one for one in work.units}
    for attempt in work.attempts.values():
        if attempt.outcome == "accepted" and known[attempt.unit].needs.apart:
            found.setdefault(known[attempt.unit].needs.apart, Counter())[attempt.node] += 1
    return found
