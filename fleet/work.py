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
import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, Self

from fleet import part
from fleet import unit as units
from fleet.engine import Attempt
from fleet.part import PARTS, Ended, Outcome, PartError
from fleet.unit import UNITS, Unit
from impls.errors import InvalidInput
from results import strict_json
from results.schema.system import AttemptFacts
from results.store.journal import ResultsError, lock

FOLDER, ATTEMPTS, LATE, LOCK = "fleet", "attempts.jsonl", "late", "lock"
BEGUN, MERGING, ACCEPTED, LATE_PART = "begun", "merging", "accepted", "late"
"""Outcomes of attempts besides those of fleet.part.Outcome. The first two are of attempts that have not ended yet."""
MOST_ATTEMPTS = 3
"""Attempts at a unit that may fail or be lost before it is given up. A driver counts those that it began itself."""
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
        self._earlier: set[tuple[str, int]] = set()
        self._given_up: dict[str, str] = {}
        self._files = contextlib.ExitStack()

    def add(self, further: Sequence[Unit]) -> None:
        """Further units, which a driver that resumes the campaign finds, too."""
        for unit in further:
            write_unit(unit, self.sink.folder)
        self.units = tuple({unit.id: unit for unit in (*self.units, *further)}.values())

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as files:
            files.callback(self._files.close)
            self._lock()
            _end_last_line(self._folder / ATTEMPTS)
            self.attempts = {(one.unit, one.attempt): one for one in _read(self._folder / ATTEMPTS)}
            self._recover()
            self._earlier = set(self.attempts)
            files.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def _lock(self) -> None:
        file = self._files.enter_context((self._folder / LOCK).open("ab"))
        name = self.sink.folder.name
        lock(file, f"campaign {name} has a driver already; wait for it, or end it, then resume")

    def _recover(self) -> None:
        """Judge the attempts that ended when there was no driver, and those whose part came after they were lost."""
        for unit in self.units:
            for one in self.of(unit.id):
                if one.outcome == MERGING:  # its records may be in the campaign: no other part must be
                    self.end(_ended_or_lost(self._attempt(unit, one.attempt)))
        for attempt in self._with_outcome(None, BEGUN, Outcome.LOST):
            with contextlib.suppress(PartError):
                self.end(_ended(attempt))

    def begun(self) -> list[Attempt]:
        """The attempts that have not ended, as far as is known: they still run, or are lost."""
        return self._with_outcome(None, BEGUN)

    def _with_outcome(self, *outcomes: str | None) -> list[Attempt]:
        """The attempts whose outcome is one of these, None for those of which nothing but a folder is known."""
        found = []
        for unit in self.units:
            for folder in self._attempt_folders(unit):
                known = self.attempts.get((unit.id, int(folder.name)))
                if (known.outcome if known else None) in outcomes:
                    found.append(self._attempt(unit, int(folder.name)))
        return found

    def _attempt(self, unit: Unit, number: int) -> Attempt:
        known = self.attempts.get((unit.id, number))
        return Attempt(unit, number, self.folder_of(unit, number), known.node if known else "")

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
    def without_part(self) -> list[Unit]:
        return [unit for unit in self.units if unit.id not in self.accepted]

    def why_without_part(self, unit: Unit) -> str:
        """The reason why it was given up, or what its last attempt said."""
        reasons = (one.reason for one in reversed(self.of(unit.id)) if one.reason)
        return self._given_up.get(unit.id) or next(reasons, "not attempted")

    @property
    def open(self) -> list[Unit]:
        done = self.accepted | self._given_up.keys()
        return [unit for unit in self.units if unit.id not in done]

    @property
    def given_up(self) -> list[Unit]:
        """The units that this driver has given up."""
        return [unit for unit in self.units if unit.id in self._given_up]

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
        known = self.attempts.get((ended.unit, ended.attempt))
        if known and known.outcome in (ACCEPTED, LATE_PART):
            return known.outcome
        outcome, reason = ended.outcome.value, ended.reason
        if ended.outcome is Outcome.WHOLE:
            outcome, reason = ACCEPTED, ""
            if unit.id in self.accepted:
                outcome, reason = LATE_PART, "another part had been accepted before it came"
                _move(folder, self._folder / LATE / unit.id / folder.name)
            else:
                try:
                    self._refuse_together(unit, ended.node)
                    self._keep(AttemptFacts(unit=unit.id, attempt=ended.attempt, node=ended.node, outcome=MERGING))
                    self.sink.accept(unit, ended, folder / part.PART)
                except PartError as problem:
                    outcome, reason = Outcome.FAILED.value, str(problem)
        self._keep(
            AttemptFacts(
                unit=ended.unit, attempt=ended.attempt, node=ended.node, outcome=outcome, reason=reason,
                seconds=ended.seconds,
            )
        )  # fmt: skip
        if outcome == ACCEPTED:
            self._given_up.pop(unit.id, None)
        return outcome

    def _refuse_together(self, unit: Unit, node: str) -> None:
        """PartError if the node has measured a unit that this one must be apart from.

        A driver places no such unit there. But a lost attempt may end late, and other schedulers choose by themselves.
        """
        if node in self.taken(unit):
            raise PartError(f"node {node} has measured another part already that must be of another node")

    def taken(self, unit: Unit) -> set[str]:
        """The nodes whose parts of units that this one must be apart from were accepted."""
        others = self.apart_from(unit)
        return {one.node for one in self.attempts.values() if one.outcome == ACCEPTED and one.unit in others}

    def apart_from(self, unit: Unit) -> set[str]:
        """The ids of the units that must be run on other nodes than this one."""
        apart = unit.needs.apart
        return {one.id for one in self.units if apart and one.needs.apart == apart and one.id != unit.id}

    def failures(self, unit: Unit, refused_too: bool = False) -> int:
        """How many attempts that this driver began have failed or were lost, or refused by a node."""
        counted = COUNTED | ({Outcome.REFUSED.value} if refused_too else set())
        own = (one for one in self.of(unit.id) if (one.unit, one.attempt) not in self._earlier)
        return sum(one.outcome in counted for one in own)

    def give_up(self, unit: Unit, reason: str, skipped: bool = False) -> None:
        """No further attempt at the unit in this run; a resumed one tries again."""
        self._given_up[unit.id] = reason
        self.sink.give_up(unit, reason, skipped)

    def finish(self) -> None:
        """Remove the parts, whose records are in the campaign, if every unit has one."""
        if not self.open and not self._given_up:
            shutil.rmtree(self._folder / PARTS, ignore_errors=True)

    def _keep(self, facts: AttemptFacts) -> None:
        line = strict_json.dumps(facts.content(), indent=0).replace("\n", "") + "\n"
        try:
            _append(self._folder / ATTEMPTS, line.encode())
        except OSError as problem:
            why = problem.strerror or problem
            raise ResultsError(f"{self._folder / ATTEMPTS} can't be written: {why}; make room, then resume") from None
        self.attempts[facts.unit, facts.attempt] = facts
        self.sink.note([one for one in self.attempts.values() if one.outcome not in (BEGUN, MERGING)])


