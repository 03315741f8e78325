"""The pages across campaigns: whole, escaped, self-contained, and what results.compare.pairwise and
results.compare.history say."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.terminal import comparison as printed_comparison
from bench.terminal import history as printed_history
from reports import across
from reports.pages import comparison, history
from results.compare.history import histories
from results.compare.pairwise import compare
from results.schema.record import Case, Contestant, Record, Status
from results.schema.system import System, system_of
from results.stats.verdicts import TimingVerdict
from results.store.campaigns import StoredCampaign
from results.store.journal import ResultsError
from tests.reports.conftest import DAYS
from tests.support.made_up import HOSTILE, SYSTEM, measured, workload
from tests.support.read_page import Reader, parse


def written(value: float) -> float:
    """With the digits that a page has."""
    return float(f"{value:.7g}")


@pytest.fixture(params=["comparison_page", "history_page"])
def page(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue(request.param)


def said(found: Reader) -> str:
    return " ".join("".join(found.text.values()).split())


def test_pages_are_well_formed_and_load_nothing(page: str) -> None:
    found = parse(page)
    assert found.loads == []
    assert all(link.startswith("#") and link[1:] in found.ids for link in found.links)
    assert not re.search(r"https?:|//cdn|<script .*src|<link|@import|<iframe|<img", page)


def test_hostile_names_are_text(page: str) -> None:
    assert page.count("<script") == 1  # our own
    assert HOSTILE in said(parse(page))


def test_the_same_input_gives_the_same_bytes(
    pair: tuple[StoredCampaign, StoredCampaign], comparison_page: str, months: list[StoredCampaign], history_page: str
) -> None:
    assert comparison.render(*pair) == comparison_page
    assert history.render(months[::-1]) == history_page


def test_every_verdict_is_that_of_the_comparison(
    pair: tuple[StoredCampaign, StoredCampaign], comparison_page: str
) -> None:
    report = compare(*pair)
    found = parse(comparison_page)
    assert len(report.slower) > 5
    unclear = sum(change.verdict == "unclear" for change in report.changes)
    headline = f"{len(report.slower)} of {len(report.changes)} cases are slower; {unclear} are unclear"
    assert f"{headline}; {len(report.missing)} could not be compared" in said(found)
    counts = dict(re.findall(r'<li class="([\w-]+)"><strong>(\d+)</strong>', comparison_page))
    for verdict in TimingVerdict:
        known = sum(change.verdict == verdict for change in report.changes)
        assert counts[verdict.replace(" ", "-")] == str(known)
        assert len(re.findall(rf'<td class="{verdict.replace(" ", "-")}"', comparison_page)) == known
    assert counts["status"] == str(len(report.missing))
    assert {written(change.ratio.value) for change in report.changes} <= set(found.numbers)
    assert {written(estimate.value) for estimate in report.overall.values()} <= set(found.numbers)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("launches", [1, 8])
@pytest.mark.parametrize("lost", [False, True])
def test_a_comparison_has_one_headline_on_terminal_page_and_in_markdown(
    write_campaign: Callable[..., StoredCampaign],
    capsys: pytest.CaptureFixture[str],
    factor: float,
    launches: int,
    lost: bool,
) -> None:
    case, other = (Case(workload(phase=phase), Contestant("alpha", "eager")) for phase in ("infer", "train"))
    times = [0.01 + 1e-6 * number for number in range(launches)]
    before = [measured(case, number, [seconds]) for number, seconds in enumerate(times)]
    after = [measured(case, number, [factor * seconds]) for number, seconds in enumerate(times)]
    pair = (
        write_campaign([*before, *([measured(other, 0, [0.01])] if lost else [])], "before"),
        write_campaign(after, "after"),
    )
    report = compare(*pair)
    printed_comparison.print_report(report)
    headline = capsys.readouterr().out.splitlines()[0]
    assert f"<h1>{headline}</h1>" in comparison.render(*pair)
    assert printed_comparison.as_markdown(report).startswith(f"**{headline}** ")
    slower = "1 of 1" if factor > 1 and launches > 1 else "None of 1"
    unclear = "; 1 is unclear" if launches == 1 else ""
    assert headline == f"{slower} cases is slower{unclear}{'; 1 could not be compared' if lost else ''}"


@pytest.mark.parametrize("count", [3, DAYS])
def test_a_history_has_the_same_headlines_on_terminal_and_page(
    months: list[StoredCampaign], capsys: pytest.CaptureFixture[str], count: int
) -> None:
    campaigns = sorted(months, key=lambda campaign: str(campaign.system.started))[:count]
    found = histories(campaigns)
    printed_history.print_history(found)
    printed, page = capsys.readouterr().out.splitlines(), history.render(campaigns)
    assert f"<h1>{printed[0]}</h1>" in page
    assert printed[0].endswith("slower than before")
    for machine in found.histories:
        assert any(line.endswith(machine.headline()) for line in printed)
        assert f"<p>{machine.headline()}</p>" in page


def test_what_is_lost_new_or_failed_stands_there_with_its_reason(
    pair: tuple[StoredCampaign, StoredCampaign], comparison_page: str
) -> None:
    text = parse(comparison_page).text["missing"]
    assert "not measured in later" in text
    assert "not measured in 2026-11-22-lively" in text
    assert "skipped in 2026-11-22-lively: absent isn't installed; pip install absent" in text
    assert all(case in comparison_page for case in compare(*pair).missing if HOSTILE not in case and len(case) < 120)


def test_what_differs_and_what_to_type_is_said(comparison_page: str) -> None:
    found = parse(comparison_page)
    assert f"kernel 6.12 and 6.13 {HOSTILE}" in found.text["systems"]
    assert "python -m bench compare 2026-11-22-lively later" in found.text["cases"]
    assert "python -m bench run" in found.text["cases"]
    assert "different machines" not in said(found)
    assert "Unreadable, left out: 2026-11-22-lively/records.jsonl line" in said(found)


def test_another_machine_is_warned_of_and_asked_for(pair: tuple[StoredCampaign, StoredCampaign]) -> None:
    before, after = pair
    moved = replace(
        after, system=system_of({**after.system.content(), "machine": {**SYSTEM["machine"], "cpu": "Another CPU"}})
    )
    with pytest.raises(ResultsError, match="different systems"):
        comparison.render(before, moved)
    text = said(parse(comparison.render(before, moved, across_systems=True)))
    assert "Warning: these are different machines." in text
    assert "cpu Some CPU @ 2.4 GHz and Another CPU." in text
    assert "python -m bench compare 2026-11-22-lively later --across-systems" in text


def test_a_single_launch_has_no_interval_and_a_remedy(write_campaign: Callable[..., StoredCampaign]) -> None:
    case = Case(workload(), Contestant("alpha", "eager"))
    one, other = (write_campaign([measured(case, 0, [0.01])], name) for name in ("one", "other"))
    text = said(parse(comparison.render(one, other)))
    assert "interval unknown" in text
    assert "one launch has no interval: measure more launches" in text
    assert "None of 1 cases is slower; 1 is unclear" in text


def test_every_step_is_that_of_the_history(months: list[StoredCampaign], history_page: str) -> None:
    own, other = histories(months).histories
    steps = [(series, step) for series in own.series for step in series.steps]
    assert {series.case.contestant.id for series, _ in steps} == {"pytorch:eager"}
    assert {series.case.workload.phase for series, _ in steps} == {"train"}
    assert len(steps) == 2
    found = parse(history_page)
    assert {written(step.ratio.value) for _, step in steps} <= set(found.numbers)
    text = found.text["m1-steps"]
    assert text.count("torch 2.12.0 → 2.13.0") == len(steps)
    assert text.count("python -m bench compare night-06 night-07") == len(steps)
    assert f"2 of {len(own.series) + len(other.series)} cases are slower than before" in said(found)
    assert not any(series.steps for series in other.series)


def test_machines_are_parts_of_their_own_and_each_campaign_is_listed(
    months: list[StoredCampaign], history_page: str
) -> None:
    found = parse(history_page)
    assert "2 machines, one section each: results are neither averaged nor compared" in said(found)
    assert all(f"night-{day:02d}" in found.text["m1-campaigns"] for day in range(1, len(months)))
    assert "pytorch:eager: torch 2.12.0 → 2.13.0" in found.text["m1-campaigns"]
    assert "night" not in found.text["m2-campaigns"]
    assert "No step was detected." in found.text["m2-steps"]
    assert "No case was measured in more than one campaign of this machine" in found.text["m2-series"]
    assert "out of memory in" in found.text["m2-lost"]
    assert f"Unreadable: line 3: {HOSTILE}" in said(found)


def test_a_figure_a_workload_with_its_steps_first(months: list[StoredCampaign], history_page: str) -> None:
    labels = re.findall(r'<svg [^>]*aria-label="([^"]*)"', history_page)
    series = histories(months).histories[0].series
    assert len(labels) == len({one.case.workload for one in series})
    stepped = ["; 1 step;" in label for label in labels]
    assert stepped == sorted(stepped, reverse=True)
    assert sum(stepped) == 2
    assert len(re.findall(r"▼ ×1\.(?:39|40|41)<", history_page)) == 2


def test_campaigns_that_could_not_be_read_are_named(months: list[StoredCampaign]) -> None:
    lost = Record(Case(workload(), Contestant("alpha", "eager")), 0, Status.CRASHED, "signal 11")
    stray = StoredCampaign(Path("stray"), System(), (lost,), ("stray/system.json: No such file or directory",))
    text = said(parse(history.render([months[0], months[1], stray])))
    assert "stray is of an unknown machine (stray/system.json: No such file or directory)" in text
    with pytest.raises(ResultsError, match="no campaign can be placed in a history"):
        history.render([stray])


def test_the_commands_write_pages_and_say_where(
    pair: tuple[StoredCampaign, StoredCampaign],
    write_campaign: Callable[..., StoredCampaign],
    data: Path,
    tmp_path: Path,
) -> None:
    names = [write_campaign(one.records, name, one.system.content()).name for one, name in zip(pair, ("one", "other"))]
    for command in (["compare", *names], ["history", names[0]]):
        file = tmp_path / command[0] / "page.html"
        done = CliRunner().invoke(across.app, [*command, "--output", str(file), "--results", str(data)])
        assert done.exit_code == 0, done.output
        assert done.stdout == f"{file}\n"
        assert [path.name for path in file.parent.iterdir()] == ["page.html"]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["compare", "one", "two"], "no campaign 'two', neither a folder nor in"),
        (["history", "two"], "no campaign 'two', neither a folder nor in"),
        (["history"], "can't be written: "),
        (["compare", "one", "one"], "can't be written: "),
    ],
)
def test_a_mistake_is_one_line(
    command: list[str], words: str, write_campaign: Callable[..., StoredCampaign], data: Path
) -> None:
    write_campaign([measured(Case(workload(), Contestant("alpha", "eager")), 0, [0.01])], "one")
    done = CliRunner().invoke(across.app, [*command, "--output", str(data), "--results", str(data)])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
