"""A command can be pasted into a shell and means one case."""

from __future__ import annotations

import shlex

import pytest

from reports import commands


def test_an_ordinary_case_reads_as_documented() -> None:
    case = "alexnet-224-b1-float32-cpu-train-alpha:eager"
    command = commands.reproduce(case, "quick")
    assert command == f'pytest --benchmark-only "bench/test_cases.py::test_case[{case}]" --suite quick'


def test_without_a_suite_none_is_asked_for() -> None:
    assert commands.reproduce("a", None) == 'pytest --benchmark-only "bench/test_cases.py::test_case[a]"'


@pytest.mark.parametrize("name", ["$(touch x)", "`x`", 'a"b', "a'b", "a\\b", "a b", "!x", "a\nb"])
def test_a_shell_reads_back_what_was_meant(name: str) -> None:
    words = shlex.split(commands.reproduce(name, name))
    assert words == ["pytest", "--benchmark-only", f"bench/test_cases.py::test_case[{name}]", "--suite", name]
