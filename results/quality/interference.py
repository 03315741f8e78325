"""What else the machine did beside a launch, whatever its times are.

Nothing here looks at whether a time is long or short, so to redo a launch for it does not choose among results.
Thresholds: facts from an experiment with a burner switched at random, in which 0.15 cores told every disturbed turn
from an undisturbed one (docs/method.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from results.quality import Detect, Flag, in_each
from results.schema.record import TICK, Conditions, Record

FOREIGN_CORES = 0.15
FOREIGN_SHARE = 0.10
"""Of the cores that a launch may use: on a machine with many, 0.15 of one disturbs nobody."""
STEAL_SHARE = 0.01
THROTTLED_SHARE = 0.01
"""Of the cores' time: one thread under a quota of one core, beside a process that wakes now and then, uses the quota up
in nearly every period, and loses 0.8 % of its time by that."""


@dataclass(frozen=True)
class Disturbance:
    """A launch's conditions as rates over all its counted rounds; NaN where unknown."""

    other_cpus_used: float = math.nan
    steal: float = math.nan
    pressure: float = math.nan
    process_cpus_used: float = math.nan
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
    """Cores that others may take beside a launch which may use `cores`."""
    return max(FOREIGN_CORES, FOREIGN_SHARE * cores)


@dataclass(frozen=True)
class Taken:
    """Cores taken from launches, taken together, in each second of their rounds, beyond what ticks leave open.

    NaN, which is above nothing, where the system does not tell.
    """

    cores: int
    others: float
    steal: float
    throttled: float

    @classmethod
    def of(cls, records: Sequence[Record]) -> Taken | None:
        """None where no launch has conditions.

        Rounds of a turn follow each other without a gap, so only the ends of a turn are cut to whole ticks, on each
        core; these errors are independent, so one tick times the root of their number bounds them (2.4 standard
        deviations). What a quota withholds is not counted in ticks.
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
    """Seconds over all rounds of all launches; NaN, which is above nothing, where the system does not tell."""
    entries = [getattr(conditions, name) for conditions in launches]
    return math.fsum(second for entry in entries for second in entry) if all(entries) else math.nan


def _others_compute(taken: Taken) -> bool:
    return taken.others > foreign_limit(taken.cores)


def _cores_are_stolen(taken: Taken) -> bool:
    return taken.steal / taken.cores > STEAL_SHARE


def _quota_withholds(taken: Taken) -> bool:
    return taken.throttled / taken.cores > THROTTLED_SHARE


def _in_one_or_all(is_beyond: Callable[[Taken], bool]) -> Detect:
    """A launch, or all of a case together, stayed disturbed."""

    def test(launches: Sequence[Record]) -> bool:
        found = (Taken.of(some) for some in (*([one] for one in launches), launches))
        return any(taken is not None and is_beyond(taken) for taken in found)

    return in_each(test)


CPU_CONTENTION = Flag(
    name="cpu_contention",
    meaning="other processes used the CPU at the same time",
    detect=_in_one_or_all(_others_compute),
    describe=lambda seen: (
        f"other processes took up to {seen.launches.other_cpus_used.max():.2f} cores beside a launch, "
        f"{seen.launches.other_cpus_used.mean():.2f} on average"
    ),
    hint="stop what else is running (top shows it), then measure these again with -k",
)
STEAL = Flag(
    name="steal",
    meaning="the hypervisor gave its cores to other guests",
    detect=_in_one_or_all(_cores_are_stolen),
    describe=lambda seen: (
        f"the hypervisor took up to {seen.launches.steal.max():.1%} of a launch's cores for others, more than "
        f"{STEAL_SHARE:.0%} disturbs"
    ),
    hint="use a machine, or a time, with fewer neighbours; compare only within this campaign",
)
THROTTLED = Flag(
    name="throttled",
    meaning="a CPU quota was spent, and its threads were stopped",
    detect=_in_one_or_all(_quota_withholds),
    describe=lambda seen: (
        f"a CPU quota was used up, in up to {seen.launches.throttled_periods.max():.0f} periods of a launch, and "
        f"withheld up to {seen.launches.throttled.max():.1%} of its cores' time, more than {THROTTLED_SHARE:.0%} "
        "disturbs"
    ),
    hint="raise the container's quota (docker --cpus), bind it to whole cores instead (docker --cpuset-cpus), or leave "
    "out --as-shipped, which starts more threads than a quota allows",
)
MAJOR_FAULTS = Flag(
    name="major_faults",
    meaning="major page faults while it was timed",
    detect=in_each(lambda launches: any(Disturbance.of(one.conditions).major_faults > 0 for one in launches)),
    describe=lambda seen: f"memory came from a disk {seen.launches.major_faults.sum():.0f} times while rounds ran",
    hint="free memory, or lower `memory` in the suite so that fewer contestants are alive together",
)

CONTAMINATIONS: Mapping[str, Callable[[Taken], bool]] = {
    CPU_CONTENTION.name: _others_compute,
    STEAL.name: _cores_are_stolen,
    THROTTLED.name: _quota_withholds,
}
"""The flags for which launches are made again, and what raises them."""


def contaminations(records: Sequence[Record]) -> tuple[str, ...]:
    """Which of CONTAMINATIONS disturbed launches, taken together."""
    taken = Taken.of(records)
    return tuple(name for name, is_beyond in CONTAMINATIONS.items() if taken is not None and is_beyond(taken))
