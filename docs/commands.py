"""Generated parts of docs/commands.md: every command with its options, examples and exit statuses, from the code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from tabulate import tabulate

import bench.cli
import repro.cli
from bench.foreign import FATES, Fate
from bench.options import OPTIONS
from deadheat.cli import VERBS
from deadheat.cli import app as console

APPS = {"python -m bench": bench.cli.app, "python -m repro": repro.cli.app}


def commands() -> Iterator[tuple[str, Any]]:
    """Every command as (how it is called, what click makes of it)."""
    for program, app in APPS.items():
        yield from below(program, typer.main.get_command(app))


def below(called: str, group: Any) -> Iterator[tuple[str, Any]]:
    """The commands of a group, and those of the groups in it, which are no commands themselves."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from below(f"{called} {name}", command)
        else:
            yield f"{called} {name}", command


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
    others = [(called, command) for called, command in commands() if called != "python -m bench run"]  # has its own
    return "\n\n".join(_section(called, command) for called, command in others) + "\n"


def verbs() -> str:
    """The commands of the console command, each beside the same by `python -m`."""
    helps = {name: command.help.splitlines()[0] for name, command in typer.main.get_command(console).commands.items()}  # type: ignore[attr-defined]
    rows = [(f"`deadheat {verb.name}`", f"`{verb.equivalent}`", helps[verb.name]) for verb in VERBS]
    return tabulate(rows, headers=["", "the same", ""], tablefmt="github") + "\n"


def measuring() -> str:
    rows = [(f"`{' '.join(filter(None, (one.short, one.metavar)))}`", one.help) for one in OPTIONS]
    return tabulate(rows, headers=["option", ""], tablefmt="github") + "\n"


def benchmark_options() -> str:
    """What becomes of every option of pytest-benchmark; those of the same fate in a row."""
    alike: dict[Fate, list[str]] = {}
    for name, fate in FATES.items():
        alike.setdefault(fate, []).append(f"`{name}`")
    rows = [(", ".join(names), fate.effect.value, fate.why) for fate, names in alike.items()]
    return tabulate(rows, headers=["option of pytest-benchmark", "here", ""], tablefmt="github") + "\n"


BLOCKS = {"commands": sections, "verbs": verbs, "measuring": measuring, "pytest-benchmark": benchmark_options}
