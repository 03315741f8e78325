"""A command in a fork is like one in an interpreter of its own: folder, environment, arguments, output, exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.preloaded import run_module

MODULE = """
import json, os, sys
print(json.dumps([sys.argv[1:], os.getcwd(), os.environ.get("TOLD"), __name__, "impls.registry" in sys.modules]))
print("a complaint", file=sys.stderr)
{end}
"""
ENDS = {"": 0, "sys.exit(3)": 3, "sys.exit('told why')": 1, "raise ValueError('no')": 1, "sys.exit(None)": 0}


@pytest.mark.parametrize("end", ENDS)
def test_it_says_and_answers_what_an_interpreter_of_its_own_does(tmp_path: Path, end: str) -> None:
    (tmp_path / "told.py").write_text(MODULE.format(end=end))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "TOLD": "yes"}
    forked = run_module(["told", "a b", 7], tmp_path, environment)
    command = [sys.executable, "-m", "told", "a b", "7"]
    started = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert forked.returncode == started.returncode == ENDS[end]
    assert forked.stdout == started.stdout
    assert forked.stderr.splitlines()[0] == started.stderr.splitlines()[0]
    assert forked.stderr.splitlines()[-1] == started.stderr.splitlines()[-1]


def test_a_module_that_is_not_there(tmp_path: Path) -> None:
    done = run_module(["no_such_module_here"], tmp_path, os.environ)
    assert done.returncode == 1
    assert "No module named no_such_module_here" in done.stderr
