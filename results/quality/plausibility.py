"""Times that cannot be right, seen from the others of the same campaign: an error in a measurement looks like this."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

PHASE_ORDER = ("forward", "gradient", "train")
"""Each does what the one before it does, and more."""

Row = Mapping[str, Any]


def implausible(rows: Sequence[Row]) -> dict[str, tuple[str, ...]]:
    """Cautions by case, from the rows of one campaign's cases.

    above_peak: more multiply-accumulates a second than any probe of the machine's ceiling reached.
    non_monotonic: less time, beyond both intervals, than the same contestant takes for a part of that work.
    """
    measured = [row for row in rows if not math.isnan(row.get("seconds", math.nan))]
    above = [row for row in measured if row.get("fraction_of_peak", 0.0) > 1 and not row["peak_probe"]]
    quicker = [more for less, more in _pairs(measured) if more["seconds_high"] < less["seconds_low"]]
    found: dict[str, tuple[str, ...]] = {}
    for name, doubted in (("above_peak", above), ("non_monotonic", quicker)):
        for row in doubted:
            found[row["case"]] = tuple(dict.fromkeys((*found.get(row["case"], ()), name)))
    return found


def _pairs(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """(less work, more work) of one contestant: the same but for the phase, or but for the batch."""
    pairs: list[tuple[Row, Row]] = []
    for axis, order in (("phase", PHASE_ORDER.index), ("batch", int)):
        same: dict[tuple[Any, ...], list[Row]] = {}
        for row in rows:
            if axis != "phase" or row["phase"] in PHASE_ORDER:
                same.setdefault(tuple(row[name] for name in _KEY if name != axis), []).append(row)
        for group in same.values():
            pairs += itertools.combinations(sorted(group, key=lambda row: order(row[axis])), 2)
    return pairs


_KEY = ("architecture", "size", "channels", "classes", "precision", "device", "contestant", "phase", "batch")
