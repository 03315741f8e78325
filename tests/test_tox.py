"""tox lets the shell's variables through that the harness, or its user, has a use for."""

from __future__ import annotations

import re
from configparser import ConfigParser
from fnmatch import translate

import pytest

from impls.host.environment import ALTERING, CHOOSING, PASSED
from tests.support.started import ROOT

PATTERNS = [pattern for patterns in ALTERING.values() for pattern in patterns]
OTHERS = "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONPLATLIBDIR"
"""With these the Python of tox's environment would find packages of another."""


def passes(environment: str, name: str) -> bool:
    """As tox does it: patterns, whatever the case."""
    file = ConfigParser(interpolation=None)
    file.read(ROOT / "tox.ini")
    section = f"testenv:{environment}"
    said = file.get(section if file.has_option(section, "pass_env") else "testenv", "pass_env")
    patterns = [pattern.strip() for pattern in re.split(r"[,\n]", said) if pattern.strip()]
    return any(re.match(translate(pattern), name, re.IGNORECASE) for pattern in patterns)


def example(pattern: str) -> str:
    return pattern.replace("*", "ANY")


@pytest.mark.parametrize("pattern", [*PATTERNS, "MY_OWN", "PY_OWN"])
def test_what_as_shipped_inherits_and_what_can_be_kept_reaches_the_harness(pattern):
    assert passes("bench", example(pattern))


@pytest.mark.parametrize("environment", ["bench", "reproduce", "test"])
def test_what_launches_and_trainings_have_reaches_them_and_where_packages_are_reaches_pip(environment):
    toxs_own = re.compile("PATH|VIRTUAL_ENV|PYTHON.*")
    wanted = [one for one in (*PASSED, *CHOOSING) if not toxs_own.fullmatch(one)]
    assert [one for one in (*wanted, "PIP_*", "UV_*") if not passes(environment, example(one))] == []


@pytest.mark.parametrize("environment", ["bench", "reproduce", "test"])
def test_nothing_brings_packages_of_another_python(environment):
    assert [name for name in OTHERS if passes(environment, name)] == []


@pytest.mark.parametrize("name", [example(pattern) for pattern in PATTERNS])
def test_what_may_change_times_is_kept_from_the_tests(name):
    chosen = CHOOSING + PASSED
    assert passes("test", name) == any(re.match(translate(pattern), name) for pattern in chosen)
