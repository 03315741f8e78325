"""Images of many sizes on the page: curves over size, streams, windows and the picture of bins."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from made_up import HOSTILE, SYSTEM, launches, workload

from reports import bins, page, system
from results.record import Case, Contestant, Record, Status
from results.store import CampaignWriter, read_campaign

EAGER, COMPILED, ODD = Contestant("alpha", "eager"), Contestant("alpha", "compile"), Contestant("odd", HOSTILE)
PARTS = ((64, 80, 1), (48, 64, 2))
WINDOWED = "bench.windows.TEN"
PYRAMID = {
    "side": 10,
    "levels": [6, 1],
    "rules": {
        "adaptive": {"6": [[0, 2], [1, 4], [3, 5], [5, 7], [6, 9], [8, 10]], "1": [[0, 10]]},
        "sliding": {"6": "the sliding rule gives 9 bins, not 6", "1": [[0, 10]]},
    },
}


def stream(name: str, parts=PARTS, batch: int = 3):
    return replace(workload("zf5-spp", height=64, batch=batch), width=80, stream=name, parts=parts)


@pytest.fixture(scope="module")
def sized(tmp_path_factory):
    """A network at three sizes, two streams in three contestants, and ten windows both ways."""
    records: list[Record] = []
    for side in (32, 48, 64):
        for who, speed in ((EAGER, 1.0), (COMPILED, 0.5)):
            seconds = 1e-6 * side * side * speed
            records += launches(Case(workload("zf5-spp", height=side), who), seconds, 3, 0.001, "sizes")
    for name in ("exact", "padded"):
        for who, seconds, count in ((EAGER, 0.03, 0), (COMPILED, 0.01, 4)):
            cold = 0.1 if who is EAGER else 5.0
            own = launches(Case(stream(name), who), seconds, 1, 0.001, "stream")
            records += [replace(record, first_call_seconds=cold, compilations=count) for record in own]
        records.append(Record(Case(stream(name), ODD), 0, Status.SKIPPED, f"one size {HOSTILE}"))
    records[-2] = replace(records[-2], fallback="eager from then on")
    tens = stream("tens-64", ((64, 64, 10),), batch=10)
    records += launches(Case(tens, EAGER), 4.0, 3, 0.001, "tens")
    windowed = Case(workload(WINDOWED, batch=1), EAGER)
    records += launches(windowed, 0.5, 3, 0.001, "windows")
    known = {**SYSTEM["workloads"], windowed.workload.id: {**_nothing(), "windows": 10}}
    for side in (32, 48, 64):
        known[workload("zf5-spp", height=side).id] = {**_nothing(), "parameters": 1000 + side, "windows": 0}
    told = {**SYSTEM, "campaign": "sized", "workloads": known, "pyramids": [PYRAMID]}
    writer = CampaignWriter.create(tmp_path_factory.mktemp("sized"), "sized", told)
    writer.append(records)
    writer.close()
    return read_campaign(writer.folder)


def _nothing():
    return {"macs": 10**6, "traffic_bytes": 10**6, "memory_bytes": 10**6, "ceiling": None}


@pytest.fixture(scope="module")
def html(sized):
    return page.render([sized])


def test_a_network_at_three_sizes_has_a_curve_and_a_table(html):
    assert "zf5-spp, infer, batch 8, float32 on cpu" in html
    assert "rebuilt for each size" in html, "its parameters differ from size to size"
    for count in ("1,032", "1,048", "1,064"):
        assert count in html


def test_streams_are_cold_and_warm_with_what_was_compiled(html):
    rows = re.findall(r'<tr><th scope="row">(exact|padded), infer</th>(.*?)</tr>', html, re.DOTALL)
    assert len(rows) == 6
    compiled = next(row for name, row in rows if name == "padded" and "alpha:compile" in row)
    assert "eager from then on" in compiled
    cells = re.findall(r'<td class="number">(.*?)</td>', compiled)
    assert cells[1] == "0.600", "three images in five seconds"
    assert cells[3] == "4"
    assert "compiles nothing" in next(row for _, row in rows if "alpha:eager" in row)


def test_when_it_pays_is_on_the_page(sized, html):
    import results

    table = results.load(sized.folder, rows="streams")
    table = table[(table.stream == "exact") & (table.contestant == "alpha:compile")]
    assert table.pays_after_images.iloc[0] == pytest.approx(3 * (1 + 4.9 / (0.3 * 0.02)), rel=0.05)
    assert f"{round(table.pays_after_images.iloc[0], -1):,.0f}"[:3] in html


def test_who_cannot_says_why_and_nothing_hostile_runs(html):
    assert "skipped: one size &lt;script&gt;" in html
    assert HOSTILE not in html


def test_windows_are_beside_a_pass_each_and_the_papers_figure(html):
    assert "102×" in html
    (row,) = re.findall(r'<tr><th scope="row">alpha:eager</th><td class="number">10</td>(.*?)</tr>', html, re.DOTALL)
    assert "8.0" in row, "4 s over 0.5 s"


def test_bins_are_drawn_and_refusals_said(html):
    drawn = str(bins.bins_figure([PYRAMID], "k"))
    assert "not these bins" in drawn
    assert 'aria-label="bins of each level on a side of 10 cells' in html


@pytest.mark.parametrize(
    "odd", ["x", [3], [{"side": 3}], [{**PYRAMID, "rules": {"adaptive": {"6": [3]}}}], [{**PYRAMID, "levels": []}]]
)
def test_pyramids_that_cannot_be_drawn_are_left_out(odd):
    assert system.pyramids({"pyramids": odd}) == []
    assert str(bins.bins_figure([], "k")) == ""


def test_a_campaign_of_one_size_has_no_such_section(lively):
    assert "Images of many sizes" not in page.render([lively])
