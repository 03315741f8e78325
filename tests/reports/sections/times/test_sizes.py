"""Variable input size on the page: curves over size, streams, windows and the picture of bins."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace
from xml.etree import ElementTree

import pandas as pd
import pytest

import results
import results.tables.streams
from reports.figures import bins, size_sweep
from reports.format import networks, numbers, system
from reports.pages import campaign as page
from reports.rows import sizes, streams
from results.compare.limits import limits_of
from results.schema.record import Case, Contestant, Record, Status, Usage
from results.schema.system import Pyramid, system_of
from results.store.campaigns import CampaignWriter, read_campaign
from results.tables import cases as table
from results.units import elapsed
from tests.support.made_up import HOSTILE, LONG, SYSTEM, launches, workload

EAGER, COMPILED, ODD = Contestant("alpha", "eager"), Contestant("alpha", "compile"), Contestant("odd", HOSTILE)
UNKNOWN = Contestant("gamma", "graph")
PARTS = ((64, 80, 1), (48, 64, 2))
WINDOWED = "zf5-windows-10"
PYRAMID = {
    "side": 10,
    "levels": [6, 1],
    "rules": {
        "adaptive": {"6": [[0, 2], [1, 4], [3, 5], [5, 7], [6, 9], [8, 10]], "1": [[0, 10]]},
        "sliding": {"6": f"the sliding rule gives 9 bins, not 6, on a side of 10 {HOSTILE}", "1": [[0, 10]]},
    },
}


def stream(name: str, parts=PARTS, batch: int = 3):
    return replace(workload("zf5-spp", height=64, batch=batch), width=80, stream=name, parts=parts)


@pytest.fixture(scope="module")
def sized(tmp_path_factory):
    """A network at three sizes, two streams in three contestants, and ten windows both ways."""
    records: list[Record] = []
    for side in (32, 48, 64):
        for contestant, speed in ((EAGER, 1.0), (COMPILED, 0.5)):
            seconds = 1e-6 * side * side * speed
            records += launches(Case(workload("zf5-spp", height=side), contestant), seconds, 3, 0.001, "sizes")
    records += launches(Case(workload("zf5-spp", height=64), UNKNOWN), 0.001, 1, 0.0, "unknown")
    records.append(Record(Case(workload("zf5-spp", height=48), ODD), 0, Status.SKIPPED, f"not at 48 {HOSTILE}"))
    for name in ("exact", "padded"):
        for contestant, seconds, count in ((EAGER, 0.03, 0), (COMPILED, 0.01, 4)):
            cold = 0.1 if contestant is EAGER else 5.0
            own = launches(Case(stream(name), contestant), seconds, 1, 0.001, "stream")
            records += [replace(record, first_call_seconds=cold, compilations=count) for record in own]
        records.append(Record(Case(stream(name), ODD), 0, Status.SKIPPED, f"one size {HOSTILE}"))
    records[-2] = replace(records[-2], fallback="eager from then on")
    for name, parts in (("always-64", (64, 64)), ("always-48", (48, 48)), ("alternate-64-48", (64, 48))):
        turns = Case(stream(name, tuple((side, side, 1) for side in parts), batch=2), EAGER)
        records += launches(turns, 0.02, 3, 0.0, "turns")
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
    assert "zf5-spp rebuilt for each size" in html, "its parameters differ from size to size"
    for count in ("1,032", "1,048", "1,064"):
        assert count in html
    assert '<td class="missing">not known: not counted</td>' in html
    assert '<td class="missing" colspan="4">skipped: not at 48 &lt;script&gt;' in html
    assert '<td class="missing" colspan="4">not measured: no record</td>' in html


@pytest.fixture
def grown(write_campaign):
    """A network with a pyramid and without at three sizes; one contestant does not know its memory, one cannot."""

    def grown(count: int = 3, noise: float = 0.001, device: str = "cpu", **other) -> sizes.Growth:
        records, known = [], {}
        for name, side in itertools.product(("zf5-spp", "zf5"), (32, 48, 64)):
            case = Case(replace(workload(name, height=side), device=device), EAGER)
            known[case.workload.id] = {**_nothing(), "parameters": 1000 + (0 if name == "zf5-spp" else side)}
            records += launches(case, 1e-6 * side * side, count, noise, "sizes")
            records += launches(replace(case, contestant=UNKNOWN), 2e-6 * side * side, count, noise, "sizes")
        measured = [replace(record, **other) for record in records]
        odd = replace(records[-1].case, contestant=ODD)
        lost = Record(odd, 0, Status.SKIPPED, f"no such size {HOSTILE}")
        few = launches(Case(workload("one-size"), EAGER), 1.0, 1, 0, "")
        campaign = write_campaign([*measured, lost, *few], "grown", {**SYSTEM, "workloads": known})
        cases = table.cases([campaign])
        (found,) = sizes.growth(cases, limits_of(campaign), networks.contestants(cases), "k")
        return found

    return grown


def test_a_network_with_a_pyramid_and_without_are_together(grown):
    found = grown()
    assert found.title == "zf5-spp and zf5, infer, batch 8, float32 on cpu"
    assert found.rebuilt == ["zf5"]
    assert [(one.size, one.network) for one in found.sizes] == [
        (size, network) for size in ("32", "48", "64") for network in ("zf5-spp", "zf5")
    ]
    written = {element.text for element in ElementTree.fromstring(found.figure).iter("text")}
    assert {*size_sweep.PANELS, "zf5-spp", "zf5", EAGER.id, "megapixels per image"} <= written


def test_a_size_has_speed_first_call_and_memory_or_why_not(grown):
    found = grown()
    size = found.sizes[-1]
    assert (size.size, size.network, size.parameters) == ("64", "zf5", "1,064")
    cells = dict(zip(found.contestants, size.cells))
    eager, unknown, odd = cells[EAGER.id], cells[UNKNOWN.id], cells[ODD.id]
    assert float(eager.images.replace(",", "")) == pytest.approx(8 / (0.3e-6 * 64 * 64), rel=0.01)
    assert float(eager.per_megapixel) == pytest.approx(37.5, rel=0.01), "1.2288 ms for 8 images of 4,096 pixels"
    assert (eager.first_call, eager.memory) == ("0.600", "451")
    assert (unknown.memory, unknown.memory_missing) == ("", "not known: not counted")
    assert odd == sizes.Cell(f"skipped: no such size {HOSTILE}")
    assert dict(zip(found.contestants, found.sizes[0].cells))[ODD.id] == sizes.Cell("not measured: no record")


def test_memory_is_missing_for_the_reason_that_launches_gave(grown):
    def reasons(**other) -> set[str]:
        return {cell.memory_missing for size in grown(1, **other).sizes for cell in size.cells if not cell.missing}

    told = Usage({}, {"peak_rss_step_bytes": "not asked", "gpu_watts": "no card", "allocator_bytes": "not counted"})
    assert reasons(usage=told) == {"not known: not asked"}
    assert reasons(usage=told, device="cuda") == {"not known: not counted"}
    assert reasons(usage=None) == {"not known: the campaign did not measure it"}


def test_intervals_are_drawn_where_there_are_any(grown):
    upright = r'<path d="M[\d.]+ [\d.]+V[\d.]+" clip-path="[^"]*" fill="none" stroke="#'
    assert re.search(upright, grown(3).figure)
    assert not re.search(upright, grown(1).figure)


def test_a_wide_interval_does_not_press_the_curves_flat(grown):
    """Two launches that differ by a factor give an interval over decades."""
    signs = ElementTree.fromstring(grown(2, noise=1.0).figure).iter("use")
    first = [y for y in (float(sign.get("y", "inf")) for sign in signs) if y < size_sweep.ABOVE + size_sweep.PANEL]
    assert max(first) - min(first) > size_sweep.PANEL / 2


def test_sizes_of_which_none_was_measured_have_no_section(write_campaign):
    """As of a campaign whose budget ended before its first launch of them."""
    case = Case(workload("zf5-spp"), EAGER)
    measured_elsewhere = launches(Case(workload("alexnet"), EAGER), 0.1, 3, 0.01, "a")
    lost = [
        Record(replace(case, workload=replace(case.workload, height=side, width=side)), 0, Status.SKIPPED, "no time")
        for side in (180, 224)
    ]
    html = page.render([write_campaign([*measured_elsewhere, *lost], "unmeasured-sizes")])
    assert "c1-sizes" not in html
    assert "c1-times" in html


def test_streams_are_cold_and_warm_with_what_was_compiled(html):
    rows = re.findall(r'<tr><th scope="row">zf5-spp on (exact|padded), infer</th>(.*?)</tr>', html, re.DOTALL)
    assert len(rows) == 6
    compiled = next(row for name, row in rows if name == "padded" and "alpha:compile" in row)
    assert "eager from then on" in compiled
    cells = re.findall(r'<td class="number">(.*?)</td>', compiled)
    assert cells[1] == "0.600", "three images in five seconds"
    assert cells[3] == "4"
    assert "does not compile" in next(row for _, row in rows if "alpha:eager" in row)
    assert "no execution without compilation was measured" in html


def test_when_it_pays_is_on_the_page(sized, html):
    found = results.load(sized.folder, rows="streams")
    found = found[(found.stream == "exact") & (found.contestant == "alpha:compile")]
    assert found.break_even_images.iloc[0] == pytest.approx(3 * (1 + 4.9 / (0.3 * 0.02)), rel=0.05)
    images = numbers.plain(found.break_even_images.iloc[0])
    assert f"{images} images, {elapsed(found.break_even_seconds.iloc[0])} of run time" in html


def test_a_rule_that_cannot_place_bins_says_why_and_hostile_text_does_not_run(html):
    assert "skipped: one size &lt;script&gt;" in html
    assert HOSTILE not in html


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0098, "unknown: no significant gain over alpha:eager"), (0.02, "never: not faster than alpha:eager when warm")],
)
def test_a_gain_that_is_not_shown_is_said_so_and_has_no_number(write_campaign, seconds, said):
    records = [
        replace(launches(Case(stream("exact"), contestant), time, 1, 0.0, "")[0], compilations=count)
        for contestant, time, count in ((EAGER, 0.01, 0), (COMPILED, seconds, 4))
    ]
    found = streams.stream_rows(results.tables.streams.streams([write_campaign(records, "alike")]))
    assert [row.pays_after for row in found] == ["does not compile", said]


def test_switches_have_a_ratio_with_its_interval_or_say_why():
    names = {"architecture": "zf5-spp", "stream": "alternate-9-7", "phase": "train", "images": 4, "contestant": "f:e"}
    known = {
        "seconds": 0.33,
        "staying_seconds": 0.3,
        "switching_ratio": 1.1,
        "switching_ratio_low": 1.05,
        "switching_ratio_high": 1.15,
    }
    measured = {**names, "status": "measured", "reason": "", **known, "passes": 3}
    lost = {**names, "status": "crashed", "reason": "always-180: boom", **dict.fromkeys(known, math.nan), "passes": 0}
    good, bad = streams.switch_rows(pd.DataFrame([measured, lost]))
    assert (good.stream, good.staying, good.turns) == ("zf5-spp alternate-9-7, train", "75.0", "82.5")
    assert (str(good.switch), good.passes, good.missing) == ("1.100 [1.050, 1.150]", "3", "")
    assert (bad.switch, bad.missing) == (None, "crashed: always-180: boom")


def test_two_sizes_by_turns_are_beside_staying_at_each(html):
    (row,) = re.findall(r'<th scope="row">zf5-spp alternate-64-48, infer</th>(.*?)</tr>', html, re.DOTALL)
    assert "alpha:eager" in row
    assert re.search(r"<data value=\"(1\.0|0\.99)", row), "it costs nothing"


def test_windows_are_beside_a_pass_each_and_below_them_the_papers_figures(html):
    (row,) = re.findall(r'<tr><th scope="row">alpha:eager</th><td class="number">10</td>(.*?)</tr>', html, re.DOTALL)
    assert "8.0" in row, "4 s over 0.5 s"
    assert "zf5-spp tens-64" in row
    (help_epilog,) = re.findall(r"<tfoot>(.*?)</tfoot>", html[html.index("Windows of an image") :], re.DOTALL)
    for said in ("He et al. 2015, table 9", "64×", "24×", "102×", "38×", "142", "9,030", "about 2,000", "with ZF-5"):
        assert said in help_epilog


def test_bins_are_drawn_and_refusals_are_in_words_in_their_place(html):
    drawn = ElementTree.fromstring(str(bins.bins_figure([Pyramid.model_validate(PYRAMID)], "k")))
    words = " ".join(element.text or "" for element in drawn.iter("text"))
    assert "the sliding rule gives 9 bins, not 6, on a side of 10" in words
    assert 'aria-label="bins of each level on a side of 10 cells' in html


def test_a_reason_that_is_long_stays_in_its_place():
    long = {**PYRAMID, "rules": {**PYRAMID["rules"], "sliding": {"6": "no bins " * 500, "1": LONG}}}
    drawn = ElementTree.fromstring(bins.bins_figure([Pyramid.model_validate(long)], "k"))
    written = [element.text or "" for element in drawn.iter("text")]
    assert all(len(line) <= bins.LETTERS for line in written)
    assert len(written) < 30


def test_any_campaign_with_a_pyramid_has_the_picture_of_its_bins(write_campaign):
    plain = write_campaign(launches(Case(workload("zf5-spp"), EAGER), 1.0, 1, 0.0, ""), "plain")
    assert "Pooling bins" not in page.render([plain])
    told = write_campaign(plain.records, "told", {**SYSTEM, "pyramids": [PYRAMID]})
    assert "Pooling bins" in page.render([told])


@pytest.mark.parametrize(
    "odd", ["x", [3], [{"side": 3}], [{**PYRAMID, "rules": {"adaptive": {"6": [3]}}}], [{**PYRAMID, "levels": []}]]
)
def test_pyramids_that_cannot_be_drawn_are_left_out(odd):
    assert system.pyramids(system_of({"pyramids": odd})) == []
    assert str(bins.bins_figure([], "k")) == ""


def test_a_campaign_of_one_size_has_no_such_section(lively):
    assert "Variable input size" not in page.render([lively])
