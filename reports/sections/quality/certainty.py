"""Measurement quality: flagged cases, repeated blocks, and A/A pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd
from markupsafe import Markup

from reports.figures import strips
from reports.format import numbers
from reports.format.networks import rows, text
from reports.sections.section import CampaignView, Chapter, Section
from results import quality
from results.compare.ratios import Ratios
from results.schema.record import Status
from results.schema.system import ContestantFacts, System
from results.stats.estimates import geometric_mean
from results.store.campaigns import StoredCampaign
from results.tables.controls import controls
from results.words import in_words

MOST_NAMED = 20
"""Launches of a workload that are named as repeated; the others are counted."""


@dataclass
class FlaggedCases:
    """A flag, its meaning, and the flagged cases, in order."""

    name: str
    meaning: str
    cases: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Redone:
    """The repeated launches of a workload's disturbed blocks, and the maximum of each disturbance."""

    group: str
    launches: Sequence[int]
    attempts: int
    other_cpus_used: str
    steal_percent: str


@dataclass(frozen=True)
class Same:
    """Two identical contestants (A/A): their ratio over all workloads, and the number of significant differences."""

    one: str
    other: str
    workloads: int
    ratio: numbers.FormattedEstimate | None
    apart: int


def flags(cases: pd.DataFrame) -> list[FlaggedCases]:
    """The flags of all cases, the most frequent first."""
    found: dict[str, FlaggedCases] = {}
    for row in rows(cases.loc[cases["quality_flags"] != "", ["case", "quality_flags"]]):
        for name in filter(None, text(row["quality_flags"]).split(", ")):
            flag = FlaggedCases(in_words(name), quality.flags()[name].meaning)
            found.setdefault(name, flag).cases.append(row["case"])
    return sorted(found.values(), key=lambda flag: -len(flag.cases))


def repeated_blocks(launches: pd.DataFrame) -> list[Redone]:
    """The workloads with repeated blocks, from the launches of a CampaignView."""
    again = launches.loc[launches["superseded"], ["group", "launch", "subset", "attempt", "other_cpus_used", "steal"]]
    return [_redone(str(group), own) for group, own in again.groupby("group", sort=False)]


def _redone(group: str, own: pd.DataFrame) -> Redone:
    blocks = own[["launch", "subset", "attempt"]].drop_duplicates()
    foreign, steal = numbers.plain(own["other_cpus_used"].max(), 2), numbers.plain(100 * own["steal"].max(), 2)
    return Redone(group, sorted(set(blocks["launch"])), len(blocks), foreign, steal)


def aa_pairs(system: System, contestants: Sequence[str], ratios: Mapping[str, Ratios]) -> list[Same]:
    """A/A pairs: contestants with the same versions that differ only in the label of their interpreter."""
    return [_same(one, other, ratios) for one, other in combinations(contestants, 2) if _are_same(system, one, other)]


def _are_same(system: System, one: str, other: str) -> bool:
    first, second = (system.contestants.get(contestant, ContestantFacts()).versions for contestant in (one, other))
    return _unlabelled(one) == _unlabelled(other) and bool(first) and first == second


def _unlabelled(contestant: str) -> tuple[str, str]:
    """A contestant's id without the label of its interpreter."""
    name, _, setting = contestant.partition("+")
    return name.partition("@")[0], setting


def _same(one: str, other: str, ratios: Mapping[str, Ratios]) -> Same:
    found = [own for of in ratios.values() if (own := of.get((other, one))) and own.launches > 1]
    mean = geometric_mean(found) if found else None
    shown = numbers.estimate(mean.value, mean.low, mean.high) if mean else None
    return Same(one, other, len(found), shown, sum(own.is_significant for own in found))


@dataclass(frozen=True)
class ControlPair:
    """A contestant that was launched twice in every block of a workload: its ratio to itself, and the blocks."""

    group: str
    contestant: str
    ratio: numbers.FormattedEstimate | None
    pairs: int


def control_pairs(campaign: StoredCampaign) -> list[ControlPair]:
    """The controls of a campaign, the largest difference first."""
    found = controls([campaign]).sort_values("difference", ascending=False)
    return [
        ControlPair(
            text(row["group"]),
            text(row["contestant"]),
            numbers.estimate(row["ratio"], row["ratio_low"], row["ratio_high"]),
            int(row["pairs"]),
        )
        for row in rows(found)
    ]


def order(launches: pd.DataFrame, cases: pd.DataFrame) -> np.ndarray:
    """Each measured launch's time over its case's mean, in the order in which they ran, and whether it was repeated.

    An array (launches, 2), with 1 for a launch that was repeated.
    `launches` are those of a CampaignView. Cases with one launch are left out: it is its own mean.
    """
    means = dict(zip(cases["case"], cases["seconds"]))
    measured = launches.loc[launches["status"] == Status.MEASURED, ["case", "seconds", "superseded"]]
    counts = measured[~measured["superseded"]]["case"].value_counts()
    measured = measured[measured["case"].map(counts).astype(float) > 1]
    over = measured["seconds"] / measured["case"].map(means).astype(float)
    return np.column_stack((over, measured["superseded"]))


@dataclass(frozen=True)
class Certainty:
    order: Markup
    chapters: Sequence[Chapter[None]]
    flags: Sequence[FlaggedCases]
    redone: Sequence[Redone]
    same: Sequence[Same]
    controls: Sequence[ControlPair]
    most_lines: int = strips.MOST_LINES
    most_named: int = MOST_NAMED


def build(view: CampaignView) -> Certainty:
    return Certainty(
        order=Markup(strips.run_order(order(view.launches, view.cases), f"{view.key}-order")),
        chapters=view.chapters(
            lambda part: None,
            lambda part: strips.strips(
                part.network, part.launches(*strips.NEEDED), view.contestants, f"{part.id}-strips"
            ),
        ),
        flags=flags(view.cases),
        redone=repeated_blocks(view.launches),
        same=aa_pairs(view.system, view.contestants, view.ratios),
        controls=control_pairs(view.campaign),
    )


SECTION = Section("sure", "Measurement quality", "certainty.html.j2", build)
