"""Selection of the launches for statistics, and pairing by block or pass."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from results.schema.record import Case, Record, Status
from results.stats.estimates import Rounds, launch_time

Pass = tuple[str, int]
"""Node and number of a launch."""


def counted(records: Iterable[Record]) -> list[Record]:
    """The launches for statistics: the last measured attempt of each."""
    measured = [record for record in records if record.status is Status.MEASURED]
    if not any(record.attempt for record in measured):
        return measured
    are_last = last_attempts([_launch(record) for record in measured], [record.attempt for record in measured])
    return [record for record, is_last in zip(measured, are_last, strict=True) if is_last]


def last_attempts(launches: Sequence[Hashable], attempts: Sequence[int]) -> list[bool]:
    """Whether each is the last attempt at its launch."""
    last: dict[Hashable, int] = {}
    for launch, attempt in zip(launches, attempts, strict=True):
        last[launch] = max(attempt, last.get(launch, attempt))
    return [attempt == last[launch] for launch, attempt in zip(launches, attempts, strict=True)]


def _launch(record: Record) -> tuple[Case, str, int, int]:
    return record.case, record.node, record.launch, record.subset


def group_by_block(records: Iterable[Record]) -> dict[object, Rounds]:
    """One case's launches by block; launches of two cases are paired by block."""
    return {(record.node, record.launch, record.subset, record.attempt): record.seconds for record in counted(records)}


def group_by_pass(records: Iterable[Record]) -> dict[Pass, float]:
    """One case's launch times by pass; the mean over the subsets of a pass."""
    return by_pass(((record.node, record.launch), launch_time(record.seconds)) for record in counted(records))


def by_pass(timed: Iterable[tuple[Pass, float]]) -> dict[Pass, float]:
    """The mean of the times of each pass, from (pass, time) of each subset."""
    times: dict[Pass, list[float]] = {}
    for launch, seconds in timed:
        times.setdefault(launch, []).append(seconds)
    return {launch: sum(found) / len(found) for launch, found in times.items()}
