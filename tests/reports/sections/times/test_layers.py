"""Layers on the page: bars, shares beside times, and why some are missing."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reports.pages import campaign
from results.schema.record import Case, Contestant, Record, Status
from results.store.campaigns import CampaignWriter, read_campaign
from tests.support.made_up import HOSTILE, SYSTEM, launches, workload

ALPHA, BETA = Contestant("alpha", "eager"), Contestant("beta", "jit")
WHOLE = workload("alexnet", "gradient")


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """Two layers of a network in two contestants, one of which lacks a layer."""
    records: list[Record] = []
    for layer, seconds in (("", 0.1), ("/conv1", 0.06), (f"/{HOSTILE}", 0.05)):
        load = replace(WHOLE, architecture=f"alexnet{layer}")
        records += launches(Case(load, ALPHA), seconds, 3, 0.0001, "layers")
        if HOSTILE in layer:
            records.append(Record(Case(load, BETA), 0, Status.SKIPPED, f"none {HOSTILE}"))
        else:
            records += launches(Case(load, BETA), 2 * seconds, 3, 0.0001, "layers")
    told = {**SYSTEM, "workloads": {WHOLE.id: {"layers": ["conv1", HOSTILE], **FLOOR}}}
    writer = CampaignWriter.create(tmp_path_factory.mktemp("layered"), "layered", told)
    writer.append(records)
    writer.close()
    return campaign.render([read_campaign(writer.folder)])


FLOOR = {"macs": 10**6, "traffic_bytes": 10**6, "memory_bytes": 10**6, "ceiling": None}


@pytest.fixture(scope="module")
def section(html):
    return re.search(r'<section id="c1-layers">(.*?)</section>', html, re.DOTALL)[1]


def numbers(row: str) -> list[float]:
    return [float(value) for value in re.findall(r'<data value="(.*?)">', row)]


def row_of(section: str, name: str) -> str:
    return re.search(rf'<tr><th scope="row">{name}</th>(.*?)</tr>', section, re.DOTALL)[1]


def test_a_layer_has_its_time_and_share_in_each_contestant(section):
    alpha, share, beta, other = numbers(row_of(section, "conv1"))
    assert (alpha, beta) == pytest.approx((60 * 0.98, 120 * 0.98), rel=0.01)
    assert (share, other) == pytest.approx((0.6, 0.6), rel=0.01)
    assert re.search(r">(60|59|61)[.\d]*</data>", row_of(section, "conv1")), "in percent"


def test_all_layers_and_the_whole_step_stand_below(section):
    assert numbers(row_of(section, "all layers")) == [pytest.approx(1.1, rel=0.01)]
    assert "not all layers were measured" in row_of(section, "all layers")
    assert numbers(row_of(section, "whole step")) == pytest.approx([98, 196], rel=0.01)


def test_a_layer_that_is_missing_says_why_and_nothing_hostile_runs(section, html):
    assert "skipped: none &lt;script&gt;" in section
    assert HOSTILE not in html


def test_the_bars_are_named_and_signed(section):
    (figure,) = re.findall(r"<svg.*?</svg>", section, re.DOTALL)
    assert "alexnet 64, gradient, batch 8" in figure
    for name in ("alpha:eager", "beta:jit", "conv1", "not measured"):
        assert name in figure
    assert len(set(re.findall(r'href="(#.*?)"', figure))) >= 2, "a sign of its own for each contestant"


def test_the_way_there_is_in_the_contents(html):
    assert '<a href="#c1-layers">Layer by layer</a>' in html


def test_a_campaign_without_layers_has_no_such_section(lively_page):
    assert "Layer by layer" not in lively_page
