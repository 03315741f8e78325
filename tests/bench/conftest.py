"""Campaigns as short as can be, measured as a user would."""

from __future__ import annotations

from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

from results.store.campaigns import StoredCampaign, read_campaign
from tests.support.started import tiny

Measure = Callable[..., tuple["CompletedProcess[str]", StoredCampaign | None]]


@pytest.fixture
def measure(run, tmp_path) -> Measure:
    """Measures a tiny suite with these options and keys: (what pytest said, the campaign or None)."""

    def measure(
        *options: str,
        contestants: tuple[str, ...] = ("outside", "outside.faulty:fine"),
        simulated: bool = False,
        **keys: object,
    ):
        suite, data = tmp_path / "tiny.toml", tmp_path / "data"
        suite.write_text(tiny(*contestants, **keys))
        asked = "--benchmark-only", f"--suite={suite}", f"--results={data}", "--no-report"
        done = run("pytest", *asked, *options, simulated=simulated)
        folders = list(data.iterdir()) if data.exists() else []
        assert len(folders) <= 1
        return done, read_campaign(folders[0]) if folders else None

    return measure
