"""Sections of the campaign page: the class, and the data that all sections of one campaign share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
import pandas as pd
from markupsafe import Markup

from reports.figures.drawing.selection import round_robin
from reports.format import networks
from results.compare.limits import Limits, limits_of
from results.compare.ratios import Ratios, pairs
from results.schema.columns import PARITY
from results.schema.record import Status
from results.schema.system import System
from results.store.campaigns import StoredCampaign
from results.tables import cases as table
from results.tables.launches import launches as launches_of
from results.tables.layers import is_alone
from results.tables.split import split as split_of

DRAWN = 8
"""Maximum number of networks with figures of their own; for more, curves over sizes and batches are clearer."""
FEW = 2
"""Tables are expanded up to this number of networks."""
LAUNCHES = (
    "case", "group", "phase", "contestant", "node", "launch", "subset", "attempt", "status", "reason", "log", "seconds",
    "first_call_seconds", "build_seconds", "start_seconds", "other_cpus_used", "steal",
    *(column.name for column in PARITY),
)  # fmt: skip
"""Columns of the table of launches that sections need."""

Rows = TypeVar("Rows")


@dataclass(frozen=True)
class NetworkPart:
    """A network of a campaign; `id` is the prefix of its figures' ids. `is_drawn`: whether its figures are drawn.

    `rows`: where its launches are among `all_launches` of the campaign.
    """

    id: str
    network: networks.Network
    all_launches: pd.DataFrame
    rows: np.ndarray
    is_drawn: bool

    def launches(self, *columns: str) -> pd.DataFrame:
        """These columns of its launches, taken when they are needed: of a large campaign, they are not kept twice."""
        return self.all_launches[list(columns)].take(self.rows)


@dataclass(frozen=True)
class Chapter(Generic[Rows]):
    """A section's content for one network; `figure` is "" if none is drawn."""

    id: str
    network: networks.Network
    is_drawn: bool
    rows: Rows
    figure: Markup


@dataclass(frozen=True)
class CampaignView:
    """A campaign with the tables and facts that several sections need, each computed once; `key`: prefix of ids."""

    campaign: StoredCampaign
    key: str

    @property
    def system(self) -> System:
        return self.campaign.system

    @cached_property
    def cases(self) -> pd.DataFrame:
        pairs(self.campaign)  # first: the ratios of cases are among them, so that rounds are read once
        return table.cases([self.campaign])

    @cached_property
    def launches(self) -> pd.DataFrame:
        return with_superseded(networks.with_network(launches_of([self.campaign], LAUNCHES, compact=True)))

    @cached_property
    def parity(self) -> pd.DataFrame:
        """The different statuses and parities of launches, by network and contestant."""
        names = ["network", "contestant", "status", *(column.name for column in PARITY)]
        return self.launches[names].drop_duplicates()

    @cached_property
    def split(self) -> pd.DataFrame:
        return split_of([self.campaign])

    @cached_property
    def reference(self) -> str | None:
        return table.reference_of(self.campaign)

    @cached_property
    def limits(self) -> Limits:
        return limits_of(self.campaign)

    @cached_property
    def ratios(self) -> Mapping[str, Ratios]:
        return pairs(self.campaign)

    @cached_property
    def contestants(self) -> Sequence[str]:
        return networks.contestants(self.cases)

    @cached_property
    def titles(self) -> Mapping[str, str]:
        """Short titles of the networks, by id."""
        return networks.titles([part.network for part in self.parts])

    @cached_property
    def phases(self) -> Sequence[str]:
        """The phases of all networks, in order."""
        return networks.in_order(phase for part in self.parts for phase in part.network.phases)

    @cached_property
    def parts(self) -> Sequence[NetworkPart]:
        """The networks, without the machine's peak probes."""
        found = networks.networks(self.cases[self.cases["peak_probe"] == ""])
        own = self.launches.groupby("network", sort=False).indices
        drawn = _drawn(found)
        return [
            NetworkPart(
                f"{self.key}-n{number}", network, self.launches, np.asarray(own[network.id]), network.id in drawn
            )
            for number, network in enumerate(found, 1)
        ]

    @property
    def is_open(self) -> bool:
        """Whether tables are expanded."""
        return len(self.parts) <= FEW

    def chapters(
        self, rows: Callable[[NetworkPart], Rows], figure: Callable[[NetworkPart], str] | None = None
    ) -> Sequence[Chapter[Rows]]:
        """A chapter for each network, with a figure if it is drawn."""
        return [
            Chapter(
                part.id,
                part.network,
                part.is_drawn,
                rows(part),
                Markup(figure(part) if figure and part.is_drawn else ""),
            )
            for part in self.parts
        ]


def _drawn(found: Sequence[networks.Network]) -> Set[str]:
    """The ids of the networks with figures; isolated layers share a figure."""
    whole = [network for network in found if not is_alone(network.architecture)]
    return {network.id for network in round_robin(whole, lambda network: network.architecture, DRAWN)}


@dataclass(frozen=True)
class Section:
    """A section of the campaign page: its anchor, link title, template, and the function that builds its content.

    `build` returns the template's `content`; for None, the section and its link are omitted.
    """

    anchor: str
    title: str
    template: str
    build: Callable[[CampaignView], object | None]


def with_superseded(launches: pd.DataFrame) -> pd.DataFrame:
    """The table with a column `superseded`: whether the launch was measured, but its disturbed block repeated."""
    measured = (launches["status"] == Status.MEASURED).to_numpy()
    superseded = np.zeros(len(launches), bool)
    (cases, _), (numbers, known) = (pd.factorize(launches[name]) for name in ("case", "launch"))
    launch = cases * len(known) + numbers
    repeated = measured & np.isin(launch, launch[measured & (launches["attempt"] > 0).to_numpy()])  # few
    some = launches.loc[repeated, ["case", "node", "launch", "subset", "attempt"]]
    last = some.groupby(["case", "node", "launch", "subset"], observed=True)["attempt"].transform("max")
    superseded[repeated] = (some["attempt"] < last).to_numpy()
    return launches.assign(superseded=superseded)
