"""Going on after the worst, beside another campaign, and among files that are damaged, foreign, old or too new."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

import reports.cli
import results
from bench.cli import app
from bench.machine.lock import CONCURRENT_CAMPAIGN_WARNING
from results.schema.record import SCHEMA
from results.schema.system import System
from results.store.campaigns import RECORDS, CampaignWriter, read_campaign
from results.store.journal import SYSTEM, ResultsError
from tests.support.started import ROOT, Started, poll, tiny

LAUNCHES = 8
SUITE = tiny("outside", "outside.faulty:fine", launches=LAUNCHES, phases=("infer", "train"))


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A campaign whose process was killed early: its folder, which is not to be changed."""
    started = Started(tmp_path_factory.mktemp("killed"), SUITE)
    started.await_lines(8)
    started.process.kill()
    started.output()
    poll(lambda: not started.others(), 5)
    return started.folder()


def go_on(folder: Path, simulated: bool = False) -> None:
    started = Started(folder.parent.parent, SUITE, f"--resume={folder.name}", simulated=simulated)
    output = started.output()
    assert started.process.returncode == 0, output
    assert "4 passed" in output
    assert started.folder() == folder


@pytest.fixture
def copy(killed, tmp_path):
    return Path(shutil.copytree(killed, tmp_path / "data" / killed.name))


def launches(folder: Path) -> Counter[str]:
    """How many launches each case has, none of them twice."""
    records = read_campaign(folder).records
    keys = [(record.case, record.launch, record.subset, record.attempt) for record in records]
    assert len(set(keys)) == len(keys)
    return Counter(record.case.id for record in records)


@pytest.mark.slow
def test_a_killed_campaign_is_gone_on_with_where_it_ended(copy):
    before = (copy / RECORDS).read_bytes()
    assert read_campaign(copy).system.stop == "interrupted"
    go_on(copy)
    campaign = read_campaign(copy)
    assert (copy / RECORDS).read_bytes().startswith(before)
    assert set(launches(copy).values()) == {LAUNCHES}
    assert campaign.system.stop == "complete"
    assert set(campaign.system.rules.values()) == {"launches"}
    assert len(campaign.system.resumed) == 1
    assert not campaign.problems


def test_a_line_that_was_cut_off_is_named_and_costs_only_itself(copy):
    whole = (copy / RECORDS).read_bytes()
    (copy / RECORDS).write_bytes(whole[:-200])
    cut = len(whole.splitlines())
    (problem,) = read_campaign(copy).problems
    assert problem.startswith(f"{copy.name}/{RECORDS} line {cut}: ")
    kept = read_campaign(copy).records
    go_on(copy, simulated=True)
    campaign = read_campaign(copy)
    assert campaign.records[: len(kept)] == kept
    assert campaign.problems == (problem,)
    assert campaign.system.stop == "complete"
    assert sorted(launches(copy).values()) == [LAUNCHES - 1, LAUNCHES, LAUNCHES, LAUNCHES]


def test_a_campaign_that_is_not_there_is_one_line_before_anything_is_measured(copy):
    started = Started(copy.parent.parent, SUITE, "--resume=2026-01-01T00-00-00-quick")
    output = started.output()
    assert started.process.returncode not in (0, 1, 2)
    (line,) = output.strip().splitlines()
    assert line.startswith("ERROR: no campaign '2026-01-01T00-00-00-quick'")
    assert copy.name in line


@pytest.mark.slow
def test_two_campaigns_at_once_complete_in_folders_of_their_own_and_one_says_so(tmp_path):
    both = [Started(tmp_path, tiny("outside", launches=2)) for _ in range(2)]
    for started in both:
        output = started.output()
        assert started.process.returncode == 0, output
    folders = sorted((tmp_path / "data").iterdir())
    assert len(folders) == 2
    for folder in folders:
        assert read_campaign(folder).system.stop == "complete"
        assert set(launches(folder).values()) == {2}
    warnings = [warning.content() for folder in folders for warning in read_campaign(folder).system.warnings]
    assert CONCURRENT_CAMPAIGN_WARNING in warnings


class Bomb:
    """Makes a file called `trace` in whatever process unpickles it."""

    def __init__(self, trace: Path):
        self._trace = trace

    def __reduce__(self) -> object:
        return os.mkdir, (str(self._trace),)


