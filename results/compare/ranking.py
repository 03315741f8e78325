"""Ranking of contestants within a phase, with ties: on how many workloads each is unbeaten, and overall ratios.

A contestant is *unbeaten* on a workload if no other one that was measured there is shown to be faster: it is the
fastest, or cannot be told from the fastest. All pairs count, not only those with the reference. Ties are therefore the
rule with few launches, and a workload of which nothing is known yet has no winner and no loser.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from results.compare.ratios import Ratios
from results.stats.estimates import Estimate, geometric_mean
from results.stats.nodes import over_nodes
from results.stats.verdicts import TimingVerdict, judge

TITLES = {"infer": "Inference", "train": "Training"}
"""The phases that are ranked. The others are parts of a training step."""
LONGEST_NAME, MOST_NAMED = 40, 6
"""Letters of a contestant's name, and contestants, that a sentence gives."""


@dataclass(frozen=True)
class WorkloadRanking:
    """One workload: its id, the contestants measured on it, and for each those that are shown to be faster."""

    workload: str
    contestants: tuple[str, ...]
    faster: Mapping[str, tuple[str, ...]]
    is_known: bool

    @property
    def unbeaten(self) -> tuple[str, ...]:
        """None where no ratio has an interval yet."""
        return tuple(one for one in self.contestants if self.is_known and not self.faster[one])

    @property
    def is_tied(self) -> bool:
        """Whether no contestant is shown to be faster than another."""
        return not any(self.faster.values())


@dataclass(frozen=True)
class Ranking:
    """The contestants in a phase. `overall`: geometric means of the ratios to the reference, over `common` workloads.

    These are the workloads on which every contestant that has a ratio with an interval anywhere has one: a mean over
    different workloads would compare the workloads.
    """

    phase: str
    reference: str
    contestants: tuple[str, ...]
    workloads: tuple[WorkloadRanking, ...]
    overall: Mapping[str, Estimate]
    common: int

    @property
    def known(self) -> int:
        """The number of workloads on which some ratio has an interval."""
        return sum(one.is_known for one in self.workloads)

    def unbeaten_on(self, contestant: str) -> int:
        """The number of workloads on which a contestant is unbeaten."""
        return sum(contestant in one.unbeaten for one in self.workloads)

    def measured_on(self, contestant: str) -> int:
        """The number of workloads on which a contestant was measured and some ratio is known."""
        return sum(one.is_known and contestant in one.contestants for one in self.workloads)

    def headline(self) -> str:
        """Which contestants are unbeaten most often, and how often the others are: one or two sentences."""
        if not self.known:
            return "no answer yet: no ratio has an interval."
        if all(one.is_tied for one in self.workloads if one.is_known):
            return f"no contestant is significantly faster than another on {_any_of(self.known)}."
        counts = {one: self.unbeaten_on(one) for one in self.contestants}
        most = max(counts.values())
        leaders = [one for one in self.contestants if counts[one] == most]
        others = sorted((one for one in self.contestants if counts[one] < most), key=lambda one: -counts[one])
        on = {one: self._on(one, counts[one]) for one in others}
        return f"{_lead(leaders, most, self.known)}{_rest(on, counts)}."

    def _on(self, contestant: str, count: int) -> str:
        """ "2", "none", or "2 (of 3 measured)" where it was not measured on all."""
        own = self.measured_on(contestant)
        return str(count or "none") + (f" (of {own} measured)" if own < self.known else "")

    def overall_sentence(self) -> str:
        """Overall ratios of the other contestants, fastest first; "" where no workload is common to all."""
        if not self.overall:
            return ""
        shown = sorted(self.overall.items(), key=lambda item: item[1].value)
        ratios = [f"{_name(one)} {_interval(found)}" for one, found in shown[:MOST_NAMED]]
        more = [f"and {len(shown) - MOST_NAMED} slower ones"] if len(shown) > MOST_NAMED else []
        of = f"{_name(self.reference)} (geometric mean of {_workloads(self.common)})"
        return f"Time relative to {of}: {', '.join(ratios + more)}."


def unbeaten_words(found: WorkloadRanking | None) -> str:
    """The unbeaten contestants of a workload, or why none is named."""
    if found is None:
        return "not ranked"
    if not found.is_known:
        return "not enough data"
    return "no significant difference" if found.is_tied else ", ".join(map(_name, found.unbeaten))


