"""Whether a case is what its name says: executed as asked, and seen to be the same network as the others."""

from __future__ import annotations

from results.quality import Flag, in_each

FALLBACK = Flag(
    name="fallback",
    meaning="the framework did not execute it as requested",
    detect=in_each(lambda launches: any(one.fallback for one in launches)),
    describe=lambda seen: f"not executed as asked: {seen.launches.fallback[seen.launches.fallback != ''].iloc[0]}",
    hint="warm times of these are of a mixture; give it fewer shapes (buckets, grouped), or an execution of open "
    "shapes",
)
EMPTY_PARITY = Flag(
    name="empty_parity",
    meaning="the parity check compared values that are equal for any network",
    detect=in_each(lambda launches: any(one.parity and one.parity.shows_nothing for one in launches)),
    describe=lambda seen: (
        "that contestants agree is no evidence of the same network: "
        f"{seen.rows.parity_shows_nothing.replace('', None).dropna().iloc[0]}"
    ),
    hint="compare them on a workload with more classes or other images before trusting these",
)