@pytest.fixture
def beside(copy):
    """A folder of results with a good campaign, and others of random bytes and of pickles."""
    trace = copy.parent.parent / "trace"
    foreign = {"random": os.urandom(5000), "pickle": pickle.dumps(Bomb(trace)), "text": pickle.dumps(Bomb(trace), 0)}
    for name, content in foreign.items():
        folder = copy.parent / name
        folder.mkdir()
        for file in (RECORDS, SYSTEM, "benchmark.json"):
            (folder / file).write_bytes(content)
    lines = (copy / RECORDS).read_bytes().splitlines(keepends=True)
    (copy / RECORDS).write_bytes(
        b"".join([*lines[:3], b"{'not': json}\n", pickle.dumps(Bomb(trace), 0), b"\n", *lines[3:]])
    )
    yield copy, foreign, len(lines)
    assert not trace.exists(), "something was unpickled"


def test_foreign_and_damaged_files_are_named_and_never_run(beside, run):
    good, foreign, lines = beside
    campaign = read_campaign(good)
    assert len(campaign.records) == lines
    assert f"{good.name}/{RECORDS} line 4" in campaign.problems[0]
    assert len(results.load(good)) == lines
    for name in foreign:
        found = read_campaign(good.parent / name)
        assert not found.records
        assert all(problem.startswith((f"{name}/{RECORDS} line ", f"{name}/{SYSTEM}: ")) for problem in found.problems)
        assert found.system == System()
        assert results.load(name, data=good.parent).empty
    exported = run("bench", "export", good.name, "--results", good.parent)
    assert exported.returncode == 0, exported.stderr
    assert len(exported.stdout.splitlines()) == 1 + 4
    for name in foreign:
        assert "Traceback" not in run("bench", "export", name, "--results", good.parent).stderr


OLD = ROOT / "results" / "data" / "reference-handwritten-pytorch"


def test_a_folder_of_schema_1_is_read_and_what_it_does_not_know_is_empty():
    folder = OLD
    assert {record.schema for record in read_campaign(folder).records} == {1}
    frame = results.load(folder)
    assert (frame.status == "measured").all()
    unknown = [
        "warmup_converged",
        "other_cpus_used",
        "steal",
        "pressure",
        "process_cpus_used",
        "minor_faults",
        "major_faults",
        "runnable",
    ]
    assert frame[unknown].isna().all(axis=None)
    assert results.load(folder, rows="cases")[["other_cpus_used", "process_cpus_used"]].isna().all(axis=None)
    assert (frame.setting == "steady").all()


def test_a_folder_of_schema_1_is_shown_reported_and_compared(tmp_path):
    assert {record.schema for record in read_campaign(OLD).records} == {1}
    cases = len(results.load(OLD, rows="cases"))
    done = CliRunner().invoke(reports.cli.app, [str(OLD), "--output", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert OLD.name in (tmp_path / "index.html").read_text()
    done = CliRunner().invoke(app, ["compare", str(OLD), str(OLD)])
    assert done.exit_code == 0, done.output
    assert f"None of {cases} cases is slower" in done.output
    done = CliRunner().invoke(app, ["show", str(OLD)])
    assert done.exit_code == 0, done.output


def test_the_schema_of_tomorrow_is_named_and_not_misread(copy):
    lines = (copy / RECORDS).read_text().splitlines()
    tomorrow = json.dumps({**json.loads(lines[0]), "schema": 999})
    (copy / RECORDS).write_text("\n".join([tomorrow, *lines[1:]]) + "\n")
    campaign = read_campaign(copy)
    assert len(campaign.records) == len(lines) - 1
    assert campaign.problems == (f"{copy.name}/{RECORDS} line 1: schema 999 is newer than {SCHEMA}; update deadheat",)


@pytest.mark.parametrize("name", ["../out", "a/b", "/tmp/out", "..", ".", "", ".hidden", "two words", "a\0b", "a\n"])
def test_a_campaigns_name_cannot_leave_its_folder(tmp_path, name):
    with pytest.raises(ResultsError, match="campaign's name"):
        CampaignWriter.create(tmp_path / "data", name, {})
    assert not list(tmp_path.iterdir())
