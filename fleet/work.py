"""The work of a campaign: its units, and every attempt at them, in the folder `fleet` of the campaign.

    fleet/units/ID.json       the units
    fleet/attempts.jsonl      a line when an attempt begins, and one when it has ended
    fleet/parts/ID/N/         attempt N at a unit (fleet.part), until its records are in the campaign
    fleet/late/ID/N/          parts that came after another one had been accepted; never merged
    fleet/lock                held by the driver

These files are all the state that there is: a driver that was killed goes on from them.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Protocol, Self

from fleet import part
from fleet import unit as units
from fleet.engine import Attempt
from fleet.part import PARTS, Ended, Outcome, PartError
from fleet.unit import UNITS, Unit
from results import strict_json
from results.schema.system import AttemptFacts
from results.store.journal import ResultsError

try:
    import fcntl
except ImportError:  # Windows: no lock
    fcntl = None  # type: ignore[assignment]

FOLDER, ATTEMPTS, LATE, LOCK = "fleet", "attempts.jsonl", "late", "lock"
BEGUN, ACCEPTED, LATE_PART = "begun", "accepted", "late"
"""Outcomes of attempts besides those of fleet.part.Outcome."""
MOST_ATTEMPTS = 3
"""Attempts at a unit that may fail or be lost before it is given up."""
COUNTED = {Outcome.FAILED.value, Outcome.LOST.value}


class Sink(Protocol):
    """The campaign that parts become a part of."""

    @property
    def folder(self) -> Path: ...

    def accept(self, unit: Unit, ended: Ended, part: Path) -> None:
        """Merge a whole part, once: what is there already is not added again. PartError if it can't be read."""
        ...

    def give_up(self, unit: Unit, reason: str, skipped: bool) -> None:
        """Keep the reason why a unit has no part. skipped: it was never begun."""
        ...

    def note(self, attempts: Sequence[AttemptFacts]) -> None:
        """Keep the attempts so far."""
        ...


