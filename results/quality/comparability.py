"""Flags on whether a case is comparable: executed as requested, and the same network as the others."""

from __future__ import annotations

from results.quality import Flag, in_each

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
