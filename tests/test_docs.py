"""The documents say what the code and the committed results say."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from bench.plan import cases
from bench.plan import suite as suites
from docs import frameworks, generate, reproduction, sample
from docs.generate import BLOCK, DOCUMENTS
from results.schema import renames
from tests.support.read_page import parse

ROOT = Path(__file__).parent.parent


def test_generated_blocks_are_up_to_date(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["docs.generate", "--check"])
    assert generate.main() == 0, capsys.readouterr().out


def test_pictures_of_claims_are_of_the_committed_reproductions():
    drawn = reproduction.pictures()
    assert sorted(drawn) == sorted(reproduction.PICTURES.iterdir()), "python -m docs.sample"
    for path, picture in drawn.items():
        assert texts(path.read_text()) == texts(picture), "python -m docs.sample"


def texts(picture: str) -> list[str]:
    """What is written in a picture: its numbers' last digits differ between processors."""
    return [element.text or "" for element in ElementTree.fromstring(picture).iter() if element.tag.endswith("text")]


def test_the_sample_report_is_of_the_committed_campaigns():
    assert parse(sample.SAMPLE.read_text()).text == parse(sample.render()).text, "python -m docs.sample"
    assert sample.SAMPLE.stat().st_size < 1_000_000


LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@pytest.mark.parametrize(
    "page", [*DOCUMENTS, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"], ids=lambda page: page.name
)
def test_links_lead_somewhere(page):
    for file, section in LINK.findall(page.read_text()):
        there = page.parent / file if file else page
        assert there.exists(), file
        headings = {re.sub(r"[^\w -]", "", one).strip().lower().replace(" ", "-") for one in headings_of(there)}
        assert not section or section in headings, f"{file}#{section}"


def headings_of(page: Path) -> list[str]:
    return HEADING.findall(page.read_text()) if page.suffix == ".md" else []


SPAN = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"(?:impls|results|bench|repro|reports|docs|tests)/(?!html\b)[\w./-]*")
PROSE = {page.name: BLOCK.sub("", page.read_text()) for page in [*DOCUMENTS, ROOT / "CONTRIBUTING.md"]}


@pytest.mark.parametrize("page", PROSE)
def test_files_and_folders_that_a_page_names_exist(page):
    named = {span for span in SPAN.findall(PROSE[page]) if FILE.fullmatch(span)}
    assert not {name for name in named if not (ROOT / name).exists()}


EARLIER = {
    *(name.rpartition(".")[2] for name in (*renames.ARCHITECTURES, *renames.FRAMEWORKS) if "." in name),
    *renames.COLUMNS,
    *renames.FLAGS,
    *renames.SUITE_KEYS,
    *renames.OPTIONS,
    *renames.SUITES,
} - {"jax", "keras", "pytorch", "tensorflow", "steady"}
"""Names before schema 6, without those that still name something else: frameworks, and the setting `steady`."""


@pytest.mark.parametrize("page", PROSE)
def test_no_page_uses_an_earlier_name(page):
    spans = [span for span in SPAN.findall(PROSE[page]) if not FILE.fullmatch(span)]
    used = {word for span in spans for word in re.findall(r"[\w-]+", span)}
    assert not used & EARLIER


@pytest.mark.parametrize("name", suites.suite_names())
def test_every_suite_in_the_folder_is_sound(name):
    suite = suites.load_suite(name)
    assert cases.cases(suite, "cpu")
    assert suite.reference


def test_the_default_suite_holds_what_it_promises():
    found = cases.cases(suites.load_suite("quick"), "cpu")
    workloads = {case.workload for case in found}
    assert {case.contestant.framework for case in found} == {"pytorch", "tensorflow", "jax", "keras"}
    assert {workload.phase for workload in workloads} == {"infer", "forward", "gradient", "train"}
    sizes = {(workload.architecture, workload.size) for workload in workloads}
    assert {("alexnet", "227"), ("vgg-a", "224"), ("zf5-spp", "180"), ("zf5-spp", "224")} <= sizes
    assert {"lenet5", "nin-cifar10"} <= {architecture for architecture, _ in sizes}
    assert len(found) == len(workloads) * 4
    assert suites.load_suite("quick").budget <= 10 * 60
    assert suites.load_suite("quick").memory <= 16 * 2**30


def test_what_a_trick_brings_is_of_the_networks_that_it_changes(monkeypatch):
    name = "without:jax.jit-groups"
    of = {"contestant": name, "ratio_low": math.nan, "ratio_high": math.nan, "status": "measured"}
    unchanged = {"ratio": math.nan, "status": "skipped", "architecture": "vgg-a", "phase": "infer"}
    rows = [
        {**of, **unchanged},
        {**of, "ratio": 1.5, "architecture": "alexnet", "phase": "infer"},
        {**of, "ratio": 3.0, "architecture": "alexnet", "phase": "train"},
        {**of, **unchanged, "contestant": "without:jax.jit-powers"},
    ]
    monkeypatch.setattr(frameworks, "_campaigns", lambda pattern: [pd.DataFrame(rows)])
    cells = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[3:5]]
        for line in frameworks.tricks().splitlines()
    }
    assert cells[f"`{name}`"] == ["3.00 (alexnet, train)", "1.50 (alexnet, infer)"]
    assert cells["`without:jax.jit-powers`"] == [frameworks.UNKNOWN] * 2
