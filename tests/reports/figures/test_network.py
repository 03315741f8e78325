"""Figures: text as text, nothing from outside, the same every time, and nothing missing drawn as a number."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.figures import network as figures
from reports.figures import stacks
from reports.figures.drawing import canvas
from reports.figures.trade_offs import is_on_frontier, trade_offs
from reports.format import networks
from reports.format.numbers import plain
from results.schema.record import Case, Contestant
from results.store.campaigns import StoredCampaign
from results.tables import cases as table
from results.tables.split import split as split_of
from tests.support.made_up import HOSTILE, measured, workload


def both(campaign: StoredCampaign, key: str = "k") -> list[str]:
    cases = table.cases([campaign])
    split, everyone = networks.rows(split_of([campaign])), networks.contestants(cases)
    drawn = []
    for number, network in enumerate(networks.networks(cases)):
        drawn.append(figures.times(network, everyone, f"{key}{number}-times"))
        drawn.append(stacks.parts(network, split, everyone, f"{key}{number}-parts"))
    return [one for one in drawn if one]


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("text")]


def test_names_are_text_beside_their_rows(lively: StoredCampaign) -> None:
    times, parts = both(lively)[:2]
    assert texts(times).count("alpha:eager") == 4
    assert texts(parts).count("alpha:eager") == 1
    assert {"infer", "forward", "gradient", "train", "ms per step (logarithmic; less is faster)"} <= set(texts(times))
    assert "ms: forward, backward, update (dark to light)" in texts(parts)


def test_values_stand_beside_the_marks(lively: StoredCampaign) -> None:
    cases = table.cases([lively])
    rows = cases[(cases.architecture == "alexnet") & (cases.status == "measured")]
    shown = texts(both(lively)[0])
    assert all(plain(1000 * seconds) in shown for seconds in rows.seconds)


def test_a_step_is_the_sum_of_its_parts(lively: StoredCampaign) -> None:
    split = split_of([lively])
    own = split[(split.contestant == "alpha:eager") & split.network.str.startswith("alexnet")]
    total = own[own.component.isin(stacks.STEP)].seconds.sum()
    assert plain(1000 * total) in texts(both(lively)[1])


def test_marks_have_their_values_as_tips_and_say_their_phase(lively: StoredCampaign) -> None:
    times, parts = both(lively)[:2]
    root = ElementTree.fromstring(times)
    tips = [element.get("data-tip") for element in root.iter() if element.get("data-tip")]
    frame = table.cases([lively])
    own = frame[(frame.architecture == "alexnet") & (frame.status == "measured")]
    assert len(tips) == len(own)
    assert any(
        re.fullmatch(r"train, beta:jit: [\d.]+ ms per step \[[\d.]+, [\d.]+\], 5 launches", tip or "") for tip in tips
    )
    assert {element.get("data-phase") for element in root.iter()} - {None} == {"infer", "forward", "gradient", "train"}
    assert re.search(r'data-tip="alpha:eager: forward [^"]* \+ backward [^"]* \+ update [^"]* = [\d.]+ ms"', parts)


def test_facts_are_text_and_few_groups(lively: StoredCampaign) -> None:
    for svg in both(lively):
        assert "facts:" not in svg
        assert svg.count("data-phase") <= 3 * 4


def test_what_is_missing_says_so(lively: StoredCampaign) -> None:
    times, parts = both(lively)[:2]
    assert texts(times).count("not measured: skipped") == 4
    assert texts(parts).count("not measured: skipped") == 1
    assert texts(times).count("not measured: timed out") == 4


def test_nothing_needs_a_style_or_leads_outside(lively: StoredCampaign) -> None:
    for svg in both(lively):
        assert not re.search(r"<style|\sstyle=", svg)
        assert "http" not in svg
        assert HOSTILE not in svg
        assert "<script" not in svg
        assert set(re.findall(r'href="(.)', svg)) <= {"#"}


def test_ids_are_used_and_never_meet(lively: StoredCampaign) -> None:
    drawn = both(lively)
    ids = [name for svg in drawn for name in re.findall(r' id="([^"]*)"', svg)]
    assert len(ids) == len(set(ids))
    for svg in drawn:
        used = set(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', svg))
        assert {a or b for a, b in used} == set(re.findall(r' id="([^"]*)"', svg))


def test_the_same_campaign_gives_the_same_drawing(lively: StoredCampaign) -> None:
    assert both(lively) == both(lively)


@pytest.mark.parametrize(
    "name", [r"$\frac{1$", "_hidden", "a\x00b\x0b", "漢字 🙂", 'style="x"', "url(#a)", "x" * 10_000, "\ud800"]
)
def test_any_name_can_be_drawn(name: str, write_campaign: Callable[..., StoredCampaign]) -> None:
    clean = name.encode("utf-8", "replace").decode()  # a record is UTF-8: it can't hold a lone surrogate
    records = [
        measured(Case(workload(architecture=clean), Contestant(clean, "e")), n, [0.01 + n / 1000]) for n in range(3)
    ]
    for svg in both(write_campaign(records)):
        assert any("…" in text or ":e" in text for text in texts(svg))


@pytest.mark.parametrize("seconds", [[1e-9], [1e4], [1e-7, 10.0], [0.01, 0.01, 0.01]])
def test_any_time_can_be_drawn(seconds: list[float], write_campaign: Callable[..., StoredCampaign]) -> None:
    case = Case(workload(), Contestant("alpha", "eager"))
    for svg in both(write_campaign([measured(case, n, [s]) for n, s in enumerate(seconds)])):
        numbers = [float(number) for number in re.findall(r' [xy]="(-?[\d.]+)"', svg)]
        assert all(-20 <= number <= 1000 for number in numbers)


@given(st.floats(1e-9, 1e9), st.floats(1.33, 1e6))
def test_ticks_are_few_and_within(low: float, factor: float) -> None:
    ticks = canvas.log_ticks(low, low * factor)
    assert 2 <= len(ticks) <= canvas.MOST_TICKS + 1
    assert all(low <= tick <= low * factor for tick in ticks)
    assert len(set(ticks)) == len(ticks)
    assert not any(math.isnan(tick) for tick in ticks)


@pytest.mark.parametrize(
    ("tick", "text"), [(0.05, "0.05"), (1500, "1,500"), (-20_000, "-20k"), (2.5e6, "2.5M"), (1e9, "1G")]
)
def test_tick_labels_are_short(tick: float, text: str) -> None:
    assert canvas.tick_label(tick) == text


@given(st.lists(st.tuples(st.floats(1e-6, 1e3), st.floats(1, 1e12)), min_size=1, max_size=8))
def test_the_frontier_has_what_no_other_beats_in_time_and_memory(points: list[tuple[float, float]]) -> None:
    rows = [{"seconds": seconds, "memory_bytes": memory} for seconds, memory in points]
    frontier = [row for row in rows if is_on_frontier(row, rows)]
    assert min(rows, key=lambda row: (row["seconds"], row["memory_bytes"])) in frontier
    for row in rows:
        beaten = any(
            one["seconds"] <= row["seconds"] and one["memory_bytes"] <= row["memory_bytes"] and one != row
            for one in frontier
        )
        assert beaten is not (row in frontier)


def test_time_against_memory_is_drawn_where_both_are_known(lively: StoredCampaign) -> None:
    cases = table.cases([lively])
    everyone = networks.contestants(cases)
    drawn = [trade_offs(one, "infer", everyone, f"t{n}") for n, one in enumerate(networks.networks(cases))]
    shown = texts(next(filter(None, drawn)))
    assert {"ms per step (logarithmic)", "MB of a step (logarithmic)", "alpha:eager"} <= set(shown)
    assert "gamma:graph" not in shown, "its memory is not known"


def test_memory_of_a_card_has_no_line_to_the_hosts_peak(lively: StoredCampaign) -> None:
    cases = table.cases([lively])
    (network, *_), everyone = networks.networks(cases), networks.contestants(cases)
    on_card = replace(network, rows={key: {**row, "device": "cuda"} for key, row in network.rows.items()})
    here, there = (figures.memory(one, everyone, "m") for one in (network, on_card))
    assert texts(here).count("alpha:eager") == texts(there).count("alpha:eager") == 4
    lines = [svg.count("<path") + svg.count("<line") for svg in (here, there)]
    assert lines[0] > lines[1], "without the lines"
