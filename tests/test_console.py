"""The console command `deadheat`: every command of the three programs, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import deadheat.__main__
from deadheat.cli import APPS, VERBS, app, name_of
from impls.command import ExitStatus

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
REPLACED = {("python -m bench", "report")}
"""`deadheat report` is that of `python -m reports`, which shows reproductions, too."""


def test_every_command_of_the_programs_is_a_verb_once():
    known = {(program, name_of(one)) for program, app in APPS.items() for one in app.registered_commands}
    known |= {(program, str(one.name)) for program, app in APPS.items() for one in app.registered_groups}
    assert {(verb.source, verb.called) for verb in VERBS} == known - REPLACED
    assert sorted(COMMANDS) == sorted(verb.name for verb in VERBS)


def test_the_help_lists_every_verb():
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert all(f" {verb.name} " in shown for verb in VERBS)
    assert shown.index(" run ") < shown.index(" fleet ") < shown.index(" list ")


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_a_verb_takes_what_its_program_does_and_its_examples_are_its_own(verb):
    theirs = typer.main.get_command(APPS[verb.source])
    theirs = getattr(theirs, "commands", {verb.called: theirs})[verb.called]
    ours = COMMANDS[verb.name]
    assert [one.opts for one in ours.params] == [one.opts for one in theirs.params]
    assert_same(theirs, ours, verb.name)


def assert_same(theirs, ours, called: str) -> None:
    """A command, or a group and each of its commands."""
    assert getattr(theirs.callback, "__name__", None) == getattr(ours.callback, "__name__", None)
    *examples, statuses = ours.epilog.split("\n\n")
    assert statuses == theirs.epilog.split("\n\n")[-1]
    assert examples
    assert all(example.startswith(f"$ deadheat {called}") for example in examples)
    assert getattr(ours, "commands", {}).keys() == getattr(theirs, "commands", {}).keys()
    for name, command in getattr(ours, "commands", {}).items():
        assert_same(theirs.commands[name], command, f"{called} {name}")


def test_a_mistake_is_one_line_and_the_same_status():
    done = CliRunner().invoke(app, ["describe", "alexnett"])
    assert done.exit_code == ExitStatus.USAGE_ERROR
    assert done.stderr.startswith("error: unknown architecture 'alexnett'")
    assert done.stderr.count("\n") == 1


def test_modules_in_the_working_directory_can_be_named(monkeypatch, tmp_path):
    """As with `python -m`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["/the/folder/of/the/command", "/others"])
    monkeypatch.setattr(deadheat.__main__, "main", lambda module, program: None)
    deadheat.__main__.console()
    assert sys.path == [str(Path.cwd()), "/others"]
