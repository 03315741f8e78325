"""A command in a fork is like one in an interpreter of its own: folder, environment, arguments, output, exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.preloaded import PRELOADED, ROOT, run_module

MODULE = """
import json, os, sys
print(json.dumps([sys.argv[1:], os.getcwd(), os.environ.get("TOLD"), __name__]))
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


def test_temporary_files_are_where_the_environment_of_each_command_says(tmp_path: Path) -> None:
    (tmp_path / "told.py").write_text("import tempfile; print(tempfile.gettempdir())")
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        environment = {**os.environ, "PYTHONPATH": str(tmp_path), "TMPDIR": str(tmp_path / name)}
        assert run_module(["told"], tmp_path, environment).stdout.strip() == str(tmp_path / name)


def test_a_module_that_is_not_there(tmp_path: Path) -> None:
    done = run_module(["no_such_module_here"], tmp_path, os.environ)
    assert done.returncode == 1
    assert "No module named no_such_module_here" in done.stderr


IMPORTED = """
import importlib, sys

for name in sys.argv[1:]:
    importlib.import_module(name)
ours = [module for name, module in sys.modules.items() if name.split(".")[0] in {packages!r}]
values = {{id(value): value for module in ours for value in vars(module).values()}}
caches = [value for value in values.values() if hasattr(value, "cache_info")]
assert len(caches) > 10
print([cache.__qualname__ for cache in caches if cache.cache_info().currsize])
"""
PACKAGES = ("impls", "results", "fleet", "bench", "repro", "reports")


def test_a_command_finds_no_answer_that_was_given_before_it_began() -> None:
    """Or it would not see the entry points, the variables and the machine that its test gives it."""
    command = [sys.executable, "-c", IMPORTED.format(packages=PACKAGES), *PRELOADED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


MODULES = "import json, sys; print(json.dumps([name for name in sys.modules]))"


def test_what_is_preloaded_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server leaves out what it cannot import."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lists.py").write_text(MODULES)
    done = run_module(["lists"], tmp_path, os.environ)
    assert set(PRELOADED) <= set(json.loads(done.stdout))
