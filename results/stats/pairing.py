"""Selection of the launches for statistics, and pairing by block or pass."""

from __future__ import annotations

from collections.abc import Iterable

from results.schema.record import Case, Record, Status
from results.stats.estimates import Rounds, launch_time

Pass = tuple[str, int]
"""Node and number of a launch."""


def counted(records: Iterable[Record]) -> list[Record]:
    """The launches for statistics: the last measured attempt of each."""
    measured = [record for record in records if record.status is Status.MEASURED]
    if not any(record.attempt for record in measured):
        return measured
    last = {_launch(record): record.attempt for record in sorted(measured, key=lambda record: record.attempt)}
    return [record for record in measured if record.attempt == last[_launch(record)]]


def _launch(record: Record) -> tuple[Case, str, int, int]:
    return record.case, record.node, record.launch, record.subset


def group_by_block(records: Iterable[Record]) -> dict[object, Rounds]:
    """One case's launches by block; launches of two cases are paired by block."""
    return {(record.node, record.launch, record.subset, record.attempt): record.seconds for record in counted(records)}


def group_by_pass(records: Iterable[Record]) -> dict[Pass, float]:
    """One case's launch times by pass; the mean over the subsets of a pass."""
    times: dict[Pass, list[float]] = {}
    for record in counted(records):
        times.setdefault((record.node, record.launch), []).append(launch_time(record.seconds))
    return {launch: sum(found) / len(found) for launch, found in times.items()}
