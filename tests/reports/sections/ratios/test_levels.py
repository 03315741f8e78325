"""Levels on the page: what tuning brings, and where a tuned contestant is the slower one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from impls.frameworks import load_framework
from reports.pages import campaign as page
from reports.sections.ratios import levels
from reports.sections.section import CampaignView
from results.schema.record import Case, Contestant, Record, Status
from results.store.campaigns import StoredCampaign, read_campaign
from tests.support.made_up import HOSTILE, SYSTEM, launches, workload

DATA = Path(__file__).parents[4] / "results" / "data"
FAST, PLAIN, LACKS_ONE = Contestant("alpha", "fast"), Contestant("alpha", "plain"), Contestant("lacks", "alpha.fast-x")
FACTS = {
    FAST.id: {"level": "tuned"},
    PLAIN.id: {"level": "idiomatic", "tuned": FAST.id},
    LACKS_ONE.id: {"level": "", "tuned": FAST.id, "note": f"fast without: x {HOSTILE}"},
}
PHASES = ("infer", "train")
Write = Callable[..., StoredCampaign]


def written(
    write: Write, seconds: dict[Contestant, float], *, count: int = 4, lost: Contestant | None = None
) -> object:
    """Each contestant's time in two phases; `lost` is not measured in training. The section's content."""
    records: list[Record] = []
    for phase in PHASES:
        for one, base in seconds.items():
            case = Case(workload(phase=phase), one)
            is_lost = one == lost and phase == "train"
            records += [Record(case, 0, Status.CRASHED, f"signal {HOSTILE}")] if is_lost else []
            records += [] if is_lost else launches(case, base, count, 0.001, one.id)
    return write(records, system={**SYSTEM, "reference": FAST.id, "contestants": FACTS})


def content(campaign: object) -> levels.Levels:
    assert isinstance(campaign, StoredCampaign)
    found = levels.build(CampaignView(campaign, "c1"))
    assert found is not None
    return found


def section_of(html: str) -> str:
    found = re.search(r'<section id="c1-levels">(.*?)</section>', html, re.DOTALL)
    assert found
    return found[1]


def test_each_network_and_phase_has_its_ratio_by_kind(write_campaign: Write) -> None:
    campaign = written(write_campaign, {FAST: 0.01, PLAIN: 0.015, LACKS_ONE: 0.012})
    found = content(campaign)
    assert [(group.title, [(pair.contestant, pair.tuned) for pair in group.pairs]) for group in found.groups] == [
        ("Without any trick", [(PLAIN.id, FAST.id)]),
        ("Without one trick", [(LACKS_ONE.id, FAST.id)]),
    ]
    for group, expected in zip(found.groups, (1.5, 1.2), strict=True):
        (pair,) = group.pairs
        assert [line.phase for line in pair.lines] == list(PHASES)
        assert [line.ratio.value for line in pair.lines if line.ratio] == pytest.approx([expected] * 2, rel=0.01)
        assert [line.words for line in pair.lines] == ["alexnet 64 px, infer", "alexnet 64 px, train"]
        assert group.sentences[0].startswith("No tuned contestant is slower than it")
        assert len(group.sentences) == 1


def test_a_slower_tuned_contestant_is_named_with_its_lowest_ratio(write_campaign: Write) -> None:
    found = content(written(write_campaign, {FAST: 0.01, PLAIN: 0.009, LACKS_ONE: 0.02}))
    idiomatic, trick = (group.sentences for group in found.groups)
    assert re.fullmatch(
        r"Slower than its idiomatic counterpart by more than 3 %: alpha:fast against alpha:plain on 2 workloads, "
        r"lowest on alexnet 64 px, (infer|train) \(0\.(89|90)\d* \[.*\]\)\.",
        idiomatic[0],
    )
    assert trick == ["No tuned contestant is slower than itself without a trick by more than 3 %."]


def test_a_ratio_without_an_interval_excludes_nothing(write_campaign: Write) -> None:
    (group,) = content(written(write_campaign, {FAST: 0.01, PLAIN: 0.02}, count=1)).groups
    ratios = [line.ratio for line in group.pairs[0].lines]
    assert all(ratio and math.isnan(ratio.low) for ratio in ratios)
    shown, not_excluded = group.sentences
    assert shown == "No tuned contestant is shown to be slower than its idiomatic counterpart by more than 3 %."
    assert "unknown: alpha:fast against alpha:plain on 2 workloads" in not_excluded


def test_where_a_trick_changes_nothing_no_ratio_is_missing(write_campaign: Write) -> None:
    skipped = [Record(Case(workload(phase="infer"), one), 0, Status.SKIPPED, "why") for one in (LACKS_ONE, PLAIN)]
    records = [*skipped, *launches(Case(workload(phase="infer"), FAST), 0.01, 4, 0.001, FAST.id)]
    for one, base in ((FAST, 0.01), (LACKS_ONE, 0.012)):
        records += launches(Case(workload(phase="train"), one), base, 4, 0.001, one.id)
    campaign = write_campaign(records, system={**SYSTEM, "reference": FAST.id, "contestants": FACTS})
    idiomatic, trick = content(campaign).groups
    assert [line.missing for line in idiomatic.pairs[0].lines] == [
        f"{PLAIN.id}: skipped: why",
        f"{PLAIN.id}: no record",
    ]
    assert [line.phase for line in trick.pairs[0].lines] == ["train"]
    assert trick.sentences == ["No tuned contestant is slower than itself without a trick by more than 3 %."]


@pytest.mark.parametrize("lost", [PLAIN, FAST], ids=lambda one: one.id)
def test_a_missing_ratio_keeps_its_line_with_the_reason(write_campaign: Write, lost: Contestant) -> None:
    campaign = written(write_campaign, {FAST: 0.01, PLAIN: 0.015}, lost=lost)
    (group,) = content(campaign).groups
    there, absent = group.pairs[0].lines
    assert there.ratio
    assert not absent.ratio
    assert absent.missing == f"{lost.id}: crashed: signal {HOSTILE}"
    assert group.sentences == [
        "No tuned contestant is shown to be slower than its idiomatic counterpart by more than 3 %.",
        "1 of 2 ratios is missing; the table says why.",
    ]
    html = page.render([campaign])
    assert HOSTILE not in html
    assert "signal &lt;script&gt;" in html


@pytest.mark.parametrize("there", [(FAST,), (PLAIN,), (LACKS_ONE, PLAIN)], ids=["tuned", "idiomatic", "untuned"])
def test_without_a_contestant_and_its_tuned_one_there_is_no_section(write_campaign: Write, there: tuple) -> None:
    campaign = written(write_campaign, dict.fromkeys(there, 0.01))
    assert 'id="c1-levels"' not in page.render([campaign])


def test_the_page_of_a_committed_campaign_has_a_figure_for_each_contestant_without_tricks() -> None:
    section = section_of(page.render([read_campaign(DATA / "reference-levels-jax")]))
    lacking = [name for name in load_framework("without").executions if name.lacks_trick_of == "jax:jit"]
    assert len(re.findall("<svg", section)) == 1 + len(lacking)
    assert "<strong>jax:<wbr>idiomatic</strong> over jax:<wbr>jit" in section
    assert "No tuned contestant is shown to be slower than its idiomatic counterpart by more than 3 %." in section


@pytest.mark.parametrize("folder", sorted(DATA.glob("reference-levels-*")), ids=lambda folder: folder.name)
def test_no_tuned_contestant_is_slower_than_its_idiomatic_one_on_a_reference_machine(folder: Path) -> None:
    """One that is loses its tricks."""
    found = levels.build(CampaignView(read_campaign(folder), "c1"))
    assert found
    (sentence,) = (one.sentences[0] for one in found.groups if one.title == "Without any trick")
    assert sentence.startswith("No tuned contestant is")


def test_a_campaign_of_one_level_has_no_such_section() -> None:
    assert levels.build(CampaignView(read_campaign(DATA / "reference-quick"), "c1")) is None


def test_the_figure_has_every_workload_and_is_named_in_the_contents(write_campaign: Write) -> None:
    html = page.render([written(write_campaign, {FAST: 0.01, PLAIN: 0.015, LACKS_ONE: 0.012})])
    assert '<a href="#c1-levels">Levels</a>' in html
    drawn = re.findall(r"<svg.*?</svg>", section_of(html), re.DOTALL)
    assert len(drawn) == 2
    for figure in drawn:
        assert all(f"alexnet 64 px, {phase}" in figure for phase in PHASES)
        assert 'data-part="c1-n1"' in figure
        assert 'data-phase="train"' in figure
    assert HOSTILE not in html
