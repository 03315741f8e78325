"""Campaigns that share a page: whether their times of the same cases agree, and which one others disturbed more."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence

from results.compare.pairwise import SAME_SYSTEM, Report, compare, launches_of, system_differences
from results.stats.verdicts import TimingVerdict
from results.store.campaigns import StoredCampaign
from results.store.journal import ResultsError
from results.tables.launches import launches

APART = (TimingVerdict.SLOWER, TimingVerdict.FASTER)


def overlaps(campaigns: Sequence[StoredCampaign]) -> list[str]:
    """For each campaign, how its times agree with those of the first one before it that shares cases; "" without."""
    return [
        next(filter(None, (overlap(before, campaign) for before in campaigns[:number])), "")
        for number, campaign in enumerate(campaigns)
    ]


def overlap(before: StoredCampaign, after: StoredCampaign) -> str:
    """How the times of the cases of both campaigns agree, in sentences; "" if they share none."""
    shared = len(launches_of(before).keys() & launches_of(after).keys())
    if not shared:
        return ""
    cases = f"{shared} case{'s' if shared > 1 else ''}"
    if different := system_differences(before, after, SAME_SYSTEM):
        return f"It shares {cases} with {before.name}, which is of another system: {'; '.join(different)}."
    try:
        found = compare(before, after)
    except ResultsError as problem:  # of an unknown machine, or on other nodes
        return f"Its {cases} shared with {before.name} are not compared: {problem}."
    return f"{_agreement(found, cases)} {_disturbance(before, after)} Case by case: {_command(found)}"


def _agreement(found: Report, cases: str) -> str:
    """ "Of 6 cases shared with one, slower here: 2; faster: 1; by up to 30 %."."""
    slower, faster = ([one for one in found.changes if one.verdict is verdict] for verdict in APART)
    if not slower and not faster:
        return f"Of {cases} shared with {found.baseline}, none is shown to differ in time."
    most = max(math.expm1(abs(math.log(one.ratio.value))) for one in (*slower, *faster))
    return (
        f"Of {cases} shared with {found.baseline}, slower here: {len(slower)}; faster: {len(faster)}; "
        f"by up to {100 * most:.0f} %. Do not compare times of the two."
    )


def _disturbance(*campaigns: StoredCampaign) -> str:
    """Which of two campaigns was disturbed more: the share of its cores' time that others took."""
    shares = [disturbed(campaign) for campaign in campaigns]
    if any(map(math.isnan, shares)):
        return "How much each was disturbed was not recorded."
    told = " and ".join(f"{100 * share:.1f} % in {campaign.name}" for share, campaign in zip(shares, campaigns))
    worst = max(zip(shares, campaigns), key=lambda one: one[0])[1]
    more = "" if len({f"{share:.1%}" for share in shares}) == 1 else f", so {worst.name} was disturbed more"
    return f"Other processes and guests took {told} of the cores' time{more}."


def disturbed(campaign: StoredCampaign) -> float:
    """The mean share of the cores' time that other processes and the hypervisor's other guests took; NaN if unknown."""
    found = launches([campaign], ("other_cpus_used", "steal"))
    cores = campaign.system.settings.cores or campaign.system.machine.cores or math.nan
    return max(float(found["other_cpus_used"].mean() / cores + found["steal"].mean()), 0.0)


def _command(found: Report) -> str:
    return shlex.join(["python", "-m", "bench", "compare", found.baseline, found.candidate]) + "."
