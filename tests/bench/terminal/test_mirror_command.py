"""`python -m bench mirror`: a line for each campaign; a campaign that has its mirror keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.cli import app
from impls.command import ExitStatus
from results.store.campaigns import MIRROR, read_campaign
from tests.support import large


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of two campaigns."""
    for networks in (1, 2):
        large.write(tmp_path, networks, 2)
    return tmp_path


def test_all_campaigns_get_a_mirror_once(data: Path) -> None:
    done = CliRunner().invoke(app, ["mirror", "--results", str(data)])
    assert done.exit_code == ExitStatus.OK
    folders = sorted(data.iterdir())
    counts = [len(read_campaign(folder).records) for folder in folders]
    assert done.output.splitlines() == [
        f"{folder / MIRROR}: {count} launches" for folder, count in zip(folders, counts)
    ]
    again = CliRunner().invoke(app, ["mirror", "--results", str(data)])
    assert again.output.splitlines() == [f"{folder / MIRROR}: up to date" for folder in folders]


def test_only_the_campaigns_that_are_named(data: Path) -> None:
    assert CliRunner().invoke(app, ["mirror", "made-up-2x20x2", "--results", str(data)]).exit_code == ExitStatus.OK
    assert [folder.name for folder in data.iterdir() if (folder / MIRROR).exists()] == ["made-up-2x20x2"]


def test_a_campaign_that_does_not_exist_is_named_in_one_line(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = CliRunner().invoke(app, ["mirror", "none", "--results", str(data)])
    assert done.exit_code == ExitStatus.USAGE_ERROR
    (line,) = done.output.splitlines()
    assert line.startswith("error: no campaign 'none'")
