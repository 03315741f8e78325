"""Ratios of contestants to themselves: what differences mean nothing on a campaign's machine at its time."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

from results.compare.ratios import judged_ratios
from results.schema.columns import Column
from results.stats.campaign_ratios import references_of
from results.stats.moderation import Control
from results.store.campaigns import StoredCampaign, computed_once
from results.tables import CAMPAIGNS, Table
from results.tables._rows import frame

COLUMNS = (
    Column("campaign", "", "folder of the campaign"),
    Column("group", "", "the workload for which the contestant was launched twice"),
    Column("contestant", "", "framework:execution"),
    Column("ratio", "", "time of the second over that of the first, paired by block; known to be 1"),
    Column("ratio_low", "", "lower end of its 95 % interval over blocks"),
    Column("ratio_high", "", "upper end of its 95 % interval over blocks"),
    Column("difference", "", "by how much the slower one was slower, as a share"),
    Column("pairs", "", "blocks that the ratio is from"),
)


def controls(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """One row a workload in which a contestant was launched twice under two names."""
    rows = []
    for campaign in campaigns:
        (judged,) = judged_ratios(campaign, {})
        for case, found in judged.ratios.items():
            rows.append(
                {
                    "campaign": campaign.name,
                    "group": case.workload.id,
                    "contestant": case.contestant.original.id,
                    "ratio": found.value,
                    "ratio_low": found.low,
                    "ratio_high": found.high,
                    "difference": math.expm1(abs(math.log(found.value))),
                    "pairs": found.launches,
                }
            )
    return frame(rows, COLUMNS)


@computed_once
def control_of(campaign: StoredCampaign) -> Control:
    """What the controls of a campaign show together."""
    (judged,) = judged_ratios(campaign, references_of(campaign.launches, campaign.system.reference))
    return judged.control


TABLE = Table(COLUMNS, controls, CAMPAIGNS)
