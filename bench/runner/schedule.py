"""What a campaign measures next: a pure function of its ledger, its suite and readings of the clock.

A schedule starts no process, reads no file and keeps no state: asked twice with the same arguments it gives the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bench.plan.suite import Suite
from bench.runner.ledger import Group, Ledger
from results.schema.record import Workload

SPARE = 1.05
"""A pass is begun if this many times the seconds that its blocks took last are left of the budget."""
COMPLETE, BUDGET = "complete", "budget"


@dataclass(frozen=True)
class Taken:
    """A launch of a workload that was made since the campaign began or was resumed, and the seconds that it took.

    The seconds of a sustained run are left out, as no later launch has one.
    """

    launch: int
    seconds: float


@dataclass(frozen=True)
class Readings:
    """Readings of the clock, in seconds of bench.clock.now; `taken`: the last launch of each workload, if any."""

    now: float
    deadline: float
    taken: Mapping[Workload, Taken] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """A launch to make next, of all contestants of a group.

    retries: how often it is made again while it is contaminated. unforeseen: how many tasks there are now, this one
    among them, that neither `Schedule.steps` nor an earlier task has counted.
    """

    group: Group
    launch: int
    retries: int
    label: str
    unforeseen: int = 0


@dataclass(frozen=True)
class Stop:
    """Nothing is to be measured any more. reason: COMPLETE or BUDGET."""

    reason: str


class Schedule(Protocol):
    """Decides what a campaign measures next. What it decides is made, and kept in the ledger, before it is asked again.

    A campaign that ends early keeps what was measured; it is resumed by asking with the same ledger again.
    """

    def steps(self, ledger: Ledger) -> int:
        """How many tasks there will be at least, for progress."""
        ...

    def next(self, ledger: Ledger, readings: Readings) -> Task | Stop: ...


@dataclass(frozen=True)
class Passes:
    """Pass after pass over all groups, one launch a group: whatever ends it leaves all with as many, or one less.

    A pass is over the groups whose next launch has the lowest number, so groups that are behind come first. It is begun
    if it fits into the budget by what its groups took last. A pass that takes longer than the one before it, or is the
    first, is cut where the budget ends.
    """

    suite: Suite

    def steps(self, ledger: Ledger) -> int:
        return sum(max(self.suite.launches[0] - _launch(ledger, group), 0) for group in ledger.groups())

    def next(self, ledger: Ledger, readings: Readings) -> Task | Stop:
        group, begun = self._next_of_pass(ledger, readings), 0
        if group is None:
            due = self._due(ledger)
            if not due:
                return Stop(COMPLETE)
            if not _affordable(due, readings):
                return Stop(BUDGET)
            group, begun = due[0], len(due)
        return Stop(BUDGET) if readings.now > readings.deadline else self._task(ledger, group, begun)

    def _next_of_pass(self, ledger: Ledger, readings: Readings) -> Group | None:
        """The first group that the pass which has begun has not come to; None if that pass is over, or none has begun.

        That pass is the one of the last launch that was made. Whether a group is open changes with its own launch only.
        """
        launch = max((taken.launch for taken in readings.taken.values()), default=None)
        behind = (group for group in ledger.groups() if _launch(ledger, group) == launch)
        return next((group for group in behind if not rule(self.suite, ledger, group)), None)

    def _due(self, ledger: Ledger) -> list[Group]:
        """The groups of the next pass; none if no group needs a further launch."""
        open_groups = [group for group in ledger.groups() if not rule(self.suite, ledger, group)]
        lowest = min((_launch(ledger, group) for group in open_groups), default=0)
        return [group for group in open_groups if _launch(ledger, group) == lowest]

    def _task(self, ledger: Ledger, group: Group, begun: int) -> Task:
        """The next launch of a group; `begun`: the groups of the pass that it begins."""
        launch = _launch(ledger, group)
        unforeseen = begun if launch >= self.suite.launches[0] else 0
        return Task(group, launch, self.suite.max_retries, self._label(ledger, group, launch), unforeseen)

    def _label(self, ledger: Ledger, group: Group, launch: int) -> str:
        """A group's next launch in words: of how many, and how narrow its intervals are by now."""
        fewest, most = self.suite.launches
        launches = f"launch {launch + 1}/{most if fewest == most else f'{fewest}-{most}'}"
        width = ledger.width(group)
        if math.isinf(width):
            return f"{launches} of {group.workload.id}"
        wanted = "" if fewest == most else f", wanted ±{self.suite.target:.1%}"
        return f"{launches} (intervals ±{width:.1%}{wanted}) of {group.workload.id}"


def rule(suite: Suite, ledger: Ledger, group: Group) -> str | None:
    """Why a group needs no further launch, "precision" or "launches"; None if it does."""
    fewest, most = suite.launches
    launch = _launch(ledger, group)
    if fewest < most and launch >= fewest and ledger.is_precise(group, suite.target):
        return "precision"
    return "launches" if launch >= most else None


def _affordable(groups: Sequence[Group], readings: Readings) -> bool:
    """Whether a pass over groups fits, by what they took before; nothing is known of that for the first one."""
    taken = [readings.taken[group.workload].seconds for group in groups if group.workload in readings.taken]
    return readings.now + SPARE * sum(taken) <= readings.deadline


def _launch(ledger: Ledger, group: Group) -> int:
    return ledger.next_launch(group.workload)
