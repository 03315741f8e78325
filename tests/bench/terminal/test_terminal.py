"""Output of a campaign during the run and at its end: on a terminal, in a log, as JSON, and none."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import pytest
from rich.console import Console

import results
from bench.plan import suite as suites
from bench.scheduling.allocation import Allocation
from bench.scheduling.ledger import Ledger
from bench.scheduling.schedule import Readings
from bench.terminal import progress
from bench.terminal.progress import Progress
from results.schema.record import Case, Contestant
from results.stats.verdicts import TimingVerdict
from tests.support.made_up import measured, workload

PAIR = [Case(workload(), Contestant(name, "eager")) for name in ("alpha", "beta")]


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when they are said to."""
    time = [0.0]
    monkeypatch.setattr(progress, "now", lambda: time[0])
    return time


def shown(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=100, color_system=None)


def test_without_a_terminal_there_is_a_plain_line_now_and_then(clock):
    console = shown(terminal=False)
    told = Progress(600, console)
    told.begin(4)
    for clock[0] in (0.0, 1.0, 60.0):
        told.step(f"[bold]what began at {clock[0]:.0f} s")
    told.more(4)
    clock[0] = 120.0
    told.step("the last")
    told.end()
    assert console.file.getvalue().splitlines() == [
        "",
        "measuring 4 tasks, at most 10.0 min",
        "[0/4] at most 10.0 min left: [bold]what began at 0 s",
        "[2/4] 1.0 (at most 9.0) min left: [bold]what began at 60 s",
        "[3/8] 3.3 (at most 8.0) min left: the last",
    ]


def test_what_is_expected_is_never_more_than_the_budget_leaves(clock):
    console = shown(terminal=False)
    told = Progress(60, console)
    told.begin(100)
    told.step("first")
    clock[0] = 45.0
    told.step("second")
    assert "0.2 (at most 0.2) min left: second" in console.file.getvalue()


def test_a_log_with_colour_is_not_redrawn(clock, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    console = Console(file=io.StringIO(), width=100)
    told = Progress(600, console)
    told.begin(2)
    told.step("the first")
    told.end()
    assert console.is_terminal
    assert "\r" not in console.file.getvalue()
    assert "[0/2] at most 10.0 min left: the first\n" in console.file.getvalue()


def test_on_a_terminal_one_line_is_redrawn_that_fits(clock, monkeypatch):
    monkeypatch.setattr(progress, "is_live", lambda console: console.is_terminal)
    console = shown(terminal=True)
    told = Progress(600, console)
    told.begin(2)
    told.step("launch 1/5-30 " + "x" * 200)
    clock[0] = 60.0
    told.step("launch 2/5-30 " + "x" * 200)
    told._bar.refresh()
    told.end()
    drawn = [line for line in console.file.getvalue().replace("\r", "\n").splitlines() if "launch 2" in line]
    assert drawn
    assert all(len(re.sub(r"\x1b\[\??\d+\w", "", line)) <= 100 for line in drawn)
    assert "1/2 1.0 (at most 9.0) min left launch 2/5-30 x" in drawn[-1]
    assert "…" in drawn[-1]


@pytest.mark.parametrize(
    ("launches", "seconds", "says"),
    [
        ([5, 30], [], "launch 1 of "),
        ([5, 30], [1.0], "launch 2 of "),
        ([5, 30], [1.0, 1.1], r"launch 3 \(intervals ±[0-9.]+%\) of "),
        ([4, 4], [1.0, 1.0], r"launch 3/4 \(intervals ±0.0%\) of "),
    ],
)
def test_it_says_how_many_launches_and_how_narrow_intervals_are(launches, seconds, says):
    records = [
        replace(measured(case, number, [one]), started="now") for case in PAIR for number, one in enumerate(seconds)
    ]
    ledger = Ledger(PAIR, "alpha:eager", None, records)
    suite = suites.load_suite("quick", launches=launches)
    (group,) = ledger.groups()
    coming = Allocation(suite).next(ledger, Readings(now=0.0, deadline=1e6)).label
    assert group.id in coming
    assert re.search(says, coming)
    assert ("intervals" in coming) == (len(seconds) > 1), "one launch has none"


@pytest.mark.slow
@pytest.mark.parametrize("quiet", ["", "-q", "-qq"])
def test_quiet_is_less_and_json_is_all_of_it(measure, run, tmp_path, quiet):
    file = tmp_path / "summary.json"
    done, campaign = measure(*filter(None, (quiet,)), f"--json={file}", "-k", "infer", turns=1, simulated=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("measuring 3 tasks, at most" in done.stderr) == (quiet == "")
    assert ("95 % interval over launches" in done.stdout) == (quiet == "")
    assert ("  → " in done.stdout) == (quiet == "")
    assert ("outside:loop" in done.stdout) == ("outside.faulty:fine" in done.stdout) == (quiet != "-qq")
    assert f"results: {campaign.folder}" in done.stdout
    assert f"summary: {file}" in done.stdout
    saved = json.loads(file.read_text())
    assert (saved["campaign"], saved["stop"]) == (campaign.name, "complete")
    assert saved["notes"] == [one.content() for one in campaign.system.advice]
    frame = results.load(campaign.folder, rows="cases")
    assert [case["case"] for case in saved["cases"]] == list(frame.case)
    assert [case["seconds"] for case in saved["cases"]] == list(frame.seconds)
    assert saved["cases"][0]["gpu_watts"] is None
    assert saved["cases"][1]["verdict"] in set(TimingVerdict)
    assert saved["ratios"] == sum(case["verdict"] in set(TimingVerdict) for case in saved["cases"])
    if not quiet:
        again = run("bench", "show", campaign.folder, "--json")
        assert json.loads(again.stdout) == saved
        assert "outside.faulty:fine" in run("bench", "show", "--results", campaign.folder.parent).stdout
        exported = run("bench", "export", campaign.folder, "--to", "json")
        assert json.loads(exported.stdout) == saved["cases"]


def test_json_where_nothing_can_be_written_is_one_line_before_anything_is_measured(measure, tmp_path):
    done, campaign = measure(f"--json={tmp_path / 'nowhere' / 'x.json'}")
    assert (done.returncode, campaign) == (4, None)
    assert len(done.stderr.strip().splitlines()) == 1
    assert "is no folder to write in" in done.stderr


def test_a_campaign_with_controls_says_how_far_the_same_code_is_from_itself(measure, tmp_path):
    done, campaign = measure("-k", "infer", controls=True, simulated=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the same code differed from itself by up to " in done.stdout
    table = results.load(campaign.folder, rows="controls")
    assert list(table.contestant) == ["outside:loop"]
    assert list(table.pairs) == [2]
    assert "2 passed" in done.stdout, "a control is no test"
