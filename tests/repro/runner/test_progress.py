"""What is said while trials run where there is no terminal."""

from __future__ import annotations

import pytest

from repro.runner import progress
from repro.runner.progress import Meter


@pytest.mark.parametrize("quiet", [False, True])
def test_plain_lines_now_and_then_or_nothing_but_what_went_wrong(
    quiet: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = iter((0.0, 0.0, 60.0, 60.0, 60.0, 60.0, 61.0, 61.0, 61.0))
    monkeypatch.setattr(progress, "monotonic", lambda: next(seconds))
    meter = Meter(quiet)
    meter.begin("AX-1", {"small": 1.0, "large": 3.0})
    meter.tell("small", 1.0)
    meter.tell("large", 0.1)
    meter.say("large, seed 0: diverged")
    meter.end()
    said = capsys.readouterr()
    lines = ["AX-1: 2 trials", "[25 %] 1 of 2 trials, about 3.0 min left"]
    assert said.err.splitlines() == [*([] if quiet else lines), "large, seed 0: diverged"]
    assert said.out == ""


def test_a_log_with_colour_is_not_redrawn(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(progress, "PLAIN_EVERY", -1.0)
    meter = Meter()
    meter.begin("AX-1", {"small": 1.0})
    meter.tell("small", 1.0)
    meter.end()
    lines = ["AX-1: 1 trials", "[100 %] 1 of 1 trials, about 0.0 min left"]
    assert capsys.readouterr().err.splitlines() == lines
