"""Further launches for undecided verdicts: the rule of one machine (bench.scheduling.allocation), over nodes.

When all units have ended, each network with undecided ratios gets further launches on the nodes that have measured it:
as many as decide most ratios per launch by what is known then, but no more at once than its first unit had. Networks
that are expected to decide most ratios per second come first, as long as their units are expected to end in time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bench.fleet.units import Share, labelled
from bench.scheduling.prospects import FEWEST_FOR_INTERVAL
from fleet.unit import Unit
from fleet.work import ACCEPTED, Work
from results.compare.ratios import cells_by_node, judged_ratios
from results.schema.record import Case
from results.stats.estimates import Estimate
from results.stats.moderation import Outlook
from results.stats.nodes import over_nodes, spread
from results.stats.verdicts import judge
from results.store.campaigns import StoredCampaign, read_campaign
from results.tables.cases import references_in


@dataclass(frozen=True)
class OnNode:
    """A ratio on a node so far, what its interval will be like, and the turns of a launch there."""

    ratio: Estimate
    outlook: Outlook
    turns: float

    def expected(self, more: int) -> Estimate:
        """With so many launches more."""
        return self.outlook.expected(self.ratio.value, self.ratio.launches + more, self.turns)


def launches_to_decide(nodes: Sequence[OnNode], most: int) -> float:
    """Launches on each node until the verdict over nodes is expected to be decided.

    0: it is. Infinite: it will not be with `most` on each, as where nodes differ more than launches explain.
    """
    if judge(over_nodes([node.ratio for node in nodes])).is_decided:
        return 0
    fewest = max(1, *(FEWEST_FOR_INTERVAL - node.ratio.launches for node in nodes))
    numbers = range(fewest, most + 1)
    return next((number for number in numbers if judge(_expected(nodes, number)).is_decided), math.inf)


def _expected(nodes: Sequence[OnNode], more: int) -> Estimate:
    """The ratio over nodes with so many launches more on each: nodes then differ less by what launches explain."""
    later, logs = [node.expected(more) for node in nodes], np.log([node.ratio.value for node in nodes])
    if len(nodes) == 1 or not np.ptp(logs):
        return over_nodes(later)
    variance = float(np.var(logs, ddof=1))
    explained = variance - spread(later) ** 2
    between = spread([node.ratio for node in nodes])
    share = 1.0 if math.isnan(between) else min((between**2 + explained) / variance, 1.0)
    middle = float(np.mean(logs))
    return over_nodes([_moved(one, math.exp((math.sqrt(share) - 1) * (log - middle))) for one, log in zip(later, logs)])


def _moved(ratio: Estimate, factor: float) -> Estimate:
    return replace(ratio, value=ratio.value * factor, low=ratio.low * factor, high=ratio.high * factor)


@dataclass(frozen=True)
class Made:
    """What a node has made of a network: launches, and seconds for each, with their share of all else in a unit."""

    launches: int
    seconds: float


@dataclass(frozen=True)
class Wish:
    """Launches of a network on each of its nodes, and the ratios that they are expected to decide, per second."""

    group: str
    launches: int
    worth: float


def wishes(
    campaign: StoredCampaign, made: Mapping[str, Mapping[str, Made]], most: int, at_once: Mapping[str, int]
) -> list[Wish]:
    """What is expected to decide most per second, first.

    made: by network and node. most: launches of a network on a node, all told. at_once: of each network.
    """
    needed: dict[str, list[float]] = {}
    for case, nodes in _ratios(campaign).items():
        group = case.workload.launch_id
        own = made.get(group, {})
        if own and set(nodes) <= set(own) and not case.contestant.copy:
            left = most - max(one.launches for one in own.values())
            needed.setdefault(group, []).append(launches_to_decide(list(nodes.values()), left))
    found = [_wish(group, counts, made[group].values(), at_once[group]) for group, counts in needed.items()]
    return sorted((one for one in found if one), key=lambda one: -one.worth)


def _wish(group: str, needed: Sequence[float], made: Iterable[Made], at_once: int) -> Wish | None:
    """As many launches as decide most ratios per launch; None if none does."""
    counts = sorted({int(count) for count in needed if 0 < count < math.inf})
    if not counts:
        return None
    decided = {count: sum(0 < one <= count for one in needed) / count for count in counts}
    best = max(counts, key=decided.__getitem__)
    seconds = max(one.seconds for one in made)
    return Wish(group, min(best, at_once), decided[best] / seconds if seconds else math.inf)


def _ratios(campaign: StoredCampaign) -> dict[Case, dict[str, OnNode]]:
    """The ratio of each case on each node that has it."""
    references = references_in(campaign)
    (cells,), (judged,) = cells_by_node(campaign, references), judged_ratios(campaign, references)
    found: dict[Case, dict[str, OnNode]] = {}
    for node, own in judged.nodes.items():
        for case, ratio in own.ratios.items():
            turns = cells[node][case].turns
            found.setdefault(case, {})[node] = OnNode(ratio, own.outlooks[case], 1.0 if math.isnan(turns) else turns)
    return found


@dataclass
class UntilDecided:
    """Gives the further units of a campaign (fleet.driver.Driver) for so many seconds from now on."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    _begun: float = field(init=False)

    def __post_init__(self) -> None:
        self._begun = self.clock()

    def __call__(self, work: Work) -> list[Unit]:
        left = self._begun + self.seconds - self.clock()
        if left <= 0 or not work.accepted:
            return []
        made = made_of(work)
        for unit in work.given_up:  # what a node could not do once is not asked of it again
            made.get(Share.of(unit.payload).group, {}).pop(unit.needs.node, None)
        first, number = _firsts(work.units), _next_numbers(work.units)
        at_once = {group: Share.of(unit.payload).launches for group, unit in first.items()}
        most = Share.of(work.units[0].payload).suite.launches[1]
        units = []
        for wish, node in fitting(wishes(read_campaign(work.sink.folder), made, most, at_once), made, left):
            units.append(_unit(first[wish.group], node, number[wish.group], wish.launches))
            number[wish.group] += wish.launches
        return units


