"""The driver: which unit is attempted next and where, what is attempted again, and when to stop waiting.

    an attempt           what happens
    whole                its part is merged; a part that comes later is kept apart, and never merged
    failed, lost         attempted again, on another node if there is one, MOST_ATTEMPTS times in all
    refused by a node    the node gets no further unit of this campaign; the unit goes to another one

Launches of two attempts are never mixed: a unit starts again from its beginning.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from fleet.engine import Attempt, Engine, Offer
from fleet.part import Ended, Outcome
from fleet.unit import Unit
from fleet.work import ACCEPTED, MOST_ATTEMPTS, Work
from results.units import elapsed

POLL = 0.5
"""Seconds that the driver waits for an engine at a time."""
SUSPECT_SECONDS = 15.0
"""Time for which a node gets nothing after an attempt was lost there: its engine may not know yet that it is dead."""
JOIN_SECONDS = 600.0
"""Time for a suitable node to join while nothing runs."""


class Observer(Protocol):
    """Follows a campaign on its nodes."""

    def changed(self, works: Sequence[Work], running: Sequence[Attempt], offers: Sequence[Offer]) -> None: ...

    def ended(self, work: Work, attempt: Attempt | None, ended: Ended, outcome: str) -> None: ...

    def close(self) -> None: ...


class Silent:
    def changed(self, works: Sequence[Work], running: Sequence[Attempt], offers: Sequence[Offer]) -> None: ...

    def ended(self, work: Work, attempt: Attempt | None, ended: Ended, outcome: str) -> None: ...

    def close(self) -> None: ...


@dataclass
class Driver:
    """Runs the open units of the campaigns with an engine, until each has a part or is given up.

    join_seconds: how long to wait for a suitable node while nothing runs. clock: in seconds. may_begin: when it says
    no, no attempt is begun any more, and what runs then is waited for. further: units to add to a campaign when all of
    its units have ended; none ends the run.
    """

    engine: Engine
    works: Sequence[Work]
    observer: Observer = field(default_factory=Silent)
    join_seconds: float = JOIN_SECONDS
    clock: Callable[[], float] = time.monotonic
    may_begin: Callable[[], bool] = lambda: True
    further: Callable[[Work], Sequence[Unit]] = lambda work: ()
    _running: dict[tuple[str, int], Attempt] = field(default_factory=dict)
    _refusing: set[tuple[int, str]] = field(default_factory=set)
    _suspect: dict[str, float] = field(default_factory=dict)

    def run(self) -> None:
        """Raises what the engine raises; KeyboardInterrupt leaves everything as it is, to be resumed."""
        idle_since = self.clock()
        try:
            self._adopt()
            while (self._open() or self._extend()) and (self._running or self.may_begin()):
                if self.may_begin():
                    self._submit()
                busy = bool(self._running)
                for ended in self.engine.wait(POLL):
                    self._end(ended)
                if busy:
                    idle_since = self.clock()
                elif self.clock() - idle_since > self.join_seconds:
                    self._give_up_waiting()
        finally:
            self.engine.close()
            self.observer.close()
        for work in self.works:
            work.finish()

    def _adopt(self) -> None:
        """Go on with the attempts of an earlier driver that still run; the others that it began are lost."""
        for work in self.works:
            begun = work.begun()
            running = {attempt.key: attempt for attempt in self.engine.adopt(begun)}
            for attempt in begun:
                if attempt.key not in running:
                    reason = "it ended without a part after its driver had ended"
                    self._end(Ended(*attempt.key, attempt.node, Outcome.LOST, reason))
                elif work.is_open(attempt.unit.id):
                    self._running[attempt.key] = attempt
                else:
                    self.engine.cancel(attempt)

    def _open(self) -> list[tuple[Work, Unit]]:
        return [(work, unit) for work in self.works for unit in work.open]

    def _extend(self) -> bool:
        """Whether there are further units."""
        for work in self.works if self.may_begin() else ():
            work.add(self.further(work))
        return bool(self._open())

    def _waiting(self) -> list[tuple[Work, Unit]]:
        running = {id for id, _ in self._running}
        return [(work, unit) for work, unit in self._open() if unit.id not in running]

    def _submit(self) -> None:
        offers = self.engine.nodes()
        begun = []
        for work, unit in self._waiting():
            attempt = self._begin(work, unit, offers)
            if attempt:
                self._running[attempt.key] = attempt
                begun.append(attempt)
        if begun:
            self.engine.submit(begun)
        self.observer.changed(self.works, list(self._running.values()), offers)

    def _begin(self, work: Work, unit: Unit, offers: Sequence[Offer]) -> Attempt | None:
        """An attempt at the unit, or None as long as no node may run it."""
        if self.engine.places:
            node = self._place(work, unit, offers)
            return None if node is None else work.begin(unit, node)
        apart = unit.needs.apart
        if apart and any(one.unit.needs.apart == apart for one in self._running.values()):
            return None  # nobody knows which node the other one will get
        refusing = {node for known, node in self._refusing if known == id(work)}
        return work.begin(unit, "", (refusing | self._taken(work, unit)) - {""})

    def _place(self, work: Work, unit: Unit, offers: Sequence[Offer]) -> str | None:
        """The node for a unit: of those that may run it and have room, rather one that has not failed at it."""
        able = [one.id for one in offers if self._has_room(unit, one) and self._suits(work, unit, one)]
        failed = {one.node for one in work.of(unit.id)}
        return min(able, key=lambda id: id in failed, default=None)

    def _suits(self, work: Work, unit: Unit, offer: Offer) -> bool:
        needs = unit.needs
        return (
            needs.machine_type in ("", offer.type)
            and needs.node in ("", offer.id)
            and needs.cards <= offer.cards
            and (id(work), offer.id) not in self._refusing
            and self._suspect.get(offer.id, -math.inf) <= self.clock()
            and offer.id not in self._taken(work, unit)
        )

    def _taken(self, work: Work, unit: Unit) -> set[str]:
        """The nodes that run, or have run, a unit that this one must be apart from."""
        others = work.apart_from(unit)
        return work.taken(unit) | {one.node for one in self._running.values() if one.unit.id in others}

    def _has_room(self, unit: Unit, offer: Offer) -> bool:
        here = [one.unit for one in self._running.values() if one.node == offer.id]
        if unit.needs.exclusive or any(one.needs.exclusive for one in here):
            return not here
        return len(here) < offer.slots and sum(one.needs.cards for one in here) + unit.needs.cards <= offer.cards

    def _end(self, ended: Ended) -> None:
        attempt = self._running.pop((ended.unit, ended.attempt), None)
        work = next(one for one in self.works if any(unit.id == ended.unit for unit in one.units))
        outcome = work.end(ended)
        ended = replace(ended, reason=work.attempts[ended.unit, ended.attempt].reason)
        self.observer.ended(work, attempt, ended, outcome)
        if outcome == ACCEPTED:
            for other in [one for one in self._running.values() if one.unit.id == ended.unit]:
                self.engine.cancel(other)
                self._running.pop(other.key)
                work.end(Ended(*other.key, other.node, Outcome.LOST, "ended, as another part was accepted meanwhile"))
            return
        if attempt is None or not work.is_open(ended.unit):
            return
        if ended.outcome is Outcome.LOST:
            self._suspect[ended.node] = self.clock() + SUSPECT_SECONDS
        if ended.outcome is Outcome.REFUSED:
            self._refusing.add((id(work), ended.node))
        # The scheduler of an engine may choose a node again that has refused.
        tries = work.failures(attempt.unit, refused_too=not self.engine.places)
        if tries >= MOST_ATTEMPTS:
            work.give_up(attempt.unit, f"{tries} attempts; the last, on {ended.node or 'a node'}: {ended.reason}")

    def _give_up_waiting(self) -> None:
        for work, unit in self._open():
            refused = [one for one in work.of(unit.id) if one.outcome == Outcome.REFUSED]
            what = f"{unit.needs.node} " if unit.needs.node else ""
            what += f"of type {unit.needs.machine_type} " if unit.needs.machine_type else ""
            when = f"joined within {elapsed(self.join_seconds)} that " if self.join_seconds else ""
            reason = f"no machine {what}{when}may run it"
            if refused:
                reason += f"; the last one refused: {refused[-1].reason}"
            work.give_up(unit, reason, skipped=True)
