"""Allocation of a campaign's time: which network is launched next, and for how many turns.

If there is time, each network has the suite's fewest launches first. Then the next launch goes to the network in which
it is expected to decide most ratios per second, and once all are decided, or none can be in the time that is left, to
the one in which it narrows intervals most. A network for whose fewest launches no time is left has one launch, for its
times, before intervals are narrowed that decide nothing more. Small networks come first because they are cheap. Probes
of the machine's peak have the fewest launches: which contestant is faster on them decides nothing. A launch has as many
turns as make its ratios most precise for its time (Kalibera and Jones, "Rigorous benchmarking in reasonable time",
2013, equation 5), fewer where others' fewest launches need the time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bench.networks.probes import probed
from bench.plan.suite import Suite
from bench.scheduling.costs import REUSING, LaunchCost, cost_of, first_launches
from bench.scheduling.ledger import Group, Ledger
from bench.scheduling.prospects import FEWEST_FOR_INTERVAL, Prospect, Prospects
from bench.scheduling.schedule import BUDGET, COMPLETE, Readings, Remainder, Stop, Task, rule

SPARE = 1.05
"""A launch begins if the remaining budget is at least this factor times its expected seconds."""
NARROWING = 0.01
"""Worth of halving the width of a ratio's interval, over that of deciding the ratio."""
LIKELY = 0.7
"""Share of a network's ratios that its first launches are expected to decide."""
ERROR = 1.2
"""Predicted seconds of a network's fewest launches may be this factor too many or too few: time is reserved for them if
they would fit in the first case, and launches have further turns only if they would fit in the second."""
STAGE = 3
"""Networks are examined in stages: in each, those that are predicted to take at most this factor times what the
shortest one takes. What larger ones take is then predicted from launches of networks nearly as large."""


@dataclass(frozen=True)
class Option:
    """The next launch of a group: its expected cost, its worth per second, and the launches made so far.

    `turns`: as many as make ratios most precise for the time. `decides`: whether it is one of the suite's fewest, or it
    and launches like it are expected to decide a ratio; others only narrow intervals.
    """

    group: Group
    launches: int
    turns: int
    cost: LaunchCost
    worth: float
    decides: bool

    @property
    def seconds(self) -> float:
        return self.cost.seconds(self.turns)

    def seconds_for(self, launches: int, turns: int) -> float:
        """Of so many launches of so many turns from this one on; 0 for none."""
        if launches < 1:
            return 0.0
        return self.cost.seconds(turns) * (1 + (launches - 1) * (1 if self.launches else REUSING))

    def turns_within(self, seconds: float, fewest: int) -> int:
        """As many turns, at most `turns`, as fit into so many seconds; `fewest` if none do."""
        if not self.cost.turn:
            return self.turns
        return max(min(self.turns, int((seconds / SPARE - self.cost.overhead) / self.cost.turn)), fewest)


