"""~ in paths, wherever a user types one."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import get_args

import pytest
import typer

import bench.cli
import bench.validation.peers
import reports.across
import reports.cli
import repro.cli
from bench import foreign, plugin
from bench.plan import image_sizes, interpreters
from impls.command import path_argument
from impls.errors import InvalidInput
from impls.paths import typed_path
from repro.data import places
from results.store import campaigns, reproductions

APPS = [bench.cli.app, repro.cli.app, reports.cli.app, reports.across.app]


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_home_is_a_folder_and_another_tilde_is_none(home):
    assert typed_path("~/camp") == home / "camp"
    assert typed_path("~") == home
    assert typed_path("a/~/b") == Path("a/~/b")


def test_an_unknown_user_is_named(home):
    with pytest.raises(InvalidInput, match="'~no-such-user/x': .+; write the folder out") as caught:
        typed_path("~no-such-user/x")
    assert "\n" not in str(caught.value)
    with pytest.raises(typer.BadParameter, match="no-such-user"):
        path_argument("~no-such-user/x")


COMMANDS = [*(one.callback for app in APPS for one in app.registered_commands), bench.validation.peers.main]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: f"{one.__module__} {one.__name__}")
def test_every_path_of_a_command_line_is_read_so(command):
    for name, read in paths_of(command).items():
        assert read is path_argument, name


def paths_of(command):
    """What Typer reads each path of a command with."""
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    kinds = {one.name: (get_args(one.annotation) or [None])[:2] for one in parameters}
    paths = {name: kind for name, kind in kinds.items() if kind[0] in (Path, Path | None)}
    return {name: kind[1].parser for name, kind in paths.items()}


def test_there_are_paths_to_look_at():
    assert sum(len(paths_of(command)) for command in COMMANDS) > 15


class Configuration:
    """Of pytest, with one value for every option."""

    def __init__(self, value: str):
        self._value = value

    def getoption(self, name: str) -> str:
        return self._value


def test_those_of_the_plugin(home):
    assert plugin._path(Configuration("~/camp"), "results") == home / "camp"
    assert plugin._path(Configuration(""), "json") is None


def test_those_of_pytest_benchmark(home):
    class Options(Configuration):
        option = type("Values", (), {})()

        def getoption(self, name: str) -> str:
            return {"benchmark_json": "~/x.json", "benchmark_storage": "file://~/runs"}[name]

    foreign._prepare_files(Options(""), ())
    assert Options.option.benchmark_json == home / "x.json"
    assert Options.option.benchmark_storage == f"file://{home}/runs"


def test_an_interpreter(home):
    assert interpreters.parse("pytorch@old=~/env/bin/python")[1].path == f"{home}/env/bin/python"


def test_a_folder_of_images(home):
    from PIL import Image

    (home / "photos").mkdir()
    Image.new("L", (30, 20)).save(home / "photos" / "a.png")
    assert image_sizes.read_sizes("~/photos").sizes == {"a.png": (20, 30)}


def test_data_sets(home, monkeypatch):
    assert repro.cli.paths(["cifar10=~/cifar"]) == {"cifar10": home / "cifar"}
    monkeypatch.setenv(places.VARIABLE, "~/sets")
    (home / "sets" / "cifar10").mkdir(parents=True)
    assert places.find("cifar10") == home / "sets" / "cifar10"


def test_campaigns_and_reproductions_that_are_named_by_their_folders(home):
    for name, file, find in (
        ("c", campaigns.RECORDS, campaigns.find_campaign),
        ("r", reproductions.TRIALS, reproductions.find),
    ):
        (home / name).mkdir()
        (home / name / file).touch()
        assert find(f"~/{name}") == home / name