def _firsts(units: Sequence[Unit]) -> dict[str, Unit]:
    """The first unit of each network."""
    return {Share.of(unit.payload).group: unit for unit in reversed(units)}


def _next_numbers(units: Sequence[Unit]) -> dict[str, int]:
    """The number of the next launch of each network."""
    found: dict[str, int] = {}
    for share in (Share.of(unit.payload) for unit in units):
        found[share.group] = max(found.get(share.group, 0), share.first + share.launches)
    return found


def made_of(work: Work) -> dict[str, dict[str, Made]]:
    """What nodes have made, by network and node. For a time that is unknown the limit counts."""
    known = {unit.id: unit for unit in work.units}
    found: dict[str, dict[str, Made]] = {}
    for one in work.attempts.values():
        if one.outcome == ACCEPTED and one.unit in known:
            unit = known[one.unit]
            share, seconds = Share.of(unit.payload), unit.time_limit if one.seconds is None else float(one.seconds)
            own = found.setdefault(share.group, {})
            before = own.get(one.node, Made(0, 0.0))
            launches = before.launches + share.launches
            own[one.node] = Made(launches, (before.seconds * before.launches + seconds) / launches)
    return found


def fitting(found: Sequence[Wish], made: Mapping[str, Mapping[str, Made]], left: float) -> Iterator[tuple[Wish, str]]:
    """The wishes with each of their nodes, with as many launches as are expected to end within `left` seconds there."""
    room = {node: left for own in made.values() for node in own}
    for wish in found:
        nodes = made[wish.group]
        fits = min(
            math.floor(room[node] / one.seconds) if one.seconds else wish.launches for node, one in nodes.items()
        )
        launches = min(wish.launches, fits)
        if launches > 0:
            for node, one in nodes.items():
                room[node] -= launches * one.seconds
                yield replace(wish, launches=launches), node


def _unit(first: Unit, node: str, number: int, launches: int) -> Unit:
    """Further launches, like the first unit of their network, on a node that has measured it."""
    share = replace(Share.of(first.payload), first=number, launches=launches)
    needs = replace(first.needs, apart="", node=node)
    return replace(first, label=labelled(share), payload=share.payload(), needs=needs)
