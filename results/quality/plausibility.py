"""Flags for implausible times, compared with other times of the campaign: they indicate a measurement error."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from results.quality import Flag, Flagged, MeasuredCase, Row
from results.units import step_time

PHASE_ORDER = ("forward", "gradient", "train")
"""Each phase includes the work of the one before it."""
_KEY = ("architecture", "size", "channels", "classes", "precision", "device", "contestant", "phase", "batch", "devices")


def _above_peak(cases: Sequence[MeasuredCase]) -> Iterable[str]:
    rows = [case.row for case in cases]
    return [row["case"] for row in rows if row.get("fraction_of_peak", 0.0) > 1 and not row["peak_probe"]]


def _times_over_peak(seen: Flagged) -> str:
    highest = seen.rows.nlargest(1, "fraction_of_peak").iloc[0]
    return (
        "more multiply-accumulates per second than this machine's peak probes reached: up to "
        f"{highest.fraction_of_peak:.2f} times as many in {highest.case}"
    )


def _non_monotonic(cases: Sequence[MeasuredCase]) -> Iterable[str]:
    return [more["case"] for _, more in quicker_with_more([case.row for case in cases])]


def quicker_with_more(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Pairs (less work, more work) of one contestant in which more work took less time, with disjoint intervals."""
    return [(less, more) for less, more in _pairs(rows) if more["seconds_high"] < less["seconds_low"]]


def _pairs(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Pairs (less work, more work) of one contestant that differ in the phase only, or in the batch only."""
    pairs: list[tuple[Row, Row]] = []
    for axis, order in (("phase", PHASE_ORDER.index), ("batch", int)):
        same: dict[tuple[Any, ...], list[Row]] = {}
        for row in rows:
            if axis != "phase" or row["phase"] in PHASE_ORDER:
                same.setdefault(tuple(row[name] for name in _KEY if name != axis), []).append(row)
        for group in same.values():
            pairs += itertools.combinations(sorted(group, key=lambda row: order(row[axis])), 2)
    return pairs


def _less_for_more(seen: Flagged) -> str:
    """Describe the first such case and one with a part of its work."""
    rows: Any = seen.cases.to_dict("records")
    case = seen.rows.case.iloc[0]
    less, more = next(pair for pair in quicker_with_more(rows) if pair[1]["case"] == case)
    times = f"{step_time(more['seconds'])} for {more['case']}, {step_time(less['seconds'])} for {less['case']}"
    return f"less time than the same contestant takes for a part of that work ({times})"


ABOVE_PEAK = Flag(
    name="above_peak",
    meaning="faster than the measured peak of the machine",
    detect=_above_peak,
    describe=_times_over_peak,
    hint="check that the step does all its work; a fast algorithm (Winograd) on a large GPU may explain up to 2.25",
)
NON_MONOTONIC = Flag(
    name="non_monotonic",
    meaning="takes less time than a part of the same work",
    detect=_non_monotonic,
    describe=_less_for_more,
    hint="repeat them with more launches; if it persists, the step does not do the work that its name says",
)
