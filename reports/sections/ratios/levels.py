"""Levels: how much longer a network takes without all, and without one, of the tricks of a tuned contestant."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.figures import forest
from reports.format import networks, numbers, system
from reports.sections.section import CampaignView, NetworkPart, Section
from results import words
from results.compare.levels import tuned_of
from results.schema.record import Status
from results.schema.system import ContestantFacts
from results.stats.estimates import Estimate

LIMIT = 1.03
"""A tuned contestant may take at most so many times as long as one that lacks its tricks."""
PERCENT = f"{100 * (LIMIT - 1):.0f} %"


@dataclass(frozen=True)
class Line:
    """The time without tricks over the time with them, on a network (by its title) in a phase; or why it is missing."""

    part: NetworkPart
    title: str
    phase: str
    ratio: Estimate | None
    missing: str = ""

    @property
    def words(self) -> str:
        return f"{self.title}, {self.phase}"

    @property
    def shown(self) -> numbers.FormattedEstimate | None:
        return numbers.estimate(self.ratio.value, self.ratio.low, self.ratio.high) if self.ratio else None


@dataclass(frozen=True)
class Pair:
    """A contestant that lacks tricks (`note`: how it computes), and the tuned one, on every network and phase."""

    contestant: str
    tuned: str
    note: str
    lines: Sequence[Line]
    figure: Markup


@dataclass(frozen=True)
class Group:
    """Pairs of one kind, and sentences on where the tuned contestants are the slower ones."""

    title: str
    intro: str
    pairs: Sequence[Pair]
    sentences: Sequence[str]


@dataclass(frozen=True)
class Levels:
    """`limit`: as text; `drawn`: networks in the figures, of `networks`."""

    groups: Sequence[Group]
    drawn: int
    networks: int
    limit: str = PERCENT


def sentences(pairs: Sequence[Pair], other: str) -> list[str]:
    """Which tuned contestants take more than LIMIT times as long as `other`, which may, and how many ratios lack."""
    lines = [line for pair in pairs for line in pair.lines]
    missing = sum(line.ratio is None for line in lines)
    slower = _where(pairs, lambda ratio: ratio.high < 1 / LIMIT)
    maybe = _where(pairs, lambda ratio: not (ratio.low >= 1 / LIMIT or ratio.high < 1 / LIMIT))
    if slower:
        told = [f"Slower than {other} by more than {PERCENT}: {slower}."]
    else:
        is_so = "is shown to be" if maybe or missing else "is"
        told = [f"No tuned contestant {is_so} slower than {other} by more than {PERCENT}."]
    if maybe:
        told.append(f"Not excluded, as the interval goes beyond that or is unknown: {maybe}.")
    if missing:
        told.append(f"{missing} of {len(lines)} ratios {'is' if missing == 1 else 'are'} missing; the table says why.")
    return told


def _where(pairs: Sequence[Pair], is_so: Callable[[Estimate], bool]) -> str:
    """The pairs with such ratios, each with its lowest one; "" if there are none."""
    told = []
    for pair in pairs:
        found = [(line, line.ratio) for line in pair.lines if line.ratio and is_so(line.ratio)]
        if found:
            lowest, _ = min(found, key=lambda one: one[1].value)
            many = f"{len(found)} workloads, lowest on " if len(found) > 1 else ""
            told.append(f"{pair.tuned} against {pair.contestant} on {many}{lowest.words} ({lowest.shown})")
    return "; ".join(told)


def build(view: CampaignView) -> Levels | None:
    pairs: dict[bool, list[Pair]] = {True: [], False: []}
    notes = dict(system.notes(view.system, view.contestants))
    tuned = tuned_of(view.campaign)
    for number, contestant in enumerate(one for one in view.contestants if one in tuned):
        is_idiomatic = view.system.contestants.get(contestant, ContestantFacts()).level == "idiomatic"
        lines = list(_lines(view, contestant, tuned[contestant], lacks_one=not is_idiomatic))
        figure = _figure(contestant, tuned[contestant], lines, f"{view.key}-levels{number}")
        pairs[is_idiomatic].append(Pair(contestant, tuned[contestant], notes.get(contestant, ""), lines, figure))
    kinds = (
        ("Without any trick", "The idiomatic contestant over the tuned one.", pairs[True], "its idiomatic counterpart"),
        (
            "Without one trick",
            "The tuned contestant without a trick over itself.",
            pairs[False],
            "itself without a trick",
        ),
    )
    groups = [Group(title, intro, own, sentences(own, other)) for title, intro, own, other in kinds if own]
    return Levels(groups, sum(part.is_drawn for part in view.parts), len(view.parts)) if groups else None


def _lines(view: CampaignView, contestant: str, tuned: str, lacks_one: bool) -> Iterator[Line]:
    """A line for each network and phase in which either of the two has a record.

    Where only a contestant that lacks one trick is skipped, that trick changes nothing.
    """
    for part in view.parts:
        title = view.titles[part.network.id]
        for phase in part.network.phases:
            statuses = [_status(part.network, phase, one) for one in (contestant, tuned)]
            is_skipped = statuses[0] == Status.SKIPPED != statuses[1]
            if any(statuses) and not (is_skipped and lacks_one):
                ratio = view.ratios.get(f"{part.network.id}-{phase}", {}).get((contestant, tuned))
                missing = "" if ratio else _missing(part.network, phase, (contestant, tuned))
                yield Line(part, title, phase, ratio, missing)


def _status(network: networks.Network, phase: str, contestant: str) -> str:
    """A contestant's status in a phase; "" without a record."""
    row = network.rows.get((phase, contestant))
    return "" if row is None else str(row["status"])


def _missing(network: networks.Network, phase: str, pair: Sequence[str]) -> str:
    """Why there is no ratio of the two."""
    for one in pair:
        row = network.rows.get((phase, one))
        if row is None:
            return f"{one}: no record"
        if row["status"] != Status.MEASURED:
            return f"{one}: {words.status(row['status'], networks.text(row['reason']))}"
    return "they did not run in the same blocks"


def _figure(contestant: str, tuned: str, lines: Sequence[Line], key: str) -> Markup:
    rows = [
        forest.Row(
            line.words,
            "ratio",
            line.ratio.value if line.ratio else None,
            _known(line.ratio.low) if line.ratio else None,
            _known(line.ratio.high) if line.ratio else None,
            (1 / LIMIT, LIMIT),
            equal=1.0,
            facts={"part": line.part.id, "phase": line.phase},
        )
        for line in lines
        if line.part.is_drawn
    ]
    return forest.draw(rows, key, f"{contestant} over {tuned} by network and phase; numbers in the table")


def _known(end: float) -> float | None:
    return None if math.isnan(end) else end


SECTION = Section("levels", "Levels", "levels.html.j2", build)
