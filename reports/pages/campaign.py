"""Assemble the page from campaigns, and write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from reports.figures import bins, strips
from reports.figures import network as figures
from reports.figures.roofline import roofline
from reports.figures.selection import round_robin
from reports.format import commands, networks, numbers, system, words
from reports.format.words import NEEDS
from reports.pages import document
from reports.sections import batches, certainty, choices, layers, matrix, sizes, streams, use, windows
from reports.sections import cases as tables
from results.compare import ratios as pairs
from results.compare.limits import Kind, Limits, limits_of
from results.schema.record import Status
from results.stats.estimates import BAND, CONFIDENCE, DETECTION_CONFIDENCE, TimingVerdict
from results.store.campaigns import StoredCampaign
from results.tables import cases as table
from results.tables.launches import launches as launches_of
from results.tables.layers import is_alone
from results.tables.layers import layers as layers_of
from results.tables.split import split as split_of
from results.tables.streams import of_cases
from results.tables.switches import switches as switches_of
from results.tables.windows import windows as windows_of

PAGE = "index.html"
NONE = Markup("")
DRAWN = 8
"""Networks that have figures of their own; of more, curves over sizes and batches say more."""
FEW = 2
"""With no more networks than this, the tables are open."""


@dataclass(frozen=True)
class Shared:
    """What the chapters of one campaign have in common; `drawn` are the ids of the networks that have figures."""

    system: Mapping[str, Any]
    limits: Limits
    everyone: Sequence[str]
    split: pd.DataFrame
    drawn: Set[str]


@dataclass(frozen=True)
class Chapter:
    """All that the page says of one network; `id` is where it begins."""

    id: str
    network: networks.Network
    cases: Sequence[tables.CaseRow]
    parts: Sequence[tables.PartsRow]
    first_calls: Sequence[tables.FirstCallRow]
    parity: Sequence[tables.ParityRow]
    tolerances: Mapping[str, str]
    used: use.UseTable
    layers: use.LayerTable | None
    is_drawn: bool
    """Whether its figures are among those that are drawn; else they are ""."""
    times_figure: Markup = NONE
    parts_figure: Markup = NONE
    memory_figure: Markup = NONE
    strips_figure: Markup = NONE


def render(campaigns: Sequence[StoredCampaign], reproduction_link: str | None = None) -> str:
    """The page as one HTML text: a section a campaign, nothing loaded from anywhere, the same for the same input.

    `reproduction_link` leads to the reproduction's page, where there is one.
    """
    return document.document(
        "page.html.j2",
        reproduction_link=reproduction_link,
        sections=[_section(campaign, f"c{number}") for number, campaign in enumerate(campaigns, 1)],
        confidence=f"{100 * CONFIDENCE:.0f} %",
        sure=f"{100 * DETECTION_CONFIDENCE:.0f} %",
        unsure=f"{100 * (1 - DETECTION_CONFIDENCE):.0f} %",
        band=f"{100 * BAND:.0f} %",
        parts=list(NEEDS),
        errors=tables.ERRORS,
        verdicts=[(verdict, words.kind(verdict), f"{words.MARKS[verdict]} {verdict}") for verdict in TimingVerdict],
    )


def write(html: str, folder: Path) -> Path:
    """Put the page into `folder`, whole or not at all, and say where."""
    return document.write(html, folder / PAGE)


def _section(campaign: StoredCampaign, key: str) -> Mapping[str, Any]:
    """What the template shows of one campaign; `key` begins every id in it."""
    cases, split = table.cases([campaign]), split_of([campaign])
    launches = certainty.with_superseded(networks.with_network(launches_of([campaign])))
    reference = table.reference_of(campaign)
    limits = limits_of(campaign)
    streamed, ratios = of_cases(cases), pairs.pairs(campaign)
    found, everyone = networks.networks(cases[cases["peak_probe"] == ""]), networks.contestants(cases)
    blocks, warnings = matrix.matrix(found, everyone), system.warnings(campaign.system)
    whole = [network for network in found if not is_alone(network.architecture)]  # layers have a figure together
    drawn = {network.id for network in round_robin(whole, lambda network: network.architecture, DRAWN)}
    shared = Shared(campaign.system, limits, everyone, split, drawn)
    of_network = {str(network): part for network, part in launches.groupby("network", sort=False)}
    return {
        "key": key,
        "name": campaign.name,
        "reference": reference,
        "facts": system.header(campaign.system, reference),
        "health": _health(cases, launches),
        "warnings": warnings,
        "remedy": next((remedy for _, remedy in warnings if remedy), ""),
        "problems": campaign.problems,
        "contestants": [(who, system.versions(campaign.system, who)) for who in everyone],
        "matrix": blocks,
        "choices": choices.choices(blocks, everyone, ratios),
        "flags": certainty.flags(cases),
        "redone": certainty.repeated_blocks(launches),
        "same": certainty.aa_pairs(campaign.system, everyone, ratios),
        "order": Markup(strips.run_order(certainty.order(launches, cases), f"{key}-order")),
        "chapters": [
            _chapter(shared, network, of_network[network.id], f"{key}-n{number}")
            for number, network in enumerate(found, 1)
        ],
        "layers": layers.layer_tables(layers_of([campaign]), everyone, f"{key}-layers"),
        "ceilings": use.ceiling_rows(limits),
        "rooflines": _rooflines(cases, limits, everyone, key),
        "batches": batches.batches(cases, everyone, key),
        "growth": sizes.growth(cases, limits, everyone, key),
        "streams": streams.stream_rows(streamed),
        "stream_figures": streams.stream_figures(streamed, everyone, key),
        "switches": streams.switch_rows(switches_of([campaign])),
        "windows": windows.window_rows(windows_of([campaign])),
        "paper": windows.PAPER,
        "bins": bins.bins_figure(system.pyramids(campaign.system), f"{key}-bins"),
        "open": len(found) <= FEW,
        "lost": tables.failure_rows(launches),
        "suite": system.suite_name(campaign.system),
        "system": system.system_details(campaign.system),
    }


def _rooflines(cases: pd.DataFrame, limits: Limits, everyone: Sequence[str], key: str) -> Sequence[tuple[Kind, Markup]]:
    """A figure for each precision and device that has a ceiling and a case below it."""
    measured = networks.rows(cases[cases["status"] == Status.MEASURED])
    kinds = dict.fromkeys((row["precision"], row["device"]) for row in measured)
    drawn = [
        (kind, roofline(measured, limits, kind, everyone, f"{key}-roofline{number}"))
        for number, kind in enumerate(kinds, 1)
    ]
    return [(kind, Markup(figure)) for kind, figure in drawn if figure]


def _chapter(shared: Shared, network: networks.Network, launches: pd.DataFrame, key: str) -> Chapter:
    """`launches` are the network's own."""
    tolerances = system.tolerances(shared.system, network.precision)
    is_drawn = network.id in shared.drawn
    return Chapter(
        id=key,
        network=network,
        cases=tables.case_rows(network, launches, commands.campaign_options(shared.system)),
        parts=tables.part_rows(network, shared.split),
        first_calls=tables.first_call_rows(network, launches),
        parity=tables.parity_rows(network, launches, tolerances),
        tolerances={name: numbers.error(value).replace(".0e", "e") for name, value in tolerances.items()},
        used=use.use_table(network),
        layers=use.layer_table(network, system.layers(shared.system, network.id), shared.limits),
        is_drawn=is_drawn,
        **(_figures(shared, network, launches, key) if is_drawn else {}),
    )


def _figures(shared: Shared, network: networks.Network, launches: pd.DataFrame, key: str) -> dict[str, Markup]:
    everyone, split = shared.everyone, networks.rows(shared.split)
    return {
        "times_figure": Markup(figures.times(network, everyone, f"{key}-times")),
        "parts_figure": Markup(figures.parts(network, split, everyone, f"{key}-parts")),
        "memory_figure": Markup(figures.memory(network, everyone, f"{key}-memory")),
        "strips_figure": Markup(strips.strips(network, launches, everyone, f"{key}-strips")),
    }


def _health(cases: pd.DataFrame, launches: pd.DataFrame) -> Sequence[str]:
    """The measurement's own state in a few phrases."""
    measured = int((cases["status"] == Status.MEASURED).sum())
    good = int((launches["status"] == Status.MEASURED).sum())
    given = [verdict for verdict in map(networks.text, cases["verdict"]) if verdict]
    unclear = sum(verdict == TimingVerdict.UNCLEAR for verdict in given)
    return (
        f"cases measured: {numbers.share(measured, len(cases))}",
        f"launches measured: {numbers.share(good, len(launches))}",
        f"verdicts unclear: {numbers.share(unclear, len(given))}",
    )
