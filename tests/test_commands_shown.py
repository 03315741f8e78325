"""Every command that a document or a help text shows is one that the command lines take."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import deadheat.cli
import reports.cli
from bench.plan import suite
from docs.commands import APPS, below, commands
from docs.generate import DOCUMENTS
from impls.command import ExitStatus, help_epilog, one_line_errors
from impls.terminal import OutputLost

ROOT = Path(__file__).parent.parent
SPAN = re.compile(r"`([^`\n]+)`|^ {4}(\S.*)$|^(pytest .*|tox .*|python .*|deadheat .*)$", re.MULTILINE)
COMMAND = re.compile(r"(?:\S*/)?(pytest|tox|python|deadheat)3? .*")
KNOWN = dict(commands())
VERBS = dict(below("deadheat", typer.main.get_command(deadheat.cli.app)))
EXAMPLES = {called: command.epilog.split("\n\n") for called, command in KNOWN.items()}


def shown() -> Iterator[str]:
    """Commands of the documents, without what the shell makes of several."""
    for document in [*DOCUMENTS, ROOT / "CONTRIBUTING.md"]:
        for found in SPAN.finditer(document.read_text()):
            text = next(filter(None, found.groups())).partition("  #")[0]
            for part in re.split(r" && | > |; ", text):
                if COMMAND.fullmatch(part):
                    yield part


SHOWN = sorted({*shown(), *(example[2:] for examples in EXAMPLES.values() for example in examples[:-1])})


@pytest.fixture(scope="module")
def pytest_options() -> set[str]:
    """What pytest says that it takes."""
    command = [sys.executable, "-m", "pytest", "--help"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "COLUMNS": "200"}, capture_output=True, text=True)
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", done.stdout))


def test_there_are_commands_to_look_at():
    assert len(SHOWN) > 40
    assert any(one.startswith("tox -e bench -- ") for one in SHOWN)


@pytest.mark.parametrize("command", SHOWN)
def test_a_command_that_is_shown_is_taken(command, pytest_options):
    program, *arguments = shlex.split(command.replace("[", "").replace("]", ""))
    match Path(program).name.rstrip("3"), arguments:
        case "pytest", _:
            assert_pytest_takes(arguments, pytest_options)
        case "tox", ["-e", environment, *rest]:
            assert f"[testenv:{environment}]" in (ROOT / "tox.ini").read_text()
            if environment == "reproduce":
                assert_taken("python -m repro", ["run", *rest[1:]])
            else:
                assert_pytest_takes(rest[1:], pytest_options)
        case ("python", ["-m", "bench", "run", *rest]) | ("deadheat", ["run", *rest]):
            assert_pytest_takes(rest, pytest_options)
        case "python", ["-m", "bench" | "repro" as room, *rest]:
            assert_taken(f"python -m {room}", rest)
        case "deadheat", rest:
            assert_taken("deadheat", rest)
        case "python", [
            "-m",
            (
                "docs.generate"
                | "tests.tools.report_growth"
                | "tests.tools.million_records"
                | "docs.sample"
                | "bench.validation.coverage"
                | "bench.validation.peers"
                | "venv"
                | "pip"
                | "reports"
                | "deadheat"
            ),
            *_,
        ]:
            pass
        case "python", [script, *_] if script.endswith(".py"):
            assert (ROOT / script).exists()
        case _:
            pytest.fail(f"nothing here knows {command!r}")


def assert_pytest_takes(arguments: list[str], known: set[str]) -> None:
    for place, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name.startswith("-"):
            assert name in known or re.fullmatch("-q+", name), name
        if name in ("--suite", "--preset"):
            value = value or arguments[place + 1]
            there = suite.suite_names() if name == "--suite" else suite.preset_names()
            assert value in there or value.endswith(".toml"), value


def assert_taken(program: str, arguments: list[str]) -> None:
    """There is such a command, and it has these options."""
    known = {**KNOWN, **VERBS}
    called = " ".join([program, *arguments[:1]])
    groups = {one.rpartition(" ")[0] for one in known}
    if called in groups:
        called = " ".join([program, *arguments[:2]])
    assert called in {program, *groups, *known}, called
    names = {one.partition("=")[0] for one in arguments if one.startswith("-") and " " not in one}
    assert not names or names <= {option for one in known[called].params for option in one.opts}


@pytest.mark.parametrize("called", EXAMPLES)
def test_every_command_has_an_example_of_itself_and_says_its_exit_statuses(called):
    *examples, statuses = EXAMPLES[called]
    assert examples
    for example in examples:
        assert example.startswith(f"$ {called}")
        KNOWN[called].make_context(called, shlex.split(example.removeprefix(f"$ {called}")))  # parsed, and not run
    ours = r"Exit status: 0 done; (1 [^;]+; )?2 error, named in one line\."
    of_pytest = r"Exit status: 0 [^;]+; 1 [^;]+; 2 interrupted[^;]+; 4 [^;]+; 5 [^;]+\."
    assert re.fullmatch(of_pytest if called == "python -m bench run" else ours, statuses)


def test_what_a_foot_says():
    assert (ExitStatus.OK, ExitStatus.FINDINGS, ExitStatus.USAGE_ERROR, ExitStatus.INTERNAL_ERROR) == (0, 1, 2, 70)
    assert help_epilog("a", "b", found="it is late").split("\n\n") == [
        "$ a",
        "$ b",
        "Exit status: 0 done; 1 it is late; 2 error, named in one line.",
    ]


def test_a_fault_of_ours_is_not_taken_for_something_found(capsys):
    def faulty() -> None:
        raise ZeroDivisionError("ours")

    with pytest.raises(typer.Exit) as ended:
        one_line_errors(faulty)()
    assert ended.value.exit_code == ExitStatus.INTERNAL_ERROR
    said = capsys.readouterr().err
    assert "ZeroDivisionError: ours" in said
    assert said.endswith("error: internal error of Deadheat; please report it with the lines above\n")


@pytest.mark.parametrize("meant", [typer.Exit(1), typer.Abort(), OutputLost()])
def test_what_ends_a_command_on_purpose_is_no_fault(meant):
    def ends() -> None:
        raise meant

    with pytest.raises(type(meant)):
        one_line_errors(ends)()


@pytest.mark.parametrize("app", [*APPS.values(), reports.cli.app, deadheat.cli.app])
def test_the_programs_themselves_have_a_foot(app):
    assert "Exit status: " in typer.main.get_command(app).epilog