@dataclass(frozen=True)
class Allocation:
    """The schedule of campaigns that compare contestants."""

    suite: Suite

    def steps(self, ledger: Ledger) -> int:
        made = [ledger.next_launch(ledger.behind(group)) for group in ledger.groups()]
        return sum(max(self.suite.launches[0] - launches, 0) for launches in made)

    def admissible(self, ledger: Ledger, readings: Readings) -> list[Group]:
        """The groups that the gate examines now, shortest first: a stage of those that are expected to be compared.

        A stage begins when each group of the one before has been launched. Where no launch that fits decides anything,
        a group of which one launch fits is examined.
        """
        left, options = readings.deadline - readings.now, list(self.options(ledger))
        if expected := self.expected(ledger, options, left):
            shortest = min(expected.values())
            stage = [group for group, seconds in expected.items() if seconds <= STAGE * shortest]
            return [] if any(not option.launches for option in options) else stage
        if not ledger.waiting() or any(option.decides for option in self._affordable(ledger, options, left)):
            return []
        return self._for_one_launch(ledger, left)

    def expected(self, ledger: Ledger, options: Sequence[Option], left: float) -> dict[Group, float]:
        """Seconds of the waiting groups whose gate and fewest launches fit into the time that no admitted one needs.

        Shortest first. Others are not examined, as they could not be compared: they are when launches turn out to take
        less. The first group of all is examined in any case.
        """
        free = left - _reserved(self._missing_of(options), left)
        needed = {group: SPARE * first_launches(ledger, group, self.suite.launches[0]) for group in ledger.waiting()}
        found: dict[Group, float] = {}
        for group, seconds in sorted(needed.items(), key=lambda item: item[1]):
            if seconds <= free or not (found or ledger.admitted()):
                found[group] = seconds
                free -= seconds
        return found

    def _for_one_launch(self, ledger: Ledger, left: float) -> list[Group]:
        """The waiting group whose gate and first launch take the least time, if they fit."""
        seconds, group = min(
            ((SPARE * first_launches(ledger, group, 1), group) for group in ledger.waiting()), key=lambda item: item[0]
        )
        return [group] if seconds <= left else []

    def _affordable(self, ledger: Ledger, options: Sequence[Option], left: float) -> list[Option]:
        """The launches that fit, with the fewest turns, into the time that no other group needs for its fewest.

        If there are none, those that fit into all of the time that is left; before the first launch, all.
        """
        if not any(record.started for record in ledger.records):
            return list(options)
        fewest, turns = self.suite.launches[0], self.suite.turns[0]
        free = left - _reserved([*self._missing_of(options), *self.expected(ledger, options, left).values()], left)
        fitting = [option for option in options if SPARE * option.cost.seconds(turns) <= left]
        return [
            option for option in fitting if option.launches < fewest or SPARE * option.cost.seconds(turns) <= free
        ] or fitting

    def next(self, ledger: Ledger, readings: Readings) -> Task | Stop:
        options = list(self.options(ledger))
        if not options:
            return Stop(BUDGET if ledger.waiting() else COMPLETE)
        left, fewest = readings.deadline - readings.now, self.suite.launches[0]
        affordable = self._affordable(ledger, options, left)
        if left < 0 or not affordable:
            return Stop(BUDGET)
        # Where there is time for the fewest launches of all groups, they come first: others are worth as much later,
        # when costs are known. A group that cannot have its fewest any more gets what decides nothing elsewhere.
        later = self.expected(ledger, options, left).values()
        first = sum([*self._missing_of(options), *later]) <= ERROR * left
        best = max(
            _abreast(affordable),
            key=lambda option: (
                option.decides and self._missing(option) <= ERROR * left,
                option.decides,
                first and option.launches < fewest,
                option.worth,
                -option.launches,
            ),
        )
        others = [*self._missing_of([option for option in options if option is not best]), *later]
        turns = best.turns_within(self._room(best, others, left), self.suite.turns[0])
        unforeseen = int(best.launches >= fewest)
        label = self._label(ledger, best)
        return Task(best.group, best.launches, turns, self.suite.max_retries, label, unforeseen)

    def _room(self, best: Option, others: Sequence[float], left: float) -> float:
        """Seconds for a launch that leave the others' fewest launches possible; all if those do not fit in any case.

        others: the seconds that these need.
        """
        room = left - ERROR * _reserved(others, left)
        is_further = best.launches >= self.suite.launches[0]
        return left if is_further and room < SPARE * best.cost.seconds(self.suite.turns[0]) else room

    def options(self, ledger: Ledger) -> Iterator[Option]:
        """The next launch of every admitted group that is not finished."""
        prospects = ledger.prospects()
        for group in map(ledger.behind, ledger.admitted()):
            if rule(self.suite, ledger, group) is None:
                anew = self.suite.compiles_anew(group.workload.device)
                launches, cost = ledger.next_launch(group), cost_of(ledger, group, anew)
                turns = self._turns(prospects, group, cost)
                narrowed, decided = self._worth(group, _compared(prospects, group), launches, turns)
                worth = (narrowed + decided) / cost.seconds(turns)
                yield Option(group, launches, turns, cost, worth, bool(decided) or launches < self.suite.launches[0])

    def _missing_of(self, options: Sequence[Option]) -> list[float]:
        return [self._missing(option) for option in options]

    def _missing(self, option: Option) -> float:
        """Seconds that a group needs for the suite's fewest launches, of the fewest turns."""
        return SPARE * option.seconds_for(self.suite.launches[0] - option.launches, self.suite.turns[0])

    def remainder(self, ledger: Ledger) -> Remainder:
        """What further launches within the suite's maximum would decide, and how long they would take."""
        prospects = ledger.prospects()
        undecided = decidable = 0
        total = 0.0
        for option in self.options(ledger):
            own = _compared(prospects, option.group)
            more = [one.further_launches(option.turns, self.suite.launches[1]) for one in own]
            more += [FEWEST_FOR_INTERVAL - option.launches] * (_ratios(option.group) - len(more))
            possible = [count for count in more if 0 < count < math.inf]
            undecided += sum(count > 0 for count in more)
            decidable += len(possible)
            total += option.seconds * max(possible, default=0)
        for group in ledger.waiting():
            undecided += _ratios(group)
            decidable += _ratios(group)
            total += first_launches(ledger, group, self.suite.launches[0])
        return Remainder(undecided, decidable, total)

    def _turns(self, prospects: Prospects, group: Group, cost: LaunchCost) -> int:
        """Turns of a launch, for the narrowest intervals for the time; the fewest as long as costs are unknown."""
        fewest, most = self.suite.turns
        if not cost.turn:
            return fewest
        best = prospects.components(group.cases).turns(cost.overhead, cost.turn)
        return min(max(round(best), fewest), most)

    def _worth(self, group: Group, prospects: Sequence[Prospect], launches: int, turns: int) -> tuple[float, float]:
        """Expected worth of a launch, of intervals narrowed and of ratios decided.

        The latter is the mean of the next launches, over as many as have the largest mean.
        """
        if launches < FEWEST_FOR_INTERVAL:  # a group with one launch shows nothing yet, so that its second one is due
            return 0.0, LIKELY * max(_ratios(group), 1) / (FEWEST_FOR_INTERVAL - launches)
        wide = sum(not one.ratio.relative_half_width <= self.suite.target for one in prospects)
        needed = [one.further_launches(turns, self.suite.launches[1]) for one in prospects]
        counts = {count for count in needed if 0 < count < math.inf}
        decided = max((sum(0 < one <= count for one in needed) / count for count in counts), default=0.0)
        return NARROWING * wide * math.log2((launches + 1) / launches), decided

    def _label(self, ledger: Ledger, option: Option) -> str:
        """Label of a launch: number, maximum, and the largest relative half-width of the group's intervals."""
        fewest, most = self.suite.launches
        number = f"launch {option.launches + 1}{f'/{most}' if fewest == most else ''}"
        width = ledger.width(option.group)
        return f"{number}{'' if math.isinf(width) else f' (intervals ±{width:.1%})'} of {option.group.id}"


