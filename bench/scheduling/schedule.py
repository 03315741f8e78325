"""Schedules: what a campaign measures next, as a pure function of its ledger, its suite and readings of the clock.

A schedule starts no process, reads no file and keeps no state: equal arguments give equal results.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.plan.suite import Suite
from bench.scheduling.ledger import Group, Ledger

COMPLETE, BUDGET = "complete", "budget"


@dataclass(frozen=True)
class Readings:
    """Readings of the clock, in seconds of bench.clock.now."""

    now: float
    deadline: float


@dataclass(frozen=True)
class Task:
    """The next launch, of all contestants of a group.

    turns: of each of its phases. retries: maximum repeats while it is contaminated. unforeseen: number of tasks known
    now, including this one, that neither `Schedule.steps` nor an earlier task has counted.
    """

    group: Group
    launch: int
    turns: int
    retries: int
    label: str
    unforeseen: int = 0


@dataclass(frozen=True)
class Stop:
    """The end of measuring. reason: COMPLETE or BUDGET."""

    reason: str


@dataclass(frozen=True)
class Remainder:
    """What more time would decide: `decidable` of the `undecided` ratios, in about so many seconds of launches."""

    undecided: int = 0
    decidable: int = 0
    seconds: float = 0.0


class Schedule(Protocol):
    """Decides what a campaign measures next. Each task is run and its records kept in the ledger before the next call.

    A campaign that ends early keeps its records and is resumed with the same ledger.
    """

    def steps(self, ledger: Ledger) -> int:
        """Minimum number of tasks, for progress."""
        ...

    def admissible(self, ledger: Ledger, readings: Readings) -> Sequence[Group]:
        """The groups that the gate is to examine before the next task, of those that wait for it."""
        ...

    def next(self, ledger: Ledger, readings: Readings) -> Task | Stop: ...

    def remainder(self, ledger: Ledger) -> Remainder: ...


def rule(suite: Suite, ledger: Ledger, group: Group) -> str | None:
    """Why a group needs no further launch, "precision" or "launches"; None if it needs one."""
    fewest, most = suite.launches
    launch = ledger.next_launch(group)
    if fewest < most and launch >= fewest and ledger.is_precise(group, suite.target):
        return "precision"
    return "launches" if launch >= most else None
