"""Interference flags: what else the machine did during a launch, independent of the launch's times.

Detection does not use the times, so repeating a flagged launch does not select among results.
Thresholds: from an experiment in which a background load was switched on at random; 0.15 cores separated every
disturbed turn from the undisturbed ones (docs/method.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from results.quality import Detect, Flag, in_each
from results.schema.record import TICK, Conditions, Record

FOREIGN_CORES = 0.15
FOREIGN_SHARE = 0.10
"""Of the cores that a launch may use: on a machine with many cores, 0.15 of one does not affect the times."""
STEAL_SHARE = 0.01
THROTTLED_SHARE = 0.01
"""Of the cores' time: one thread under a quota of one core, beside a process that wakes occasionally, uses up the quota
in nearly every period and loses 0.8 % of its time by that."""


@dataclass(frozen=True)
class Disturbance:
    """Rates of a launch's conditions over all its recorded rounds; NaN if unknown."""

    other_cpus_used: float = math.nan
    steal: float = math.nan
    pressure: float = math.nan
    process_cpus_used: float = math.nan
    minor_faults: float = math.nan
    major_faults: float = math.nan
    runnable: float = math.nan
    throttled: float = math.nan
    throttled_periods: float = math.nan

    @classmethod
    def of(cls, conditions: Conditions | None) -> Disturbance:
        if conditions is None or not conditions.wall:
            return cls()
        wall = sum(conditions.wall)
        return cls(
            other_cpus_used=_rate(conditions.foreign_cpu, wall),
            steal=_rate(conditions.steal, wall * conditions.cores),
            pressure=_rate(conditions.pressure, wall),
            process_cpus_used=_rate(conditions.own_cpu, wall),
            minor_faults=_count(conditions.minor_faults),
            major_faults=_count(conditions.major_faults),
            runnable=sum(conditions.runnable) / len(conditions.runnable) if conditions.runnable else math.nan,
            throttled=_rate(conditions.throttled, wall * conditions.cores),
            throttled_periods=_count(conditions.throttled_periods),
        )


def _rate(seconds: Sequence[float], wall: float) -> float:
    return sum(seconds) / wall if seconds else math.nan


def _count(entries: Sequence[int]) -> float:
    return float(sum(entries)) if entries else math.nan


def foreign_limit(cores: int) -> float:
    """The most cores that other processes may use during a launch that may use `cores`."""
    return max(FOREIGN_CORES, FOREIGN_SHARE * cores)


@dataclass(frozen=True)
class Taken:
    """Cores lost to other processes, hypervisor and quota over all rounds of launches, less the uncertainty of ticks.

    NaN, for which no comparison is true, if the system does not report it.
    """

    cores: int
    others: float
    steal: float
    throttled: float

    @classmethod
    def of(cls, records: Sequence[Record]) -> Taken | None:
        """None if no launch has conditions.

        Rounds of a turn follow each other without a gap, so only the ends of a turn are rounded to whole ticks, on each
        core. These errors are independent, so one tick times the square root of their number bounds them (2.4
        standard deviations). Throttled time is not counted in ticks.
        """
        known = [record.conditions for record in records if record.conditions is not None and record.conditions.wall]
        if not known:
            return None
        wall = math.fsum(second for conditions in known for second in conditions.wall)
        cores = max(conditions.cores for conditions in known)
        unsure = TICK * math.sqrt(cores * sum(max(len(record.turns), 1) for record in records)) / wall
        others, steal, throttled = (_together(known, name) / wall for name in ("foreign_cpu", "steal", "throttled"))
        return cls(cores, others - unsure, steal - unsure, throttled)


def _together(launches: Sequence[Conditions], name: str) -> float:
    """Seconds over all rounds of all launches; NaN if the system does not report them."""
    entries = [getattr(conditions, name) for conditions in launches]
    return math.fsum(second for entry in entries for second in entry) if all(entries) else math.nan


def _others_compute(taken: Taken) -> bool:
    return taken.others > foreign_limit(taken.cores)


def _cores_are_stolen(taken: Taken) -> bool:
    return taken.steal / taken.cores > STEAL_SHARE


def _quota_withholds(taken: Taken) -> bool:
    return taken.throttled / taken.cores > THROTTLED_SHARE


def _in_one_or_all(is_beyond: Callable[[Taken], bool]) -> Detect:
    """Detect cases of which a launch, or all launches together, exceed the limit."""

    def test(launches: Sequence[Record]) -> bool:
        found = (Taken.of(some) for some in (*([one] for one in launches), launches))
        return any(taken is not None and is_beyond(taken) for taken in found)

    return in_each(test)


CPU_CONTENTION = Flag(
    name="cpu_contention",
    meaning="other processes used the CPU at the same time",
    detect=_in_one_or_all(_others_compute),
    describe=lambda seen: (
        f"other processes used up to {seen.launches.other_cpus_used.max():.2f} cores during a launch, "
        f"{seen.launches.other_cpus_used.mean():.2f} on average"
    ),
    hint="stop other processes (top lists them), then repeat these cases with -k",
)
STEAL = Flag(
    name="steal",
    meaning="the hypervisor gave CPU time of its cores to other guests",
    detect=_in_one_or_all(_cores_are_stolen),
    describe=lambda seen: (
        f"the hypervisor gave up to {seen.launches.steal.max():.1%} of a launch's CPU time to other guests "
        f"(limit: {STEAL_SHARE:.0%})"
    ),
    hint="measure on a machine, or at a time, with less load on the host; compare only within this campaign",
)
THROTTLED = Flag(
    name="throttled",
    meaning="its threads were stopped because the CPU quota was used up",
    detect=_in_one_or_all(_quota_withholds),
    describe=lambda seen: (
        f"the CPU quota was used up in up to {seen.launches.throttled_periods.max():.0f} periods of a launch and "
        f"withheld up to {seen.launches.throttled.max():.1%} of its CPU time (limit: {THROTTLED_SHARE:.0%})"
    ),
    hint="raise the container's quota (docker --cpus), bind it to whole cores instead (docker --cpuset-cpus), or omit "
    "--as-shipped, which starts more threads than a quota allows",
)
MAJOR_FAULTS = Flag(
    name="major_faults",
    meaning="major page faults during its timed rounds",
    detect=in_each(lambda launches: any(Disturbance.of(one.conditions).major_faults > 0 for one in launches)),
    describe=lambda seen: (
        f"{seen.launches.major_faults.sum():.0f} major page faults (pages read from disk) during timed rounds"
    ),
    hint="free memory, or lower `memory` in the suite so that fewer contestants run concurrently",
)

CONTAMINATIONS: Mapping[str, Callable[[Taken], bool]] = {
    CPU_CONTENTION.name: _others_compute,
    STEAL.name: _cores_are_stolen,
    THROTTLED.name: _quota_withholds,
}
"""The flags for which launches are repeated, each with its test."""


def contaminations(records: Sequence[Record]) -> tuple[str, ...]:
    """The names of CONTAMINATIONS that apply to these launches, taken together."""
    taken = Taken.of(records)
    return tuple(name for name, is_beyond in CONTAMINATIONS.items() if taken is not None and is_beyond(taken))