def rank(
    phase: str,
    reference: str,
    contestants: Sequence[str],
    pairs: Mapping[str, Ratios],
    nodes: Sequence[Mapping[str, Ratios]] = (),
) -> Ranking:
    """The ranking in `phase`, from the ratios of all pairs on each of its workloads (results.compare.ratios.pairs).

    Contestants come in the order given; those that were measured on none of the workloads are left out. `nodes`: the
    same ratios on each node, of a campaign of several.
    """
    workloads = tuple(_of_workload(name, contestants, ratios) for name, ratios in pairs.items())
    present = tuple(one for one in contestants if any(one in ranked.contestants for ranked in workloads))
    compared = [one for one in present if any(_is_compared(ratios, one, reference) for ratios in pairs.values())]
    common = [
        name
        for name, ratios in pairs.items()
        if all(_is_compared(ratios, one, reference) for one in compared) and compared
    ]
    overall = {one: _overall((one, reference), common, pairs, nodes) for one in compared if common}
    return Ranking(phase, reference, present, workloads, overall, len(common))


def _overall(
    pair: tuple[str, str], workloads: Sequence[str], pairs: Mapping[str, Ratios], nodes: Sequence[Mapping[str, Ratios]]
) -> Estimate:
    """The geometric mean over workloads: on each node first, as a node's deviation may be the same in all of them.

    Where workloads were measured on different nodes, their errors do not average out either.
    """
    found = [[node[name][pair] for name in workloads if pair in node.get(name, {})] for node in nodes]
    measuring = [ratios for ratios in found if ratios]
    if len(measuring) > 1 and all(len(ratios) == len(workloads) for ratios in measuring):
        return over_nodes([_of_node(ratios) for ratios in measuring])
    return geometric_mean([pairs[name][pair] for name in workloads], shared=len(measuring) > 1)


def _of_node(ratios: Sequence[Estimate]) -> Estimate:
    """The mean over workloads, with no more degrees of freedom than each of its ratios."""
    return replace(geometric_mean(ratios), freedom=min(ratio.own_freedom for ratio in ratios))


def _of_workload(name: str, contestants: Sequence[str], ratios: Ratios) -> WorkloadRanking:
    measured = tuple(one for one in contestants if any(one in pair for pair in ratios))
    faster = {
        one: tuple(
            other
            for other in measured
            if (other, one) in ratios and judge(ratios[other, one]).verdict is TimingVerdict.FASTER
        )
        for one in measured
    }
    return WorkloadRanking(name, measured, faster, any(_has_interval(found) for found in ratios.values()))


def _is_compared(ratios: Ratios, contestant: str, reference: str) -> bool:
    """Whether a contestant has a ratio to the reference with an interval."""
    found = ratios.get((contestant, reference))
    return found is not None and _has_interval(found)


def _has_interval(found: Estimate) -> bool:
    return not math.isnan(found.low)


def _lead(leaders: Sequence[str], count: int, known: int) -> str:
    """The subject of a headline: "a is unbeaten on all 6 workloads", "a and b are unbeaten on 5 of 6 workloads"."""
    verb = "is" if len(leaders) == 1 else "are"
    return f"{_list(leaders)} {verb} unbeaten on {_of(known) if count == known else f'{count} of {_workloads(known)}'}"


def _rest(others: Mapping[str, str], counts: Mapping[str, int]) -> str:
    """The other contestants with their counts; of many, those on none as a number."""
    none = [one for one in others if not counts[one]]
    named = list(others) if len(others) <= MOST_NAMED else [one for one in others if counts[one]][:MOST_NAMED]
    said = [f", {_name(one)} on {others[one]}" for one in named]
    left = len(others) - len(named)
    said += [f", {left} others on {'none' if left == len(none) else 'fewer'}"] if left else []
    return "".join(said)


def _name(contestant: str) -> str:
    """A name that leaves room for others in a sentence."""
    return contestant if len(contestant) <= LONGEST_NAME else f"{contestant[:LONGEST_NAME]}…"


def _any_of(count: int) -> str:
    return f"any of the {count} workloads" if count > 1 else "the workload"


def _of(count: int) -> str:
    return f"all {count} workloads" if count > 1 else "the workload"


def _workloads(count: int) -> str:
    return f"{count} workload{'s' if count > 1 else ''}"


def _list(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    *first, last = map(_name, names)
    return f"{', '.join(first)} and {last}" if first else last


def _interval(found: Estimate) -> str:
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"
