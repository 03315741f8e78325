"""History of one machine: a time series for every case over campaigns, its steps, and what changed between campaigns.

Campaigns of different machines have separate histories; nothing is averaged over machines or campaigns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from typing import Any

from results.compare.pairwise import (
    REPORTED_DIFFERENCES,
    Outcome,
    described,
    last_outcomes,
    machine_of,
    replicates_of,
    unknown_machine,
    versions_of,
    why_missing,
)
from results.schema.record import Case
from results.stats.estimates import Estimate, geometric
from results.stats.steps import FEWEST, Level, levels
from results.store.campaigns import StoredCampaign
from results.store.journal import ResultsError, when
from results.words import share_of_cases

ENOUGH = 2 * FEWEST
"""Minimum number of campaigns for a series to have a step."""
MACHINE = "machine"
"""The key for changes that affect every contestant."""
COMMON_CAUSE_SHARE = 0.5
"""If more than this share of cases step at one campaign, a common cause is assumed."""


@dataclass(frozen=True)
class Entry:
    """A campaign in a history. `changed`: by contestant, or MACHINE for all, facts that differ from previous ones."""

    name: str
    started: datetime
    changed: Mapping[str, tuple[str, ...]]

    def changed_for(self, contestant: str) -> tuple[str, ...]:
        """Changes that may have affected a contestant's times."""
        return (*self.changed.get(contestant, ()), *self.changed.get(MACHINE, ()))


@dataclass(frozen=True)
class Point:
    """A case's time in one campaign (its index in the history), with the interval over launches."""

    campaign: int
    seconds: Estimate


@dataclass(frozen=True)
class Change:
    """A step of a case: first campaign of the new level, last one of the old, new time, and ratio of new to old.

    `p` is that of results.stats.steps.Step.
    """

    campaign: int
    after: int
    seconds: float
    ratio: Estimate
    p: float


@dataclass(frozen=True)
class Series:
    """A case's times over campaigns, and, by campaign index, the reasons of those that failed to measure it.

    Levels refer to points, not campaigns.
    """

    case: Case
    points: tuple[Point, ...]
    levels: tuple[Level, ...]
    lost: Mapping[int, str]

    @property
    def steps(self) -> tuple[Change, ...]:
        """The changes from one level to the next, oldest first."""
        return tuple(
            Change(
                self.points[level.begin].campaign,
                self.points[level.begin - 1].campaign,
                level.seconds,
                level.step.ratio,
                level.step.p,
            )
            for level in self.levels
            if level.step
        )

    def is_slower(self, since: int = 0) -> bool:
        """Whether its last step was a slowdown, at that campaign or later; earlier steps do not count."""
        last = self.steps[-1] if self.steps else None
        return last is not None and last.ratio.value > 1 and last.campaign >= since


@dataclass(frozen=True)
class History:
    """One machine's campaigns, oldest first, and the series of all of their cases."""

    machine: Mapping[str, Any]
    campaigns: tuple[Entry, ...]
    series: tuple[Series, ...]

    def headline(self) -> str:
        """The number of campaigns, their dates, and the number of cases with a step."""
        first, last, count = self.campaigns[0], self.campaigns[-1], len(self.campaigns)
        days = f"{count} campaign{'s' if count > 1 else ''}, {first.started:%Y-%m-%d} to {last.started:%Y-%m-%d}"
        stepped = sum(bool(one.steps) for one in self.series)
        return f"{days}: {stepped or 'none'} of {len(self.series)} cases {'have' if stepped > 1 else 'has'} a step"

    @property
    def remarks(self) -> tuple[str, ...]:
        """Warnings about steps that could not be detected, or that may have a common cause."""
        short = sum(0 < len(one.points) < ENOUGH for one in self.series)
        found = [f"{short} of {len(self.series)} cases have fewer than {ENOUGH} campaigns, too few to detect a step"]
        return (*(found if short else ()), *filter(None, map(self._together, range(len(self.campaigns)))))

    def _together(self, campaign: int) -> str:
        """Warn if many cases step at one campaign, which suggests a common cause."""
        here = [one for one in self.series if any(point.campaign == campaign for point in one.points)]
        stepping = sum(campaign in [step.campaign for step in one.steps] for one in here)
        if stepping < 2 or stepping <= COMMON_CAUSE_SHARE * len(here):
            return ""
        return (
            f"{stepping} of {len(here)} cases step at {self.campaigns[campaign].name}: "
            "check the machine first, or what these cases have in common"
        )