class Work:
    """The units of a campaign in an order, and their attempts. A context manager: one driver at a time.

    `open`: the units that have neither a part nor been given up.
    """

    def __init__(self, sink: Sink, work: Sequence[Unit]):
        self.sink = sink
        self._folder = sink.folder / FOLDER
        self.units = tuple({unit.id: unit for unit in work}.values())
        for unit in self.units:
            write_unit(unit, sink.folder)
        self.attempts: dict[tuple[str, int], AttemptFacts] = {}
        self._given_up: set[str] = set()
        self._files = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._lock()
        self.attempts = {(one.unit, one.attempt): one for one in _read(self._folder / ATTEMPTS)}
        self._recover()
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def _lock(self) -> None:
        file = self._files.enter_context((self._folder / LOCK).open("ab"))
        if fcntl is None:
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._files.close()
            raise ResultsError(
                f"campaign {self.sink.folder.name} has a driver already; wait for it, or end it, then resume"
            ) from None

    def _recover(self) -> None:
        """Judge the attempts that ended when there was no driver."""
        for attempt in self.begun():
            with contextlib.suppress(PartError):
                self.end(part.read(attempt.folder))

    def begun(self) -> list[Attempt]:
        """The attempts that have not ended, as far as is known: they still run, or are lost."""
        found = []
        for unit in self.units:
            for folder in self._attempt_folders(unit):
                known = self.attempts.get((unit.id, int(folder.name)))
                if known is None or known.outcome == BEGUN:
                    found.append(Attempt(unit, int(folder.name), folder, known.node if known else ""))
        return found

    def _attempt_folders(self, unit: Unit) -> list[Path]:
        folders = [path for path in (self._folder / PARTS / unit.id).glob("*") if path.name.isdigit()]
        begun = [self.folder_of(unit, number) for id, number in self.attempts if id == unit.id]
        return sorted({*folders, *begun}, key=lambda path: int(path.name))

    def folder_of(self, unit: Unit, number: int) -> Path:
        return self._folder / PARTS / unit.id / str(number)

    @property
    def accepted(self) -> set[str]:
        """The ids of the units that have a part."""
        own = {unit.id for unit in self.units}
        return {one.unit for one in self.attempts.values() if one.outcome == ACCEPTED and one.unit in own}

    @property
    def open(self) -> list[Unit]:
        done = self.accepted | self._given_up
        return [unit for unit in self.units if unit.id not in done]

    def is_open(self, id: str) -> bool:
        return any(unit.id == id for unit in self.open)

    def of(self, id: str) -> list[AttemptFacts]:
        """The attempts at a unit."""
        return [one for one in self.attempts.values() if one.unit == id]

    def begin(self, unit: Unit, node: str, avoid: Collection[str] = ()) -> Attempt:
        """A further attempt, at a node ("": the engine's scheduler chooses, but none of those to avoid)."""
        number = 1 + max((one.attempt for one in self.of(unit.id)), default=0)
        self._keep(AttemptFacts(unit=unit.id, attempt=number, node=node, outcome=BEGUN))
        return Attempt(unit, number, self.folder_of(unit, number), node, tuple(sorted(avoid)))

    def end(self, ended: Ended) -> str:
        """Judge an attempt that has ended; how it counts. The first whole part of a unit is accepted, no other."""
        unit = next(unit for unit in self.units if unit.id == ended.unit)
        folder = self.folder_of(unit, ended.attempt)
        outcome, reason = ended.outcome.value, ended.reason
        if ended.outcome is Outcome.WHOLE:
            outcome, reason = ACCEPTED, ""
            if not self.is_open(unit.id):
                outcome, reason = LATE_PART, "another part had been accepted before it came"
                _move(folder, self._folder / LATE / unit.id / folder.name)
            else:
                try:
                    self.sink.accept(unit, ended, folder / part.PART)
                except PartError as problem:
                    outcome, reason = Outcome.FAILED.value, str(problem)
        self._keep(
            AttemptFacts(
                unit=ended.unit, attempt=ended.attempt, node=ended.node, outcome=outcome, reason=reason,
                seconds=ended.seconds,
            )
        )  # fmt: skip
        return outcome

    def failures(self, unit: Unit) -> int:
        return sum(one.outcome in COUNTED for one in self.of(unit.id))

    def give_up(self, unit: Unit, reason: str, skipped: bool = False) -> None:
        """No further attempt at the unit in this run; a resumed one tries again."""
        self._given_up.add(unit.id)
        self.sink.give_up(unit, reason, skipped)

    def finish(self) -> None:
        """Remove the parts, whose records are in the campaign, if every unit has one."""
        if not self.open and not self._given_up:
            shutil.rmtree(self._folder / PARTS, ignore_errors=True)

    def _keep(self, facts: AttemptFacts) -> None:
        with (self._folder / ATTEMPTS).open("a", encoding="utf-8") as file:
            file.write(strict_json.dumps(facts.content(), indent=0).replace("\n", "") + "\n")
        self.attempts[facts.unit, facts.attempt] = facts
        self.sink.note([one for one in self.attempts.values() if one.outcome != BEGUN])


def write_unit(unit: Unit, campaign: Path) -> None:
    """Write a unit's file into the folder of its campaign, unless it is there."""
    folder = campaign / FOLDER / UNITS
    if not (folder / f"{unit.id}.json").exists():
        units.write(unit, folder)


def stored_units(campaign: Path) -> list[Unit]:
    """The units in the folder of a campaign, those for the first launches first. InvalidInput for a damaged file."""
    found = map(units.read, units.files(campaign / FOLDER))
    return sorted(found, key=lambda unit: (str(unit.payload.get("first", "")), unit.label))


def _read(path: Path) -> Iterator[AttemptFacts]:
    """The readable lines of the file; a line that a power failure cut off is of an attempt that is lost."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        with contextlib.suppress(ValueError):
            yield AttemptFacts.model_validate_json(line)


def _move(source: Path, target: Path) -> None:
    if source.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, target)
