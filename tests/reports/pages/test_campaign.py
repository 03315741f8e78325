"""The page: whole, escaped, self-contained, the same for the same input, and its numbers are the tables' numbers."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from markupsafe import escape

from impls.registry import instances_in, modules_in
from reports.format import numbers
from reports.pages import campaign as page
from reports.sections.quality import lost
from reports.sections.ratios import verdicts
from reports.sections.section import Section
from results.schema.record import Case, Contestant, Status, Usage
from results.store.campaigns import StoredCampaign, read_campaign
from results.tables import cases
from results.tables.launches import launches as launches_of
from results.tables.split import split
from results.words import TERMS
from tests.support.made_up import HOSTILE, LONG, launches, measured, workload
from tests.support.read_page import Reader, read

PHASES = ["infer", "forward", "gradient", "train"]


class Checker(Reader):
    """Text and <data> values, by the section that they are in."""

    def __init__(self) -> None:
        super().__init__()
        self.data: dict[str, list[tuple[float, str]]] = {}
        self.section = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        if tag == "section":
            self.section = dict(attrs)["id"] or ""
        if tag == "data":
            self.data.setdefault(self.section, []).append((self.numbers[-1], ""))

    def handle_data(self, data: str) -> None:
        self.text[self.section] = self.text.get(self.section, "") + data
        if self.open and self.open[-1] == "data":
            self.data[self.section][-1] = self.data[self.section][-1][0], data


def check(html: str) -> Checker:
    return read(Checker(), html)


def test_it_is_well_formed_and_its_links_lead_somewhere(lively_page: str) -> None:
    checker = check(lively_page)
    assert checker.loads == []
    assert all(link.startswith("#") and link[1:] in checker.ids for link in checker.links)


def test_hostile_text_appears_only_escaped(lively_page: str) -> None:
    html = lively_page
    assert html.count("<script") == 1  # our own
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 10
    assert "http:" not in html
    assert "https:" not in html


def test_the_policy_allows_its_own_style_sheet_and_nothing_else(lively_page: str) -> None:
    html = lively_page
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL)
    assert style
    assert script
    assert policy
    own, ours = (base64.b64encode(hashlib.sha256(one[1].encode()).digest()).decode() for one in (style, script))
    allowed = policy[1].replace("&#39;", "'").replace("&#43;", "+")
    inside = f"style-src 'sha256-{own}'; script-src 'sha256-{ours}'; img-src data:"
    assert allowed == f"default-src 'none'; {inside}; base-uri 'none'; form-action 'none'"
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_every_number_of_the_cases_is_on_the_page(lively: StoredCampaign, lively_page: str) -> None:
    frame = cases.cases([lively]).query("peak_probe == ''")
    networks = list(dict.fromkeys(frame["architecture"]))
    order = sorted(
        frame[frame["status"] == Status.MEASURED].to_dict("records"),
        key=lambda row: (networks.index(row["architecture"]), PHASES.index(row["phase"])),
    )
    expected = []
    for row in order:
        time = row["seconds"], shown(row, "seconds", 1000)[1]
        expected += [shown(row, "images_per_second"), time]
        expected += [shown(row, "ratio")] if row["contestant"] != "alpha:eager" else []
    assert check(lively_page).data["c1-times"] == expected


def shown(row: dict[str, float], name: str, scale: float = 1) -> tuple[float, str]:
    number = numbers.estimate(row[name], row[f"{name}_low"], row[f"{name}_high"], scale)
    assert number is not None
    return float(f"{row[name]:.7g}"), number.text


def test_every_part_is_on_the_page(lively: StoredCampaign, lively_page: str) -> None:
    infer = cases.cases([lively]).query("phase == 'infer' and status == 'measured' and peak_probe == ''")
    rows = [*split([lively]).to_dict("records"), *infer.to_dict("records")]
    assert sorted(check(lively_page).data["c1-parts"]) == sorted(shown(row, "seconds", 1000) for row in rows)


def test_every_status_reason_and_unreadable_line_is_on_the_page(lively: StoredCampaign, lively_page: str) -> None:
    checker = check(lively_page)
    lost = checker.text["c1-lost"]
    for words in ("mismatch", "scores differ", "skipped", "pip install absent", "failed", "timed out", "the very end"):
        assert words in lost
    for words in ("crashed", "signal 11 in launch 3", "out of memory", "needs 31 GiB", HOSTILE, "line one\u2028"):
        assert words in lost
    for case in launches_of([lively]).query("status != 'measured'")["case"]:
        assert case in lost
    before = checker.text[""]
    assert len(lively.problems) == 2
    for problem in lively.problems:
        assert problem in before
    assert "the clock is not steady" in before
    assert "set the governor to performance" in before
    assert "verdicts decided: 32 of 48 (67 %)" in before
    assert "verdicts unclear: 16 of 48 (33 %)" in before
    assert "cases measured: 58 of 94 (62 %)" in before


def test_the_command_of_a_case_can_be_put_together_without_the_script(lively: StoredCampaign, lively_page: str) -> None:
    text = check(lively_page).text["c1-times"]
    shown = cases.cases([lively]).query("peak_probe == ''")
    assert f'python -m bench run "bench/test_cases.py::test_case[{shown["case"].iloc[0]}]"' in text
    for case, phase, contestant in shown[["case", "phase", "contestant"]].itertuples(index=False):
        assert case.removesuffix(f"-{phase}-{contestant}") in text


def test_a_section_is_listed_by_what_it_has(write_campaign: Callable[..., StoredCampaign]) -> None:
    record = measured(Case(workload(), Contestant("alpha", "eager")), 0, [0.01])
    assert record.usage
    values = {name: value for name, value in record.usage.values.items() if "joules" not in name}
    with_memory = replace(record, usage=Usage(values, {"package_joules_per_image": "no counter"}))
    for number, (one, title) in enumerate(((record, "Memory, energy"), (with_memory, "Memory"))):
        html = page.render([write_campaign([one], str(number))])
        assert f'<a href="#c1-use">{title}</a>' in html
        assert f"<h3>{title}</h3>" in html


def test_the_words_of_the_page_are_explained_on_it(lively_page: str) -> None:
    assert {"launch", "block", "reference", "first call"} <= TERMS.keys()
    assert all(f"<dt>{term}</dt><dd>{escape(meaning)}</dd>" in lively_page for term, meaning in TERMS.items())
    assert lively_page.count('id="terms"') == 1


def test_the_same_input_gives_the_same_page(lively: StoredCampaign, lively_page: str) -> None:
    assert lively_page == page.render([read_campaign(lively.folder)])


@pytest.mark.slow
def test_campaigns_get_a_part_each(
    lively: StoredCampaign, lively_page: str, write_campaign: Callable[..., StoredCampaign]
) -> None:
    case = Case(workload("nin"), Contestant("other", "eager"))
    second = write_campaign(launches(case, 0.01, 3, 0.01, "s"), "2026-11-23-other", {})
    both, alone = check(page.render([lively, second])), check(page.render([second]))
    assert both.data["c2-times"] == alone.data["c1-times"]
    assert both.data["c1-times"] == check(lively_page).data["c1-times"]
    assert "#c2" in both.links


@pytest.mark.parametrize(
    "system", [{}, {"machine": [], "suite": 3, "contestants": "x", "warnings": {}, "reference": 1}]
)
def test_a_campaign_that_knows_nothing_of_itself(
    system: dict[str, object], write_campaign: Callable[..., StoredCampaign]
) -> None:
    campaign = write_campaign([measured(Case(workload(), Contestant("alpha", "eager")), 0, [0.01])], system=system)
    text = check(page.render([campaign])).text
    assert "reference" in text["c1-verdicts"]
    assert "does not name its suite" in text["c1-system"]


def test_a_campaign_without_records(write_campaign: Callable[..., StoredCampaign]) -> None:
    text = check(page.render([write_campaign([], name=LONG[:100], system={})])).text
    assert "No case has been recorded" in text["c1-verdicts"]


def test_a_system_file_that_is_no_object_is_named(write_campaign: Callable[..., StoredCampaign]) -> None:
    folder = write_campaign([]).folder
    (folder / "system.json").write_text("[1]")
    text = check(page.render([read_campaign(folder)])).text
    assert "system.json: not a JSON object" in text[""]


def test_it_is_written_whole_even_with_lone_surrogates(
    tmp_path: Path, write_campaign: Callable[..., StoredCampaign]
) -> None:
    campaign = write_campaign([], system={"command": "\ud800"})
    path = page.write(page.render([campaign]), tmp_path / "a" / "b")
    assert path == tmp_path / "a" / "b" / "index.html"
    assert b"\\ud800" in path.read_bytes()
    assert [file.name for file in path.parent.iterdir()] == ["index.html"]


def test_every_section_of_the_folder_is_on_the_page_in_one_order() -> None:
    folders = [one.__name__ for one in modules_in("reports.sections") if hasattr(one, "__path__")]
    modules = [module for folder in folders for module in modules_in(folder)]
    there = [one for module in modules for one in instances_in(module, Section)]
    assert sorted(there, key=str) == sorted(page.SECTIONS, key=str)
    assert len({one.anchor for one in there}) == len(there)


def test_links_and_sections_are_those_of_the_list(lively: StoredCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
    cited = replace(lost.SECTION, anchor="cited", title="Cited")
    left_out = replace(lost.SECTION, anchor="absent", title="Absent", build=lambda view: None)
    monkeypatch.setattr(page, "SECTIONS", (cited, left_out, verdicts.SECTION))
    html = page.render([lively])
    nav = html[html.index('<nav class="sections" aria-label="Sections of') :].partition("</nav>")[0]
    assert re.findall(r'href="#(.*?)">(.*?)<', nav) == [
        ("c1-cited", "Cited"),
        ("c1-verdicts", "Verdicts"),
        ("terms", "Words"),
    ]
    assert re.findall(r"<section id=\"(.*?)\"", html) == ["c1-cited", "c1-verdicts"]
