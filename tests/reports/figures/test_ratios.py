"""The forest plot of ratios: every contestant but the reference, values as text, nothing missing drawn as a number."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from reports.figures.ratios import ratios
from reports.format import networks
from results.schema.record import Case, Contestant
from results.tables import cases as table
from tests.support.made_up import launches, measured, workload

ALPHA, BETA = Contestant("alpha", "eager"), Contestant("beta", "jit")


def drawn(campaign, phase: str = "infer", control: float = math.nan) -> str:
    cases = table.cases([campaign])
    found = [("c1-n1", network.architecture, network) for network in networks.networks(cases)]
    return ratios(found, phase, networks.contestants(cases), control, "k")


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("text")]


def test_values_and_names_are_text_and_the_reference_is_left_out(write_campaign):
    records = [
        *launches(Case(workload(), ALPHA), 0.02, 4, 0.0001, "a"),
        *launches(Case(workload(), BETA), 0.01, 4, 0.0001, "b"),
    ]
    found = texts(drawn(write_campaign(records)))
    assert {"alexnet", "beta:jit", "0.50"} <= set(found)
    assert "alpha:eager" not in found


def test_a_mark_has_its_ratio_interval_and_verdict_as_a_tip_and_its_network_as_a_fact(write_campaign):
    records = [
        *launches(Case(workload(), ALPHA), 0.02, 4, 0.0001, "a"),
        *launches(Case(workload(), BETA), 0.01, 4, 0.0001, "b"),
    ]
    root = ElementTree.fromstring(drawn(write_campaign(records)))
    (tip,) = [element.get("data-tip") for element in root.iter() if element.get("data-tip")]
    assert re.fullmatch(r"alexnet, beta:jit: 0\.\d+ \[0\.\d+, 0\.\d+\], faster", tip)
    assert {element.get("data-part") for element in root.iter()} == {None, "c1-n1"}


def test_what_has_no_ratio_says_so(lively):
    found = texts(drawn(lively))
    assert found.count("no ratio") >= 2
    assert "nan" not in " ".join(found).lower()


def test_without_a_ratio_there_is_no_figure(write_campaign):
    alone = write_campaign(launches(Case(workload(), ALPHA), 0.02, 4, 0.001, "a"))
    assert drawn(alone) == ""
    assert drawn(alone, "train") == ""


@pytest.mark.parametrize("control", [math.nan, 0.01, 3.0])
def test_the_controls_band_never_leaves_the_axis(write_campaign, control):
    records = [measured(Case(workload(), one), 0, [seconds]) for one, seconds in ((ALPHA, 2.0), (BETA, 1.0))]
    assert drawn(write_campaign(records), control=control).startswith("<svg")
