"""Marks of figures give their values, and are seen on the page's paper, light and dark."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files
from xml.etree import ElementTree

import numpy as np
import pytest

from reports.figures import bins, roofline, stacks, strips, timeline
from reports.figures.drawing import canvas, svg
from reports.figures.training import curves
from reports.format import networks
from reports.sections.section import CampaignView
from results.compare.history import histories
from results.compare.limits import limits_of
from results.schema.system import Pyramid
from results.store.campaigns import StoredCampaign
from results.store.reproductions import Reproduction
from results.tables import cases as table

PAPERS = re.findall(r"--paper: (#[0-9a-f]{6})", (files("reports") / "assets" / "page.css").read_text())
LEAST_CONTRAST = 3.0
"""Of graphical objects, WCAG 2.2, 1.4.11."""


def tips(drawn: str) -> list[str]:
    return [found for one in ElementTree.fromstring(drawn).iter() if (found := one.get("data-tip"))]


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("paper", sorted(set(PAPERS)))
@pytest.mark.parametrize("colour", canvas.COLOURS)
def test_every_colour_is_seen_on_every_paper(colour: str, paper: str) -> None:
    assert len(set(PAPERS)) == 2
    assert contrast(colour, paper) >= LEAST_CONTRAST


def test_a_pale_bar_has_an_outline_in_its_full_colour(lively: StoredCampaign) -> None:
    view = CampaignView(lively, "c1")
    drawn = stacks.parts(view.parts[0].network, networks.rows(view.split), view.contestants, "k")
    bars = [one for one in ElementTree.fromstring(drawn).iter("path") if one.get("fill-opacity")]
    assert len(bars) >= len(stacks.STEP)
    assert all(one.get("stroke") == one.get("fill") and not one.get("stroke-opacity") for one in bars)


def test_each_case_of_the_strips_says_its_launches(lively: StoredCampaign) -> None:
    view = CampaignView(lively, "c1")
    part = view.parts[0]
    found = tips(strips.strips(part.network, part.launches(*strips.NEEDED), view.contestants, "k"))
    assert re.fullmatch(r"infer, alpha:eager: 5 launches, [01]\.\d{3} to 1\.\d{3} of their mean", found[0])
    assert len(found) == len(set(found)) == 4 * len({tip.split(":")[0].split(", ")[1] for tip in found})


def test_each_dot_of_the_run_order_says_its_launches() -> None:
    over = np.column_stack((np.linspace(0.9, 1.1, 8), np.zeros(8)))
    assert tips(strips.run_order(over, "k"))[::7] == ["launch 1: 0.900", "launch 8: 1.100"]
    many = np.column_stack((np.ones(2 * strips.COLUMNS), np.zeros(2 * strips.COLUMNS)))
    found = tips(strips.run_order(many, "k"))
    assert len(found) == strips.COLUMNS
    assert found[-1] == f"launches {2 * strips.COLUMNS - 1} to {2 * strips.COLUMNS}: 1.000 [1.000, 1.000]"


def test_each_mark_of_a_learning_curve_says_its_error(planted: Reproduction) -> None:
    found = tips(curves.learning(planted.findings.claims[1], planted.trials, "k"))
    assert "plain (2 seeds), pass 5: 2.05 (2.00 to 2.10) %" in found
    (alone,) = {one for one in tips(curves.learning(planted.findings.claims[2], planted.trials, "k")) if "pass 5" in one
                and ": 2.00 %" in one}  # fmt: skip
    assert alone == "plain (1 seed, 1 failed), pass 5: 2.00 %"


def test_each_mark_of_a_history_says_campaign_and_time(months: list[StoredCampaign]) -> None:
    history = histories(months).histories[0]
    found = tips(timeline.timeline(history.campaigns, history.series[:1], "k"))
    assert len(found) == len(history.series[0].points)
    assert re.fullmatch(r"night-01: [\d.]+ \[[\d.]+, [\d.]+\] ms", found[0])


def test_each_bin_says_its_cells() -> None:
    pyramid = Pyramid.model_validate({"side": 10, "levels": [2], "rules": {"adaptive": {"2": [[0, 5], [5, 10]]}}})
    assert tips(bins.bins_figure([pyramid], "k")) == ["bin 1 of 2: cells 0 to 5", "bin 2 of 2: cells 5 to 10"]


def test_each_mark_of_the_roofline_names_its_contestant(lively: StoredCampaign) -> None:
    rows = [row for row in networks.rows(table.cases([lively])) if row["status"] == "measured"]
    everyone = networks.contestants(table.cases([lively]))
    found = tips(roofline.roofline(rows, limits_of(lively), ("float32", "cpu"), everyone, "k"))
    measured = [row for row in rows if not row["peak_probe"]]
    assert len(found) == len(measured)
    assert sum("alpha:eager: " in tip for tip in found) == sum(row["contestant"] == "alpha:eager" for row in measured)


def test_a_tip_stands_once_in_a_figure(write_campaign: Callable[..., StoredCampaign]) -> None:
    def paint() -> canvas.Figure:
        figure = canvas.new_figure(100)
        axes = figure.add_subplot()
        for place in range(2):
            (bar,) = axes.barh([place], [1.0])
            svg.describe(bar, tip=f"bar {place}")
        return figure

    assert tips(svg.draw(paint, "k", "bars")) == ["bar 0", "bar 1"]
