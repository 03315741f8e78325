"""Components of a training step: forward, backward and update."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from results.schema.columns import Column
from results.stats.estimates import Estimate, arithmetic, difference
from results.stats.launches import Launches
from results.stats.nodes import over_nodes
from results.store.campaigns import StoredCampaign
from results.tables import CAMPAIGNS, Table
from results.tables._rows import frame, time_row

COLUMNS = (
    Column("campaign", "", "folder of the campaign"),
    Column("network", "", "the workload without its phase"),
    Column("contestant", "", "framework:execution"),
    Column("component", "", "forward, backward (gradient less forward) or update (train less gradient)"),
    Column("seconds", "s/step", "mean time of the component"),
    Column("seconds_low", "s/step", "lower end of its 95 % interval over launches"),
    Column("seconds_high", "s/step", "upper end of its 95 % interval over launches"),
)
PARTS = (("forward", "forward", None), ("backward", "gradient", "forward"), ("update", "train", "gradient"))
"""(component, phase that includes it, phase to subtract)."""


PHASES_SHARE_LAUNCHES = 7
"""The schema since which a launch runs all phases of its network, so that differences are within a launch."""

Times = dict[object, float]
"""Seconds by launch."""


def split(campaigns: Iterable[StoredCampaign]) -> pd.DataFrame:
    """Components of a training step (forward, backward and update) per network and contestant, with intervals."""
    rows = []
    for campaign in campaigns:
        networks: dict[tuple[str, str], dict[str, dict[str, Times]]] = {}
        for case in campaign.by_suite(campaign.launches):
            workload = case.workload
            for node, own in campaign.launches[case].counted.by_node().items():
                nodes = networks.setdefault((workload.launch_id, case.contestant.id), {})
                nodes.setdefault(node, {})[workload.phase] = _times(own, workload.phase)
        for (network, contestant), nodes in networks.items():
            for part, phase, less in PARTS:
                estimates = _parts(nodes.values(), phase, less)
                if estimates:
                    names = {"campaign": campaign.name, "network": network, "contestant": contestant, "component": part}
                    rows.append({**names, **time_row(over_nodes(estimates, logarithmic=False))})
    return frame(rows, COLUMNS)


def _times(counted: Launches, phase: str) -> Times:
    # Launches of one phase each are independent, whatever their numbers.
    own = ["" if shares else phase for shares in (counted["schema"] >= PHASES_SHARE_LAUNCHES).tolist()]
    names = ("launch", "subset", "seconds")
    return {(one, *rest): time for one, *rest, time in zip(own, *(counted[name].tolist() for name in names))}


def _parts(nodes: Iterable[Mapping[str, Times]], phase: str, less: str | None) -> list[Estimate]:
    """The component on each node that has it."""
    found = (_part(own.get(phase, {}), None if less is None else own.get(less, {})) for own in nodes)
    return [one for one in found if one is not None]


def _part(times: Times, less: Times | None) -> Estimate | None:
    """The mean of a phase's time, or of its difference to another's: within launches that ran both, else Welch's."""
    if less is None:
        return arithmetic(list(times.values())) if times else None
    if shared := [launch for launch in times if launch in less]:
        return arithmetic([times[launch] - less[launch] for launch in shared])
    return difference(list(times.values()), list(less.values()))


TABLE = Table(COLUMNS, split, CAMPAIGNS)
