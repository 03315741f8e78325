"""Interference flags: what else the machine did during a launch, independent of the launch's times.

Detection does not use the times, so repeating a flagged launch does not select among results.
Thresholds: from an experiment in which a background load was switched on at random; 0.15 cores separated every
disturbed turn from the undisturbed ones (docs/method.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from results.quality import Detect, Flag, in_each
from results.schema.record import TICK, Conditions, Record
from results.stats.launches import Launches, sums_of

FOREIGN_CORES = 0.15
FOREIGN_SHARE = 0.10
"""Of the cores that a launch may use: on a machine with many cores, 0.15 of one does not affect the times."""
STEAL_SHARE = 0.01
THROTTLED_SHARE = 0.01
"""Of the cores' time: one thread under a quota of one core, beside a process that wakes occasionally, uses up the quota
in nearly every period and loses 0.8 % of its time by that."""


@dataclass(frozen=True)
class Disturbance:
    """Rates of a launch's conditions over all its recorded rounds, or arrays of those of launches; NaN if unknown."""

    other_cpus_used: Any = math.nan
    steal: Any = math.nan
    pressure: Any = math.nan
    process_cpus_used: Any = math.nan
    minor_faults: Any = math.nan
    major_faults: Any = math.nan
    runnable: Any = math.nan
    throttled: Any = math.nan
    throttled_periods: Any = math.nan

    @classmethod
    def of(cls, conditions: Conditions | None) -> Disturbance:
        """Of one launch, as floats."""
        sums = {name: np.float64(math.nan if value is None else value) for name, value in sums_of(conditions).items()}
        return cls._rates(sums.__getitem__)

    @classmethod
    def each(cls, launches: Launches) -> Disturbance:
        """Of each of the launches, as arrays."""
        return cls._rates(launches.__getitem__)

    @classmethod
    @np.errstate(divide="ignore", invalid="ignore")  # a clock that stood still, or a sum beyond all numbers
    def _rates(cls, sums: Callable[[str], Any]) -> Disturbance:
        wall = sums("wall_seconds")
        of_cores = wall * sums("cores")
        return cls(
            other_cpus_used=sums("foreign_cpu_seconds") / wall,
            steal=sums("steal_seconds") / of_cores,
            pressure=sums("pressure_seconds") / wall,
            process_cpus_used=sums("own_cpu_seconds") / wall,
            minor_faults=sums("minor_faults"),
            major_faults=sums("major_faults"),
            runnable=sums("runnable"),
            throttled=sums("throttled_seconds") / of_cores,
            throttled_periods=sums("throttled_periods"),
        )


def foreign_limit(cores: Any) -> Any:
    """The most cores that other processes may use during a launch that may use `cores`; an array for an array."""
    return np.maximum(FOREIGN_CORES, FOREIGN_SHARE * cores)


@dataclass(frozen=True)
class Taken:
    """Cores lost to other processes, hypervisor and quota over all rounds of launches, less the uncertainty of ticks.

    Numbers, or arrays of those of several launches. NaN, for which no comparison is true, if the system does not report
    it.

    Rounds of a turn follow each other without a gap, so only the ends of a turn are rounded to whole ticks, on each
    core. These errors are independent, so one tick times the square root of their number bounds them (2.4 standard
    deviations). Throttled time is not counted in ticks.
    """

    cores: Any
    others: Any
    steal: Any
    throttled: Any

    @classmethod
    def each(cls, launches: Launches) -> Taken:
        """Of each launch by itself."""
        turns = np.maximum(launches["turns"], 1)
        return cls._less_ticks(launches["cores"], launches["wall_seconds"], turns, launches.__getitem__)

    @classmethod
    def together(cls, launches: Launches) -> Taken:
        """Of all that have conditions."""
        known = launches.where(~np.isnan(launches["wall_seconds"]))
        if not len(known):
            return cls(*[math.nan] * 4)
        turns = np.maximum(known["turns"], 1).sum()
        return cls._less_ticks(known["cores"].max(), known["wall_seconds"].sum(), turns, lambda name: known[name].sum())

    @classmethod
    @np.errstate(divide="ignore", invalid="ignore")
    def _less_ticks(cls, cores: Any, wall: Any, turns: Any, lost: Callable[[str], Any]) -> Taken:
        unsure = TICK * np.sqrt(cores * turns) / wall
        others, steal = lost("foreign_cpu_seconds") / wall, lost("steal_seconds") / wall
        return cls(cores, others - unsure, steal - unsure, lost("throttled_seconds") / wall)


def _others_compute(taken: Taken) -> Any:
    return taken.others > foreign_limit(taken.cores)


def _cores_are_stolen(taken: Taken) -> Any:
    return taken.steal / taken.cores > STEAL_SHARE


def _quota_withholds(taken: Taken) -> Any:
    return taken.throttled / taken.cores > THROTTLED_SHARE


def _in_one_or_all(is_beyond: Callable[[Taken], Any]) -> Detect:
    """Detect cases of which a launch, or all launches together, exceed the limit."""
    return in_each(lambda launches: bool(is_beyond(Taken.each(launches)).any() or is_beyond(Taken.together(launches))))


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
    detect=in_each(lambda launches: bool((launches["major_faults"] > 0).any())),
    describe=lambda seen: (
        f"{seen.launches.major_faults.sum():.0f} major page faults (pages read from disk) during timed rounds"
    ),
    hint="free memory, or lower `memory` in the suite so that fewer contestants run concurrently",
)

CONTAMINATIONS: Mapping[str, Callable[[Taken], Any]] = {
    CPU_CONTENTION.name: _others_compute,
    STEAL.name: _cores_are_stolen,
    THROTTLED.name: _quota_withholds,
}
"""The flags for which launches are repeated, each with its test."""


def contaminations(records: Sequence[Record]) -> tuple[str, ...]:
    """The names of CONTAMINATIONS that apply to these launches, taken together."""
    taken = Taken.together(Launches.of(records))
    return tuple(name for name, is_beyond in CONTAMINATIONS.items() if is_beyond(taken))
