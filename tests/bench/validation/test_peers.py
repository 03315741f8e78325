"""Other harnesses asked the questions of the selftest: each is really run, and judged by its own rule."""

from __future__ import annotations

import json
import math

import pytest
import typer

from bench.validation import peers
from bench.validation.peers import Outcome, ask

CHEAP = """
import math

def step_of(suffix):
    return lambda: math.factorial(500)
"""


@pytest.mark.slow
@pytest.mark.parametrize("tool", peers.TOOLS)
def test_every_tool_is_run_as_its_documents_say_and_its_answer_understood(tool, monkeypatch):
    if tool in ("pytest-benchmark", "pyperf"):  # would only import a framework: how LeNet-5 is built, the others show
        monkeypatch.setattr(peers, "STEP", CHEAP)
    found = ask(tool, "b", 0.5)
    assert found.tool == tool
    assert math.isfinite(found.ratio)
    assert found.ratio > 0
    assert found.slowdown == 0


HELD = """
from bench.contestants import slowed

held = []

def hold(model, share):
    model.synchronize = lambda outputs: held.append(share)

slowed.slow_down = hold
step = step_of("5")
step()
step()
print(held)
"""


@pytest.mark.slow
def test_a_step_that_is_timed_ends_where_a_planted_model_is_held_back(tmp_path):
    assert peers.run(tmp_path, "-c", peers.STEP.format(root=str(peers.ROOT)) + HELD) == "[0.05, 0.05]\n"


@pytest.mark.parametrize(
    ("slowdown", "ratio", "different", "found"),
    [
        (0.05, 1.06, True, True),
        (0.05, 1.06, False, False),
        (0.05, 0.94, True, False),
        (0.0, 0.94, True, True),
        (0.0, 1.01, False, False),
    ],
)
def test_a_slowdown_is_found_on_its_own_side_only(slowdown, ratio, different, found):
    assert Outcome("any", slowdown, ratio, different, 1.0).found is found


def test_what_is_not_installed_is_named_before_anything_is_measured(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(peers, "NEEDED", ("pytest_benchmark", "no_such_harness"))
    with pytest.raises(typer.Exit):
        peers.main(output=tmp_path / "said.json")
    assert capsys.readouterr().err == "error: not installed: no_such_harness; pip install 'deadheat[peers]'\n"
    assert not (tmp_path / "said.json").exists()


def test_outcomes_are_written_with_the_machine_they_are_of(monkeypatch, tmp_path):
    monkeypatch.setattr(peers, "ask", lambda tool, second, budget: Outcome(tool, 0.0, 1.0, False, budget))
    peers.main(output=tmp_path / "said.json", pairs=2, pair_seconds="3s", budget="1m", burning=0)
    said = json.loads((tmp_path / "said.json").read_text())
    assert len(said["outcomes"]) == 2 * 2 * len(peers.TOOLS)
    assert said["machine"]["cores"] > 0
    assert said["burners"] == 0