def write_unit(unit: Unit, campaign: Path) -> None:
    """Write a unit's file into the folder of its campaign, unless it is there."""
    folder = campaign / FOLDER / UNITS
    if not (folder / f"{unit.id}.json").exists():
        units.write(unit, folder)


def stored_units(campaign: Path) -> list[Unit]:
    """The units in the folder of a campaign, those for the first launches first. InvalidInput for a damaged file."""
    found = []
    for path in units.files(campaign / FOLDER):
        found.append(units.read(path))
        if found[-1].id != path.stem:
            raise InvalidInput(f"{str(path)!r} is not the unit that it was: its command or payload was changed")
    return sorted(found, key=_place)


def _place(unit: Unit) -> tuple[int, str]:
    first = unit.payload.get("first")
    return first if isinstance(first, int) else 0, unit.label


def _append(path: Path, text: bytes) -> None:
    with path.open("ab") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _end_last_line(path: Path) -> None:
    """A line that was cut off stays, on a line of its own."""
    if path.exists() and (text := path.read_bytes()) and not text.endswith(b"\n"):
        _append(path, b"\n")


def _read(path: Path) -> Iterator[AttemptFacts]:
    """The readable lines of the file; a line that a power failure cut off is of an attempt that is lost."""
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else ():
        with contextlib.suppress(ValueError):
            yield AttemptFacts.model_validate_json(line)


def _ended(attempt: Attempt) -> Ended:
    """How the attempt ended; PartError if that is not known, or its part is not whole."""
    ended = part.read(attempt.folder)
    if ended.unit != attempt.unit.id:
        raise PartError(f"{part.DONE} is of another unit")
    return replace(ended, attempt=attempt.number)


def _ended_or_lost(attempt: Attempt) -> Ended:
    try:
        return _ended(attempt)
    except PartError as problem:
        reason = f"the driver ended before it did ({problem})"
        return Ended(attempt.unit.id, attempt.number, attempt.node, Outcome.LOST, reason)


def _move(source: Path, target: Path) -> None:
    if source.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, target)