def _reserved(needed: Sequence[float], left: float) -> float:
    """Seconds that groups need for their fewest launches, cheapest first, as far as they may fit into `left`."""
    reserved = 0.0
    for seconds in sorted(needed):
        reserved += seconds if reserved + seconds <= ERROR * left else 0
    return reserved


def _abreast(options: Sequence[Option]) -> list[Option]:
    """Those of a network that have no more launches than the same network on another number of devices.

    Numbers of devices are compared by launch, and so take turns: what changes over time is then in all of them.
    """
    fewest: dict[str, int] = {}
    for option in options:
        network = _on_one_device(option)
        fewest[network] = min(option.launches, fewest.get(network, option.launches))
    return [option for option in options if option.launches == fewest[_on_one_device(option)]]


def _on_one_device(option: Option) -> str:
    return replace(option.group.workload, devices=1).launch_id


def _compared(prospects: Prospects, group: Group) -> list[Prospect]:
    """The ratios of a group that more launches are to decide: none of a probe, whose fastest rate is what counts."""
    return [] if probed(group.workload.architecture) else prospects.of(group.cases)


def _ratios(group: Group) -> int:
    """How many ratios a group has when all of its cases are measured; a probe's are not compared."""
    if probed(group.workload.architecture):
        return 0
    own = [case for case in group.cases if not case.contestant.copy]
    return len(own) - len(group.workloads)
