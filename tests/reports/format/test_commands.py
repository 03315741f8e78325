"""A command can be pasted into a shell and means one case, as it was measured."""

from __future__ import annotations

import shlex

import pytest

from reports.format import commands
from results.schema.system import system_of

CASE = "alexnet-224-b1-float32-cpu-train-alpha:eager"


def test_an_ordinary_case_reads_as_documented() -> None:
    command = commands.reproduce([CASE], ["--suite", "quick"])
    assert command == f'python -m bench run "bench/test_cases.py::test_case[{CASE}]" --suite quick'


def test_without_options_none_are_asked_for() -> None:
    assert commands.reproduce(["a"], []) == 'python -m bench run "bench/test_cases.py::test_case[a]"'


@pytest.mark.parametrize("name", ["$(touch x)", "`x`", 'a"b', "a'b", "a\\b", "a b", "!x", "a\nb"])
def test_a_shell_reads_back_what_was_meant(name: str) -> None:
    words = shlex.split(commands.reproduce([name], ["--suite", name]))
    assert words == ["python", "-m", "bench", "run", f"bench/test_cases.py::test_case[{name}]", "--suite", name]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("--benchmark-only", []),
        ("--benchmark-only --suite stream -k 'exact and jax' --budget 10m -q", []),
        ("--sizes-from 'my photos' --budget=10m", ["--sizes-from", "my photos"]),
        ("--device=cuda --preset strict", ["--device=cuda", "--preset", "strict"]),
        ("--interpreter a@x=/p --as-shipped --interpreter a@y=/q",
         ["--interpreter", "a@x=/p", "--as-shipped", "--interpreter", "a@y=/q"]),
        ("--keep-env 'OMP_*' --keep-env=XLA_FLAGS", ["--keep-env", "OMP_*", "--keep-env=XLA_FLAGS"]),
        ("bench/test_cases.py::test_case[x] --json out.json", []),
        ("--bench-device cuda --bench-as-shipped --bench-preset=strict",
         ["--device", "cuda", "--as-shipped", "--preset=strict"]),
    ],
)  # fmt: skip
def test_what_changes_a_case_is_asked_for_again_and_how_long_is_not(typed: str, kept: list[str]) -> None:
    assert commands.campaign_options(system_of({"suite": {"name": "stream"}, "command": f"pytest {typed}"})) == [
        "--suite",
        "stream",
        *kept,
    ]


@pytest.mark.parametrize(
    ("typed", "minutes", "command"),
    [
        ("", 0, "--resume 'my run'"),
        (
            "--as-shipped --results 'the results' --report=html",
            7,
            "--resume 'my run' --budget 7m --results 'the results'",
        ),
        ("--results=here --device cuda", 0, "--resume 'my run' --results=here"),
    ],
    ids=["default", "folder", "folder with ="],
)
def test_a_campaign_is_resumed_where_it_is(typed: str, minutes: int, command: str) -> None:
    system = system_of({"command": f"python -m bench run {typed}"})
    assert commands.resume(system, "my run", minutes) == f"python -m bench run {command}"


@pytest.mark.parametrize("odd", [{}, {"command": 5}, {"command": "pytest 'unclosed"}, {"suite": 3, "command": None}])
def test_a_campaign_that_does_not_say_how_it_was_called_asks_for_nothing(odd: dict[str, object]) -> None:
    assert commands.campaign_options(system_of(odd)) == []
