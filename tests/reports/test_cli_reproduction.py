"""python -m reports with reproductions: which page is written where, and how they lead to each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from reports.cli import app
from results.schema.record import Case, Contestant
from tests.support.made_up import measured, workload

RECORDS = [measured(Case(workload(), Contestant("alpha", "eager")), 0, [0.01])]
LINK = 'href="reproduction.html"'
BACK = 'href="index.html"'
Write = Callable[..., object]


@pytest.fixture
def run(data: Path, tmp_path: Path) -> Callable[..., Result]:
    def invoke(*names: str) -> Result:
        return CliRunner().invoke(app, [*names, "--results", str(data), "--output", str(tmp_path / "html")])

    return invoke


def pages(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in (folder / "html").iterdir()}


def test_the_newest_of_each(
    run: Callable[..., Result], tmp_path: Path, data: Path, write_campaign: Write, write_reproduction: Write
) -> None:
    write_campaign(RECORDS, "c1")
    write_reproduction(name="new", started="2026-11-23T00:00:00+00:00")
    write_reproduction(name="old", started="2026-11-22T00:00:00+00:00")
    result = run()
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [str(tmp_path / "html" / name) for name in ("index.html", "reproduction.html")]
    found = pages(tmp_path)
    assert LINK in found["index.html"]
    assert BACK in found["reproduction.html"]
    assert "Reproduction new" in found["reproduction.html"]


def test_only_a_reproduction(run: Callable[..., Result], tmp_path: Path, write_reproduction: Write) -> None:
    write_reproduction()
    assert run().exit_code == 0
    found = pages(tmp_path)
    assert list(found) == ["reproduction.html"]
    assert BACK not in found["reproduction.html"]


def test_one_after_the_other_by_name(
    run: Callable[..., Result], tmp_path: Path, write_campaign: Write, write_reproduction: Write
) -> None:
    write_campaign(RECORDS, "c1")
    write_reproduction(name="r1")
    assert run("c1").exit_code == 0
    assert LINK not in pages(tmp_path)["index.html"]
    assert run("r1").exit_code == 0
    assert BACK in pages(tmp_path)["reproduction.html"]
    assert run("c1").exit_code == 0
    assert LINK in pages(tmp_path)["index.html"]


def test_a_reproduction_twice_is_one_and_two_are_an_error(
    run: Callable[..., Result], data: Path, write_reproduction: Write
) -> None:
    write_reproduction(name="r1")
    write_reproduction(name="r2")
    assert run("r1", str(data / "r1")).exit_code == 0
    result = run("r1", "r2")
    assert result.exit_code == 2
    assert result.stderr == "error: a page shows one reproduction, got r1, r2; give one of them at a time\n"


def test_an_unknown_name_names_the_reproductions(run: Callable[..., Result], write_reproduction: Write) -> None:
    write_reproduction(name="r1")
    result = run("r9")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: no campaign 'r9'")
    assert result.stderr.endswith("; reproductions: r1\n")
