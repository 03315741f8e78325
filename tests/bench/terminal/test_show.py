"""`python -m bench show`: options that contradict each other."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from bench.cli import app


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--json", "--markdown"], "two formats"),
        (["--json", "--details"], "--json has all of them"),
        (["--markdown", "--details"], "--markdown only the answer"),
    ],
)
def test_contradictions_are_one_line_before_anything_is_read(options: list[str], said: str, tmp_path) -> None:
    done = CliRunner().invoke(app, ["show", *options, "--results", str(tmp_path / "absent")])
    assert done.exit_code == 2
    assert said in done.output
    assert len(done.output.strip().splitlines()) == 1