@dataclass(frozen=True)
class Histories:
    """One history per machine, the longest first.

    `left_out`: campaigns in no history, with the reason. `problems`: unreadable lines.
    """

    histories: tuple[History, ...]
    left_out: tuple[str, ...]
    problems: tuple[str, ...]

    def headline(self) -> str:
        """Headline for terminal and page: the number of cases, of all machines, that are slower than before."""
        total = sum(len(history.series) for history in self.histories)
        return f"{share_of_cases(len(self.slower()), total)} slower than before"

    def slower(self, since: str = "") -> list[str]:
        """Cases with a slowdown as last step, in campaign `since` or later; ResultsError if it does not exist."""
        times = [entry.started for history in self.histories for entry in history.campaigns if entry.name == since]
        if since and not times:
            names = [entry.name for history in self.histories for entry in history.campaigns]
            raise ResultsError(f"no campaign {since!r} in this history; there are: {', '.join(names[-5:])}")
        return [
            one.case.id
            for history in self.histories
            for one in history.series
            if one.is_slower(sum(entry.started < times[0] for entry in history.campaigns) if times else 0)
        ]


@dataclass(frozen=True, order=True)
class _Dated:
    """A campaign without its launches, each case's times (none: not measured) and last outcome; sorts by start time."""

    started: datetime
    name: str
    campaign: StoredCampaign = field(compare=False)
    times: Mapping[Case, Sequence[float]] = field(compare=False)
    last: Mapping[Case, Outcome] = field(compare=False)


def histories(campaigns: Iterable[StoredCampaign]) -> Histories:
    """The histories of campaigns given in any order; ResultsError if none has a start time and a machine.

    The probability of any false step in all of them is at most 5 %.
    """
    machines: dict[str, list[_Dated]] = {}
    left_out: list[str] = []
    problems: list[str] = []
    for campaign in campaigns:
        problems += campaign.problems
        started = _started(campaign)
        if machine_of(campaign) is None:
            left_out.append(unknown_machine(campaign))
        elif started is None:
            left_out.append(f"{campaign.name} has no start time, neither in its metadata nor in a record")
        else:
            without = replace(campaign, records=(), copies=(), columns=None)  # of hundreds, they would fill memory
            dated = _Dated(started, campaign.name, without, replicates_of(campaign), last_outcomes(campaign))
            machines.setdefault(repr(machine_of(campaign)), []).append(dated)
    if not machines:
        raise ResultsError(f"no campaign can be placed in a history: {'; '.join(left_out) or 'none was given'}")
    ordered = sorted(map(sorted, machines.values()), key=len, reverse=True)
    looked_at = sum(map(_judged, ordered))
    said = " ".join(left_out)
    return Histories(
        tuple(_history(found, looked_at) for found in ordered),
        tuple(left_out),
        tuple(problem for problem in problems if problem not in said),
    )


def _started(campaign: StoredCampaign) -> datetime | None:
    """The start time of the campaign, or else of its first record with a start time."""
    said = chain([campaign.system.started], (record.started for record in campaign.records))
    return next(filter(None, map(when, said)), None)


def _judged(found: Sequence[_Dated]) -> int:
    """The number of series that are tested for steps."""
    measured = Counter(case for one in found for case, times in one.times.items() if times)
    return sum(count >= ENOUGH for count in measured.values())


def _history(found: Sequence[_Dated], looked_at: int) -> History:
    campaigns = [one.campaign for one in found]
    entries = [Entry(one.name, one.started, changed) for one, changed in zip(found, _changes(campaigns))]
    series = []
    for case in dict.fromkeys(case for one in found for case in one.last):
        measured = {number: one.times[case] for number, one in enumerate(found) if one.times.get(case)}
        lost = {
            number: why_missing(one.name, one.last[case])
            for number, one in enumerate(found)
            if case in one.last and number not in measured
        }
        points = tuple(Point(number, geometric(seconds)) for number, seconds in measured.items())
        series.append(Series(case, points, levels(list(measured.values()), max(looked_at, 1)), lost))
    return History(machine_of(campaigns[0]) or {}, tuple(entries), tuple(series))


def _changes(campaigns: Sequence[StoredCampaign]) -> Iterator[Mapping[str, tuple[str, ...]]]:
    """For each campaign, the facts that differ from their previous known values; none for the first campaign."""
    known: dict[tuple[str, str], Any] = {}
    for campaign in campaigns:
        found: dict[str, tuple[str, ...]] = {}
        for (whose, what), value in _facts(campaign).items():
            before = known.setdefault((whose, what), value)
            if before != value:
                found[whose] = (*found.get(whose, ()), f"{what} {before} → {value}")
                known[whose, what] = value
        yield found


def _facts(campaign: StoredCampaign) -> dict[tuple[str, str], Any]:
    """Facts that may affect times: those of the system, and the package versions of each contestant."""
    system = described(campaign.system)
    versions = versions_of(campaign.system)
    return {
        **{(MACHINE, what): system[what] for what in REPORTED_DIFFERENCES if system.get(what) is not None},
        **{
            (contestant, package): version
            for contestant, found in versions.items()
            for package, version in found.items()
        },
    }
