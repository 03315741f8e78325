"""python -m reports: what it writes, and one line for what a user can get wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from made_up import measured, workload
from typer.testing import CliRunner, Result

from reports.cli import app
from results.record import Case, Contestant
from results.store import Campaign

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
    tmp_path: Path, data: Path, write_campaign: Callable[..., Campaign]
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
    tmp_path: Path, data: Path, write_campaign: Callable[..., Campaign]
) -> None:
    first, second = write_campaign(RECORDS, "one"), write_campaign(RECORDS, "two")
    result = run("one", second.folder, first.folder, "--results", data, "--output", tmp_path)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "index.html").read_text(encoding="utf-8").count("<article") == 2


def test_no_campaign_yet(tmp_path: Path) -> None:
    assert_one_line(run("--results", tmp_path), "no campaign in", "tox -e bench")


def test_an_unknown_campaign_names_those_there_are(data: Path, write_campaign: Callable[..., Campaign]) -> None:
    write_campaign(RECORDS, "one")
    assert_one_line(run("two", "--results", data), "no campaign 'two'", "one")


def test_a_name_that_no_file_can_have(data: Path) -> None:
    assert_one_line(run("x" * 10_000, "--results", data), "no campaign")


def test_output_that_cannot_be_a_folder(tmp_path: Path, data: Path, write_campaign: Callable[..., Campaign]) -> None:
    write_campaign(RECORDS)
    (tmp_path / "file").write_text("")
    assert_one_line(run("--results", data, "--output", tmp_path / "file"), "file")


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_as_a_module(arguments: list[str], tmp_path: Path, data: Path, write_campaign: Callable[..., Campaign]) -> None:
    write_campaign(RECORDS)
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "reports", "--results", str(data), "--output", str(tmp_path / "html"), *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert ("--output" if arguments else "index.html") in done.stdout
