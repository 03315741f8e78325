"""Generated parts of docs/commands.md: every command with its options, examples and exit statuses, from the code."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import typer
from tabulate import tabulate

import bench.cli
import bench.plugin
import repro.cli

APPS = {"python -m bench": bench.cli.app, "python -m repro": repro.cli.app}


def commands() -> Iterator[tuple[str, Any]]:
    """Every command as (how it is called, what click makes of it)."""
    for program, app in APPS.items():
        for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
            yield f"{program} {name}", command


def _section(called: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and one.name != "help"]
    rows = [(_argument(one), one.help or "") for one in arguments] + [(_option(one), one.help or "") for one in options]
    table = tabulate(rows, headers=["", ""], tablefmt="github")
    *examples, statuses = command.epilog.split("\n\n")
    shown = "\n".join(f"    {example.removeprefix('$ ')}" for example in examples)
    return "\n\n".join(filter(None, (f"### `{called}`", command.help, table, shown, statuses)))


def _argument(one: Any) -> str:
    return f"`{one.name.upper()}`" + ("" if one.required else ", may be left out")


def _option(one: Any) -> str:
    if one.is_flag:
        return f"`{' / '.join([*one.opts, *one.secondary_opts] if one.default else one.opts)}`"
    default = "" if one.default in (None, "") else f" ({one.default})"
    return f"`{one.opts[0]} {one.metavar or '…'}`{default}"


def sections() -> str:
    return "\n\n".join(_section(called, command) for called, command in commands()) + "\n"


class _Recorder:
    """Takes options as pytest's parser does, and keeps them."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []

    def getgroup(self, name: str, description: str = "") -> _Recorder:
        return self

    def addoption(self, name: str, help: str, metavar: str = "", **_: object) -> None:
        if help != argparse.SUPPRESS:
            self.rows.append((f"`{name}{' ' * bool(metavar)}{metavar}`", help.replace("%%", "%")))


def measuring() -> str:
    recorder = _Recorder()
    bench.plugin.pytest_addoption(recorder)  # type: ignore[arg-type]
    return tabulate(recorder.rows, headers=["option", ""], tablefmt="github") + "\n"


BLOCKS = {"commands": sections, "measuring": measuring}
