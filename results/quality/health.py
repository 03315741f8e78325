"""What speaks against believing a launch, or a case, whatever its times are: judged from what was seen beside them.

Nothing here looks at whether a time is long or short, so to redo a launch for it does not choose among results.
Thresholds: facts from an experiment with a burner switched at random, in which 0.15 cores told every disturbed turn
from an undisturbed one (docs/method.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from results.schema.record import TICK, Conditions, Record
from results.stats.estimates import BAND, launch_time

FOREIGN_CORES = 0.15
FOREIGN_SHARE = 0.10
"""Of the cores that a launch may use: on a machine with many, 0.15 of one disturbs nobody."""
STEAL_SHARE = 0.01
THROTTLED_SHARE = 0.01
"""Of the cores' time: one thread under a quota of one core, beside a process that wakes now and then, uses the quota up
in nearly every period, and loses 0.8 % of its time by that."""

FEWEST = 6
"""Launches from which on a pattern among them can be told from chance."""
MIN_LAUNCHES_BOTH_MODES = 8
"""Launches from which on both of two kinds are likely to be among them; fewer may all be of one, and nothing tells."""
MIN_LAUNCHES_SINGLETON = 10
"""Launches from which on one may be a kind by itself; the interval of fewer is wide enough for what it stands for."""
TWO_KINDS = 0.9
"""Share of the launches' variance that lies between two kinds, from which on there are two."""
TREND_P = 0.01

Flag = Literal[
    "cpu_contention",
    "steal",
    "throttled",
    "warmup_not_converged",
    "major_faults",
    "fallback",
    "bimodal",
    "drift",
    "empty_parity",
]
"""What there may be to know before believing a case: see `flags`."""


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


def contaminations(records: Sequence[Record]) -> tuple[Flag, ...]:
    """What disturbed launches, taken together: "cpu_contention", "steal", "throttled", beyond what ticks leave open.

    Rounds of a turn follow each other without a gap, so only the ends of a turn are cut to whole ticks, on each core;
    these errors are independent, so one tick times the root of their number bounds them (2.4 standard deviations).
    What a quota withholds is not counted in ticks.
    """
    known = [record.conditions for record in records if record.conditions is not None and record.conditions.wall]
    if not known:
        return ()
    wall = math.fsum(second for conditions in known for second in conditions.wall)
    cores = max(conditions.cores for conditions in known)
    unsure = TICK * math.sqrt(cores * sum(max(len(record.turns), 1) for record in records)) / wall
    foreign, steal, throttled = (_together(known, name) / wall for name in ("foreign_cpu", "steal", "throttled"))
    found: list[Flag] = []
    if foreign - unsure > foreign_limit(cores):
        found.append("cpu_contention")
    if (steal - unsure) / cores > STEAL_SHARE:
        found.append("steal")
    if throttled / cores > THROTTLED_SHARE:
        found.append("throttled")
    return tuple(found)


def _together(launches: Sequence[Conditions], name: str) -> float:
    """Seconds over all rounds of all launches; NaN, which is above nothing, where the system does not tell."""
    entries = [getattr(conditions, name) for conditions in launches]
    return math.fsum(second for entry in entries for second in entry) if all(entries) else math.nan


def flags(launches: Sequence[Record]) -> tuple[Flag, ...]:
    """What to know before believing a case, from the launches that count, in the order in which they ran.

    cpu_contention, steal, throttled: a launch, or all of them together, stayed disturbed.
    warmup_not_converged: a warm-up did not settle. major_faults: memory came from a disk in counted rounds.
    fallback: a launch went on in another way than it was asked to.
    bimodal: launches fall into two kinds. drift: they grow or shrink as the campaign goes on.
    empty_parity: what was compared with other contestants is the same for any network.
    """
    found: list[Flag] = [name for some in (*([one] for one in launches), launches) for name in contaminations(some)]
    if any(record.warmup_converged is False for record in launches):
        found.append("warmup_not_converged")
    if any(Disturbance.of(record.conditions).major_faults > 0 for record in launches):
        found.append("major_faults")
    times = [launch_time(record.seconds) for record in launches]
    if any(record.fallback for record in launches):
        found.append("fallback")
    if bimodal(times):
        found.append("bimodal")
    if drifts(times):
        found.append("drift")
    if any(record.parity and record.parity.shows_nothing for record in launches):
        found.append("empty_parity")
    return tuple(dict.fromkeys(found))


def bimodal(times: Sequence[float]) -> bool:
    """Whether launches fall into two kinds."""
    return split_modes(times) is not None


def split_modes(times: Sequence[float]) -> tuple[Sequence[float], Sequence[float]] | None:
    """The faster and the slower launches, if they fall into two kinds whose means differ by more than twice the band.

    None where they do not, or are too few to tell.
    """
    if len(times) < FEWEST:
        return None
    ordered = sorted(times)
    logs = np.log(ordered)
    whole = float(np.sum((logs - logs.mean()) ** 2))
    if not whole:
        return None
    least = 1 if len(logs) >= MIN_LAUNCHES_SINGLETON else 2
    low = np.arange(least, len(logs) - least + 1)  # launches of the lower kind, at every cut
    high, below = len(logs) - low, np.cumsum(logs)[low - 1]
    gap = (logs.sum() - below) / high - below / low
    share = low * high / len(logs) * gap**2 / whole
    best = int(np.argmax(share))
    if share[best] <= TWO_KINDS or gap[best] <= 2 * BAND:
        return None
    return ordered[: low[best]], ordered[low[best] :]


def drifts(times: Sequence[float]) -> bool:
    """Whether launches, in the order they ran, grow or shrink by more than the band."""
    return drift(times) != 0


def drift(times: Sequence[float]) -> float:
    """By which share launches grow from the first to the last, in the order they ran; negative where they shrink.

    0 where that is within the band or may be chance, or there are too few to tell.
    """
    if len(times) < FEWEST or len(set(times)) == 1:
        return 0.0
    logs = np.log(times)
    slope = float(np.polyfit(np.arange(len(logs)), logs, 1)[0]) * (len(logs) - 1)
    if abs(slope) <= BAND:
        return 0.0
    from scipy.stats import spearmanr  # half a second, which not every command should wait

    return math.expm1(slope) if spearmanr(np.arange(len(logs)), logs).pvalue < TREND_P else 0.0
