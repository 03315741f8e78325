"""What a launch of a group costs in time, by the times of its earlier launches or, before them, of other groups."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from bench.cost.floors import floor_of
from bench.cost.workload import network_of
from bench.scheduling.ledger import Group, Ledger
from bench.scheduling.parts import BUILD, FIRST_CALL, OTHER, ROUNDS, SETTLING, WARM_UP
from results.schema.record import Record, Workload

REUSED = 0.3
"""Seconds of first calls that find compiled code and are made concurrently, over those of the cold launch."""
REUSING = 0.7
"""Before anything was measured: seconds of a launch that finds compiled code and known memory, over those of the first
one."""
FIXED_MACS = 2.6e9
"""The work that is the same for every case of a launch, in multiply-accumulates of a step that take as long."""
MACS_PER_WEIGHT = 75
"""The work of a case for each weight: loading it, its gradient, its update, and memory new to the process."""
GROWTH = 0.9
"""Power of the work with which a first launch's time grows: larger layers use a processor better."""
GATE = 0.25
"""Seconds of a network in the gate over those of its first launch."""
SECONDS_PER_MAC = 2e-10
"""Before anything was measured: seconds of a first launch for each multiply-accumulate of its cases' steps."""


@dataclass(frozen=True)
class Work:
    """What the work of a first launch is made of on a device, as the constants above are on a CPU."""

    fixed_macs: float
    macs_per_weight: float
    seconds_per_mac: float


WORK = {
    "cpu": Work(FIXED_MACS, MACS_PER_WEIGHT, SECONDS_PER_MAC),
    "cuda": Work(fixed_macs=2.5e13, macs_per_weight=2.5e4, seconds_per_mac=4e-13),
}
"""A card is estimated, not measured: each case takes 10 s (context, autotuning, compilation), 10 ns a weight, and 20
steps at 5e13 multiply-accumulates per second. Networks of all sizes then take about as long, as steps are the smallest
part."""


@dataclass(frozen=True)
class LaunchCost:
    """Seconds of the next launch of a group: `overhead` until the first turn and after the last, and of each `turn`."""

    overhead: float
    turn: float

    def seconds(self, turns: int) -> float:
        return self.overhead + turns * self.turn


def cost_of(ledger: Ledger, group: Group, compiles_anew: bool = False) -> LaunchCost:
    """The cost of a group's next launch. `compiles_anew`: it finds no compiled code, as a stream never does."""
    if (last := _last_launch(ledger.records_of_network(group))) is None:
        return _predicted(ledger, group)
    parts, turns, cold = last
    first_calls = parts[FIRST_CALL] * (REUSED if cold and not (compiles_anew or group.workload.stream) else 1)
    overhead = parts[BUILD] + first_calls + parts[WARM_UP] + parts[OTHER]
    return LaunchCost(overhead, (parts[SETTLING] + parts[ROUNDS]) / turns)


def first_launches(ledger: Ledger, group: Group, launches: int) -> float:
    """Predicted seconds of so many launches of a group that has none, and of its gate."""
    return _predicted(ledger, group).overhead * (GATE + 1 + (launches - 1) * _reusing(ledger, group))


def _last_launch(records: Sequence[Record]) -> tuple[Counter[str], int, bool] | None:
    """Seconds by part of the last launch with a turn, its turns, and whether it was cold; None without one."""
    first_attempts = [record for record in records if not record.attempt]
    timed = {record.launch for record in first_attempts if record.block_seconds}  # records before schema 7 are not
    turned = {record.launch for record in first_attempts if record.turns}
    if not timed & turned:
        return None
    launch = max(timed & turned)
    own = [record for record in first_attempts if record.launch == launch]
    parts: Counter[str] = Counter()
    for record in own:
        parts.update(record.block_seconds)
    most = max(len(record.turns) for record in own)
    return parts, most, any(record.first_call_seconds is not None for record in own)


def _predicted(ledger: Ledger, group: Group) -> LaunchCost:
    """The cost of a first launch by the work of its steps, from the first launch of the group with the nearest work."""
    work, nearest = _work(group), _nearest(ledger, group)
    if nearest is None:
        return LaunchCost(WORK[group.workload.device].seconds_per_mac * work, 0.0)
    return LaunchCost(_first_launch(ledger, nearest)[0] * (work / _work(nearest)) ** GROWTH, 0.0)


def _reusing(ledger: Ledger, group: Group) -> float:
    """A further launch's seconds over those of the first one with as many turns, of the group with the nearest work."""
    nearest = _nearest(ledger, group)
    if nearest is None:
        return REUSING
    seconds, turns = _first_launch(ledger, nearest)
    return cost_of(ledger, nearest).seconds(turns) / seconds


def _nearest(ledger: Ledger, group: Group) -> Group | None:
    """The group with the nearest work of those that have a launch; None without one."""
    known = [other for other in ledger.groups() if all(_first_launch(ledger, other))]
    return min(known, key=lambda other: abs(math.log(_work(other) / _work(group))), default=None)


def _first_launch(ledger: Ledger, group: Group) -> tuple[float, int]:
    """Seconds of the first launch of a group, and its turns; 0 if there is none."""
    records = [one for one in ledger.records_of_network(group) if not one.launch and not one.attempt]
    seconds = sum(sum(record.block_seconds.values()) for record in records)
    return seconds, max((len(record.turns) for record in records), default=0)


def _work(group: Group) -> float:
    """Multiply-accumulates of a step of every case, and of what every case takes besides."""
    of_device = WORK[group.workload.device]
    besides = of_device.fixed_macs + of_device.macs_per_weight * _weights(group.workload)
    return sum(_macs(case.workload) + besides for case in group.cases)


@cache
def _macs(workload: Workload) -> int:
    return floor_of(workload).macs


@cache
def _weights(workload: Workload) -> int:
    return network_of(workload).parameters
