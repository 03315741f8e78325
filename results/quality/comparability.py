"""Flags on whether a case is comparable: executed as requested, and the same network as the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from impls.precision import POLICIES
from results.quality import Flag, Flagged, MeasuredCase, in_each


def other_precision(row: Mapping[Any, Any]) -> str:
    """What a case's products were seen to be computed in, if that is not the format that was requested; else "".

    It is only seen where it is allowed: TF32 may be used where it was requested, and need not be.
    """
    seen = str(row["effective_precision"]).split(", ")
    operands = POLICIES[row["precision"]].operands if row["precision"] in POLICIES else row["precision"]
    return ", ".join(one for one in seen if one not in ("", operands))


def _computed_in_another(cases: Sequence[MeasuredCase]) -> list[str]:
    return [case.row["case"] for case in cases if other_precision(case.row)]


def _which_precisions(seen: Flagged) -> str:
    pairs = {(row["precision"], other_precision(row)) for row in seen.rows.to_dict("records")}
    words = (f"{computed} where {asked} was requested" for asked, computed in sorted(pairs))
    return f"their products were seen to be computed in {'; '.join(words)}"


OTHER_PRECISION = Flag(
    name="other_precision",
    meaning="computed in another precision than requested",
    detect=_computed_in_another,
    describe=_which_precisions,
    hint="compare them with contestants of the precision that they computed in; before Ampere, cards have no TF32",
)
FALLBACK = Flag(
    name="fallback",
    meaning="the framework did not execute it as requested",
    detect=in_each(lambda launches: any(launches["fallback"])),
    describe=lambda seen: f"not executed as requested: {seen.launches.fallback[seen.launches.fallback != ''].iloc[0]}",
    hint="warm times mix both ways of execution; use fewer shapes (buckets, grouped) or an execution with dynamic "
    "shapes",
)
EMPTY_PARITY = Flag(
    name="empty_parity",
    meaning="the parity check compared values that are equal for any network",
    detect=in_each(lambda launches: any(launches["parity_shows_nothing"])),
    describe=lambda seen: (
        "agreement of the contestants is no evidence of the same network: "
        f"{seen.rows.parity_shows_nothing.replace('', None).dropna().iloc[0]}"
    ),
    hint="check parity on a workload with more classes or other images before using these results",
)
