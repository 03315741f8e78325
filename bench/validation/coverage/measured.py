"""The cells of committed campaigns: what they are resampled and predicted from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.validation.coverage.machines import Floats, Resampled
from bench.validation.coverage.methods import Sample
from results.schema.record import Record, Workload
from results.stats.cells import Cell, cell_of
from results.stats.pairing import group_by_block
from results.store.campaigns import StoredCampaign, campaigns_in, read_campaign
from results.tables.cases import reference_of

RESAMPLED_LAUNCHES = 4
"""Residuals of fewer launches say little about tails."""
CHOSEN_BY = range(5, 8)
"""Launches of the campaigns that the method was chosen by: enough to predict some of them from others."""


@dataclass(frozen=True)
class MeasuredCampaign:
    """The ratios of a campaign: contestants' ids and cells, in the same order."""

    name: str
    contestants: tuple[str, ...]
    cells: tuple[Cell, ...]

    def sample(self) -> Sample:
        """What intervals are made from."""
        return Sample(
            np.array([cell.variance for cell in self.cells]),
            np.array([len(cell.ratios) for cell in self.cells], float),
            np.array([cell.within for cell in self.cells]),
            np.unique(self.contestants, return_inverse=True)[1],
        )


def measured_campaigns(data: Path) -> list[MeasuredCampaign]:
    """The reference campaigns in `data` that have ratios of two launches or more."""
    folders = [folder for folder in campaigns_in(data) if folder.name.startswith("reference-")]
    found = [_measured(read_campaign(folder)) for folder in folders]
    return [campaign for campaign in found if campaign.cells]


def _measured(campaign: StoredCampaign) -> MeasuredCampaign:
    cells = [(name, cell) for name, cell in _cells(campaign) if len(cell.ratios) > 1]
    return MeasuredCampaign(campaign.name, tuple(name for name, _ in cells), tuple(cell for _, cell in cells))


def _cells(campaign: StoredCampaign) -> Iterator[tuple[str, Cell]]:
    groups: dict[Workload, dict[str, list[Record]]] = {}
    for record in campaign.records:
        groups.setdefault(record.case.workload, {}).setdefault(record.case.contestant.id, []).append(record)
    named = reference_of(campaign)
    for group in groups.values():
        own = named if named in group else next(iter(group))
        reference = group_by_block(group[own])
        for name, records in group.items():
            cell = cell_of(group_by_block(records), reference) if name != own else None
            if cell:
                yield name, cell


def predictable(campaigns: list[MeasuredCampaign], kept_back: bool = False) -> list[MeasuredCampaign]:
    """Those with CHOSEN_BY launches; or those kept back, with one less or with more.

    Of each, the cells that have all of its launches.
    """
    found = []
    for campaign in campaigns:
        launches = max(len(cell.ratios) for cell in campaign.cells)
        kept = [place for place, cell in enumerate(campaign.cells) if len(cell.ratios) == launches]
        if launches >= CHOSEN_BY[0] - 1 and (launches not in CHOSEN_BY) == kept_back:
            contestants = tuple(campaign.contestants[place] for place in kept)
            found.append(MeasuredCampaign(campaign.name, contestants, tuple(campaign.cells[place] for place in kept)))
    return found


def resampled(campaigns: list[MeasuredCampaign]) -> Resampled:
    """Campaigns of the residuals of their cells of RESAMPLED_LAUNCHES and more."""
    cells = [cell for campaign in campaigns for cell in campaign.cells if len(cell.ratios) >= RESAMPLED_LAUNCHES]
    within = np.array([cell.within for cell in cells])
    usual = float(np.nanmedian(within))
    return Resampled([(_residuals(cell), usual if np.isnan(one) else float(one)) for cell, one in zip(cells, within)])


def _residuals(cell: Cell) -> Floats:
    """About their mean, scaled so that they spread as launches do."""
    return np.asarray((cell.logs - cell.logs.mean()) * np.sqrt(len(cell.logs) / (len(cell.logs) - 1)))
