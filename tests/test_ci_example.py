"""docs/ci.md: the workflow is one that GitHub would take, and its measuring and comparing do what the page says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bench.plan import cases, suite
from tests.support.started import environment, tiny

ROOT = Path(__file__).parent.parent
EXAMPLE = re.compile(r"```\w+\n# (?P<file>\S+)\n(?P<text>.*?)```", re.DOTALL)
FILES = {one["file"]: one["text"] for one in EXAMPLE.finditer((ROOT / "docs" / "ci.md").read_text())}
WORKFLOW = yaml.safe_load(FILES[".github/workflows/speed.yml"])
STEPS = {step["name"]: step for step in WORKFLOW["jobs"]["speed"]["steps"] if "name" in step}
SUITE = "speed.toml"


def test_the_workflow_is_one():
    assert WORKFLOW[True] == "pull_request", "YAML 1.1 takes `on` for a truth value, and GitHub does not"
    assert WORKFLOW["defaults"]["run"]["shell"] == "bash", "without it a pipe would swallow the gate's exit status"
    assert all(("run" in step) != ("uses" in step) for step in WORKFLOW["jobs"]["speed"]["steps"])
    assert STEPS["Keep the report"]["if"] == "always()"


def test_the_suite_is_sound(tmp_path):
    (tmp_path / SUITE).write_text(FILES[SUITE])
    assert len(cases.cases(suite.load_suite(str(tmp_path / SUITE)), "cpu")) == 2 * 2


@pytest.fixture
def step(tmp_path):
    """Runs a step's script as GitHub's bash does, with this Python for both sides and a framework from outside.

    Launches are simulated.
    """
    (tmp_path / SUITE).write_text(tiny("outside", launches=3))
    here = Path(sys.executable).parent
    runner = {"RUNNER_TEMP": str(tmp_path), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}

    def step(name: str, new: str = "outside@new") -> subprocess.CompletedProcess[str]:
        script = STEPS[name]["run"]
        for text, instead in (
            ("cd new", f"cd {ROOT}"),
            ("../old/.venv/bin", ".venv/bin"),  # so that each is replaced once: `here` may be such a folder
            (".venv/bin", str(here)),
            ("pytorch@new", new),
            ("pytorch@", "outside@"),
            (SUITE, str(tmp_path / SUITE)),
            ("--preset standard ", ""),  # the little suite says how it is measured
        ):
            script = script.replace(text, instead)
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        variables = {**environment(simulated=True), **runner}
        return subprocess.run(command, env=variables, capture_output=True, text=True)

    return step


@pytest.mark.slow
def test_its_steps_measure_both_sides_and_compare_them(step, tmp_path):
    measured = step("Measure")
    assert measured.returncode == 0, measured.stdout + measured.stderr
    assert (tmp_path / "html" / "index.html").is_file()
    compared = step("Compare")
    said = (tmp_path / "summary.md").read_text()
    slower = re.search(r"\d+ of \d+ cases (?:is|are) slower", said) is not None
    assert compared.returncode == (1 if slower else 0), compared.stderr
    assert slower != ("None of" in said)
    assert said == compared.stdout
    assert re.search(r"\(\S+@new against \S+@old\)", said)
    assert "-outside:loop` |" in said


def test_the_gates_exit_status_survives_its_pipe(step, tmp_path):
    (tmp_path / "summary.json").write_text('{"campaign": "nowhere"}')
    assert step("Compare").returncode == 2
