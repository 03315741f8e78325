"""python -m reports: what it writes, and one line for what a user can get wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from reports.cli import app
from results.schema.record import Case, Contestant
from results.store.campaigns import StoredCampaign
from tests.support.made_up import SYSTEM, measured, workload

RECORDS = [measured(Case(workload(), Contestant("alpha", "eager")), 0, [0.01])]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def assert_one_line(result: Result, *words: str) -> None:
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert all(word in result.stderr for word in words)


def test_the_newest_campaign_is_the_default(
    tmp_path: Path, data: Path, write_campaign: Callable[..., StoredCampaign]
) -> None:
    write_campaign(RECORDS, "2026-11-21-first")
    write_campaign(RECORDS, "2026-11-22-second")
    result = run("--results", data, "--output", tmp_path / "html")
    assert result.exit_code == 0, result.output
    path = tmp_path / "html" / "index.html"
    assert result.stdout == f"{path}\n"
    assert "2026-11-22-second" in path.read_text(encoding="utf-8")
    assert "2026-11-21-first" not in path.read_text(encoding="utf-8")


def test_campaigns_are_taken_by_name_or_folder_and_once(
    tmp_path: Path, data: Path, write_campaign: Callable[..., StoredCampaign]
) -> None:
    first, second = write_campaign(RECORDS, "one"), write_campaign(RECORDS, "two")
    result = run("one", second.folder, first.folder, "--results", data, "--output", tmp_path)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "index.html").read_text(encoding="utf-8").count("<article") == 2


def test_no_campaign_yet(tmp_path: Path) -> None:
    assert_one_line(run("--results", tmp_path), "no campaign in", "python -m bench run")


def test_an_unknown_campaign_names_those_there_are(data: Path, write_campaign: Callable[..., StoredCampaign]) -> None:
    write_campaign(RECORDS, "one")
    assert_one_line(run("two", "--results", data), "no campaign 'two'", "one")


def test_a_name_that_no_file_can_have(data: Path) -> None:
    assert_one_line(run("x" * 10_000, "--results", data), "no campaign")


def test_output_that_cannot_be_a_folder(
    tmp_path: Path, data: Path, write_campaign: Callable[..., StoredCampaign]
) -> None:
    write_campaign(RECORDS)
    (tmp_path / "file").write_text("")
    assert_one_line(run("--results", data, "--output", tmp_path / "file"), "file")


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_as_a_module(
    arguments: list[str], tmp_path: Path, data: Path, write_campaign: Callable[..., StoredCampaign]
) -> None:
    write_campaign(RECORDS)
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "reports", "--results", str(data), "--output", str(tmp_path / "html"), *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert ("--output" if arguments else "index.html") in done.stdout


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("system.json", None, "one/system.json: No such file or directory"),
        ("system.json", "[1", "one/system.json: Expecting"),
        ("system.json", '{"machine": 3, "suite": [], "contestants": 1, "reference": 7, "advice": {}}', "alpha:eager"),
        ("system.json", '{"workloads": {"alexnet-3x64x64-k10-b8-float32-cpu-infer": {"macs": "?"}}}', "alpha:eager"),
        ("system.json", '{"workloads": 3, "networks": [], "parity_tolerances": 0, "settings": ""}', "alpha:eager"),
        ("records.jsonl", "", "No case has been recorded in this campaign."),
        ("records.jsonl", '{"schema": 99', "one/records.jsonl line 1: the whole: Invalid JSON"),
        ("records.jsonl", "\0\0\n\n{}\n", "one/records.jsonl line 3: "),
    ],
)
def test_a_damaged_campaign_has_a_page_that_says_so(
    file: str, text: str | None, said: str, tmp_path: Path, data: Path, write_campaign: Callable[..., StoredCampaign]
) -> None:
    damaged = write_campaign(RECORDS, "one").folder / file
    damaged.unlink() if text is None else damaged.write_text(text)
    result = run("--results", data, "--output", tmp_path / "html")
    assert result.exit_code == 0, result.output
    assert said in (tmp_path / "html" / "index.html").read_text(encoding="utf-8").replace("&#39;", "'")


def test_campaigns_of_two_systems_are_parts_of_their_own(
    tmp_path: Path, data: Path, write_campaign: Callable[..., StoredCampaign]
) -> None:
    for name in ("One CPU", "Another CPU"):
        system = {**SYSTEM, "machine": {**SYSTEM["machine"], "cpu": name}}
        write_campaign(RECORDS, name.replace(" ", "-"), system)
    result = run("One-CPU", "Another-CPU", "--results", data, "--output", tmp_path)
    assert result.exit_code == 0, result.output
    parts = (tmp_path / "index.html").read_text(encoding="utf-8").split("<article")
    assert "Also on this page, and not pooled: <a href" in parts[0]
    assert ("One CPU" in parts[1], "Another CPU" in parts[1]) == (True, False)
    assert "which is of another system: cpu One CPU and Another CPU." in parts[2]
