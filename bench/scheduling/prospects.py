"""Prospects of a campaign: which ratios are decided, and how many launches are expected to decide the others."""

from __future__ import annotations

import bisect
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from results.schema.record import Case
from results.stats.cells import Cell
from results.stats.components import Components, components
from results.stats.estimates import Estimate
from results.stats.moderation import Judged, Outlook
from results.stats.verdicts import judge

FEWEST_FOR_INTERVAL = 2


@dataclass(frozen=True)
class Prospect:
    """A ratio so far, and what its interval will be like."""

    ratio: Estimate
    outlook: Outlook

    @property
    def is_decided(self) -> bool:
        return judge(self.ratio).is_decided

    def further_launches(self, turns: int, most: int) -> float:
        """Launches of so many turns until it is expected to be decided; 0: it is; infinite: not with `most` in all."""
        if self.is_decided:
            return 0
        have = self.ratio.launches
        first = max(have + 1, FEWEST_FOR_INTERVAL)
        launches = range(first, most + 1)
        place = bisect.bisect_left(launches, True, key=lambda count: self._would_be_decided(count, turns))
        return math.inf if place == len(launches) else launches[place] - have

    def _would_be_decided(self, launches: int, turns: int) -> bool:
        half = self.outlook.half_width(launches, turns)
        value = self.ratio.value
        return judge(Estimate(value, value * math.exp(-half), value * math.exp(half), launches)).is_decided


@dataclass(frozen=True)
class Prospects:
    """The ratios of a campaign to their references, without those of the references themselves."""

    cells: Mapping[Case, Cell]
    judged: Judged[Case]

    def of(self, cases: Collection[Case]) -> list[Prospect]:
        """Those of these cases; copies have none."""
        ratios, outlooks = self.judged.ratios, self.judged.outlooks
        known = [case for case in cases if case in ratios and not case.contestant.copy]
        return [Prospect(ratios[case], outlooks[case]) for case in known]

    def components(self, cases: Collection[Case]) -> Components:
        """The variances of a log ratio, between launches and of a turn within one, of the cases of a network."""
        own = [self.cells[case] for case in cases if case in self.cells]
        return components(own, shared=max(len(own), 1))
