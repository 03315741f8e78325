"""The reproduction's page: whole, escaped, self-contained, the same for the same input; nothing missing is a number."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reports.pages import reproduction
from reports.rows import claims
from results import words
from results.schema.findings import Findings, Verdict
from results.schema.system import System
from results.store.reproductions import Reproduction, read
from tests.support.made_up import HOSTILE
from tests.support.read_page import parse


def test_it_is_well_formed_and_loads_nothing(planted_page: str) -> None:
    found = parse(planted_page)
    assert all(link.startswith("#") and link[1:] in found.ids for link in found.links)
    assert found.loads
    assert all(load.startswith("data:image/png;base64,") for load in found.loads)
    assert not re.search(r"https?:|//cdn|<script .*src|<link|@import|<iframe", planted_page)


def test_hostile_names_are_text(planted_page: str) -> None:
    text = "".join(parse(planted_page).text.values())
    assert planted_page.count("<script") == 1  # our own
    assert text.count(HOSTILE) > 10


def test_the_policy_allows_its_own_style_sheet_and_pictures(planted_page: str) -> None:
    style = re.search(r"<style>(.*?)</style>", planted_page, re.DOTALL)
    script = re.search(r"<script>(.*?)</script>", planted_page, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', planted_page)
    assert style
    assert script
    assert policy
    own, ours = (base64.b64encode(hashlib.sha256(one[1].encode()).digest()).decode() for one in (style, script))
    allowed = policy[1].replace("&#39;", "'").replace("&#43;", "+")
    assert allowed.startswith(
        f"default-src 'none'; style-src 'sha256-{own}'; script-src 'sha256-{ours}'; img-src data:; "
    )


def test_every_claim_has_its_verdict_in_words_and_its_anchor(planted: Reproduction, planted_page: str) -> None:
    found = parse(planted_page)
    for claim, anchor in zip(planted.findings.claims, claims.anchors_of(planted.findings.claims), strict=True):
        text = found.text[anchor]
        shown = (claim.id, words.claim_verdict(claim.verdict), claim.statement, claim.place, claim.number, *claim.needs)
        assert all(part in text for part in shown)
        assert f"#{anchor}" in found.links
    assert "erratum" in found.text["LN-E1"]
    assert "erratum" not in found.text["LN-1"]
    assert "deadheat-reproduce LN-4 --seeds 2" in found.text["LN-4"]
    assert "1,000 of 60,000 images" in found.text["LN-4"]
    counts = re.findall(r"<strong>(\d+)</strong> <span class=\"word\">(. [a-z ]+)<", planted_page)
    assert counts == [
        ("2", "✓ supported"),
        ("1", "✗ contradicted"),
        ("1", "≈ not at this scale"),
        ("2", "? inconclusive"),
        ("1", "○ not testable here"),
    ]


def test_a_comparison_is_shown_with_its_interval_or_without_a_number(planted_page: str) -> None:
    found = parse(planted_page)
    assert "-0.150 [-0.210, -0.090] points" in " ".join(found.text["LN-4"].split())
    assert "95 % interval over 3 seeds · claimed: below 0 · paper: -0.14 points" in found.text["LN-4"]
    assert "less than half of the paper's effect: at most 0.05 points" in found.text["LN-6"]
    assert "paper's effect" not in found.text["LN-4"], "a paper that gives no figure of an effect"
    assert -0.15 in found.numbers
    assert "– no value" in found.text["LN-5"]
    assert "more seeds" in found.text["LN-5"]
    assert 0.0 not in found.numbers


def test_what_broke_off_or_is_gone_is_said(planted_page: str) -> None:
    text = "".join(parse(planted_page).text.values())
    assert "diverged: the mean loss came to inf" in text
    assert "1 of its trials is not in this reproduction" in text
    assert "a dotted line that ends in × is a trial that failed" in text


def test_agreement_and_trained(planted_page: str) -> None:
    found = parse(planted_page)
    text = " ".join("".join(found.text.values()).split())
    assert "within 0.1 % of each other for the first 16 of 40 steps" in text
    assert "98.00 % 97 % ✓ reached" in text.replace("%97", "% 97").replace("%✓", "% ✓")
    assert "80.00 % 97 % ✗ not reached" in text.replace("%97", "% 97").replace("%✗", "% ✗")
    assert "no trial recorded" in text
    assert 0.98 in found.numbers


def test_problems_and_damaged_pictures_are_named(planted: Reproduction, planted_page: str) -> None:
    text = "".join(parse(planted_page).text.values())
    (problem,) = planted.problems
    assert problem in text
    assert "pictures/b0.npz: can't be read, left out" in text
    assert "12 of the 40 misclassified test images" in text


def test_every_trial_is_listed_with_its_outcome(planted: Reproduction, planted_page: str) -> None:
    text = parse(planted_page).text["trials"]
    assert f"All {len(planted.trials)} trials" in text
    for trial in planted.trials.values():
        assert trial.id in text
        assert trial.outcome.replace("_", " ") in text
    assert "LN-4: plain" in text
    assert "1 min 15 s" in text
    assert "0 s" not in text.replace("75.0 s", "")


def test_the_same_input_gives_the_same_bytes(planted: Reproduction, planted_page: str) -> None:
    assert reproduction.render(read(planted.folder)) == planted_page


def test_without_findings_or_anything(write_reproduction: Callable[..., Reproduction], planted: Reproduction) -> None:
    for trials in ((), planted.trials.values()):
        found = write_reproduction(trials)
        bare = replace(found, system=System())
        for html in (reproduction.render(found), reproduction.render(bare)):
            text = "".join(parse(html).text.values())
            assert "No claim has been judged yet" in text
            assert "index.html" not in html
    assert "has no record of its system" in text


def test_a_claim_that_knows_nothing(write_reproduction: Callable[..., Reproduction], planted: Reproduction) -> None:
    one = planted.findings.claims[0]
    bare = replace(one, paper="", number="", method="", evidence="", statement="", kind="training")
    found = write_reproduction((), Findings((bare, replace(bare, verdict=Verdict.NOT_TESTABLE))))
    text = parse(reproduction.render(found)).text
    assert "– no comparison recorded" in text["LN-1"]
    assert "– not tested" in text["claim-2"], "an id that is taken"


@pytest.mark.parametrize("name", ["\x00", "../a0", "a" * 300, "漢字", "\u2028"])
def test_any_trial_id(name: str, write_reproduction: Callable[..., Reproduction], planted: Reproduction) -> None:
    found = write_reproduction([replace(planted.trials["a0"], id=name)])
    assert "All 1 trial<" in reproduction.render(found)


def test_it_is_written_whole(tmp_path: Path, planted_page: str) -> None:
    from reports.pages import document

    path = document.write(planted_page, tmp_path / "a" / reproduction.PAGE)
    assert [file.name for file in path.parent.iterdir()] == ["reproduction.html"]
