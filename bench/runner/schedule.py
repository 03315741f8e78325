"""Schedules: what a campaign measures next, as a pure function of its ledger, its suite and readings of the clock.

A schedule starts no process, reads no file and keeps no state: equal arguments give equal results.
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
"""A pass begins if the remaining budget is at least this factor times the last seconds of its blocks."""
COMPLETE, BUDGET = "complete", "budget"


@dataclass(frozen=True)
class Taken:
    """The number and seconds of a workload's last launch since the campaign began or was resumed.

    The seconds of a sustained run are excluded, as later launches have none.
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
    """The next launch, of all contestants of a group.

    retries: maximum repeats while it is contaminated. unforeseen: number of tasks known now, including this one, that
    neither `Schedule.steps` nor an earlier task has counted.
    """

    group: Group
    launch: int
    retries: int
    label: str
    unforeseen: int = 0


@dataclass(frozen=True)
class Stop:
    """The end of measuring. reason: COMPLETE or BUDGET."""

    reason: str


class Schedule(Protocol):
    """Decides what a campaign measures next. Each task is run and its records kept in the ledger before the next call.

    A campaign that ends early keeps its records and is resumed with the same ledger.
    """

    def steps(self, ledger: Ledger) -> int:
        """Minimum number of tasks, for progress."""
        ...

    def next(self, ledger: Ledger, readings: Readings) -> Task | Stop: ...


@dataclass(frozen=True)
class Passes:
    """Passes over all groups, one launch per group, so that launch counts differ by at most one at any stop.

    A pass covers the groups whose next launch has the lowest number, so groups that are behind come first. It begins if
    it fits into the budget by the last seconds of its groups. The first pass, or one that takes longer than expected,
    is cut at the budget's end.
    """

    suite: Suite

    def steps(self, ledger: Ledger) -> int:
        return sum(max(self.suite.launches[0] - _launch(ledger, group), 0) for group in ledger.groups())

    def next(self, ledger: Ledger, readings: Readings) -> Task | Stop:
        group, pass_size = self._next_of_pass(ledger, readings), 0
        if group is None:
            due = self._due(ledger)
            if not due:
                return Stop(COMPLETE)
            if not _affordable(due, readings):
                return Stop(BUDGET)
            group, pass_size = due[0], len(due)
        return Stop(BUDGET) if readings.now > readings.deadline else self._task(ledger, group, pass_size)

    def _next_of_pass(self, ledger: Ledger, readings: Readings) -> Group | None:
        """The next group of the current pass; None if it is over or none has begun.

        The current pass is that of the last launch. Only its own launch changes whether a group is open.
        """
        launch = max((taken.launch for taken in readings.taken.values()), default=None)
        behind = (group for group in ledger.groups() if _launch(ledger, group) == launch)
        return next((group for group in behind if not rule(self.suite, ledger, group)), None)

    def _due(self, ledger: Ledger) -> list[Group]:
        """The groups of the next pass; empty if no group needs a further launch."""
        open_groups = [group for group in ledger.groups() if not rule(self.suite, ledger, group)]
        lowest = min((_launch(ledger, group) for group in open_groups), default=0)
        return [group for group in open_groups if _launch(ledger, group) == lowest]

    def _task(self, ledger: Ledger, group: Group, pass_size: int) -> Task:
        """The next launch of a group; `pass_size`: number of groups if it begins a pass, else 0."""
        launch = _launch(ledger, group)
        unforeseen = pass_size if launch >= self.suite.launches[0] else 0
        return Task(group, launch, self.suite.max_retries, self._label(ledger, group, launch), unforeseen)

    def _label(self, ledger: Ledger, group: Group, launch: int) -> str:
        """Label of a group's next launch: number, maximum, and current width of its intervals."""
        fewest, most = self.suite.launches
        launches = f"launch {launch + 1}/{most if fewest == most else f'{fewest}-{most}'}"
        width = ledger.width(group)
        if math.isinf(width):
            return f"{launches} of {group.workload.id}"
        target = "" if fewest == most else f", wanted ±{self.suite.target:.1%}"
        return f"{launches} (intervals ±{width:.1%}{target}) of {group.workload.id}"


def rule(suite: Suite, ledger: Ledger, group: Group) -> str | None:
    """Why a group needs no further launch, "precision" or "launches"; None if it needs one."""
    fewest, most = suite.launches
    launch = _launch(ledger, group)
    if fewest < most and launch >= fewest and ledger.is_precise(group, suite.target):
        return "precision"
    return "launches" if launch >= most else None


def _affordable(groups: Sequence[Group], readings: Readings) -> bool:
    """Whether a pass over groups fits into the budget by their last seconds, which are unknown for the first pass."""
    taken = [readings.taken[group.workload].seconds for group in groups if group.workload in readings.taken]
    return readings.now + SPARE * sum(taken) <= readings.deadline


def _launch(ledger: Ledger, group: Group) -> int:
    return ledger.next_launch(group.workload)
