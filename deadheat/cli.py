"""The console command `deadheat`: every command of `python -m bench`, `repro` and `reports` under one name."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperGroup
from typer.models import CommandInfo, TyperInfo

import bench.cli
import reports.cli
import repro.cli
from impls.command import help_epilog

PROGRAM = "deadheat"


@dataclass(frozen=True)
class Verb:
    """A command of `deadheat`, or a group of commands: `called` of the program `source`, in `panel` of the help."""

    name: str
    source: str
    called: str
    panel: str

    @property
    def equivalent(self) -> str:
        """The same by `python -m`; a program with a single command is called without that command's name."""
        return self.source if self.source == REPORTS else f"{self.source} {self.called}"


MEASURE, READ, REPRODUCE = "Measure", "Read what was measured", "Reproduce the papers' claims"
BENCH, REPRO, REPORTS = "python -m bench", "python -m repro", "python -m reports"
APPS = {BENCH: bench.cli.app, REPRO: repro.cli.app, REPORTS: reports.cli.app}
VERBS = (
    Verb("run", BENCH, "run", MEASURE),
    Verb("fleet", BENCH, "fleet", MEASURE),
    Verb("list", BENCH, "list", MEASURE),
    Verb("describe", BENCH, "describe", MEASURE),
    Verb("doctor", BENCH, "doctor", MEASURE),
    Verb("selftest", BENCH, "selftest", MEASURE),
    Verb("show", BENCH, "show", READ),
    Verb("compare", BENCH, "compare", READ),
    Verb("history", BENCH, "history", READ),
    Verb("export", BENCH, "export", READ),
    Verb("mirror", BENCH, "mirror", READ),
    Verb("report", REPORTS, "report", READ),
    Verb("reproduce", REPRO, "run", REPRODUCE),
    Verb("claims", REPRO, "list", REPRODUCE),
    Verb("judge", REPRO, "judge", REPRODUCE),
    Verb("plan", REPRO, "plan", REPRODUCE),
    Verb("train", REPRO, "train", REPRODUCE),
    Verb("datasets", REPRO, "data", REPRODUCE),
    Verb("download", REPRO, "download", REPRODUCE),
    Verb("verify", REPRO, "verify", REPRODUCE),
)


class _InOrder(TyperGroup):
    """Typer lists groups before commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [verb.name for verb in VERBS]


app = typer.Typer(
    cls=_InOrder,
    help="Benchmark and reproduce the classic convolutional networks across frameworks.",
    epilog=help_epilog(
        'deadheat run --suite smoke -k "lenet5 and infer"',
        "deadheat compare --help",
        found="a command found what it looks for",
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _add(verb: Verb) -> None:
    """The verb as its own program has it, but for its name and how its examples are typed."""
    source = APPS[verb.source]
    for group in source.registered_groups:
        if group.name == verb.called:
            app.registered_groups.append(_group(verb, group))
    for command in source.registered_commands:
        if name_of(command) == verb.called:
            app.registered_commands.append(_command(verb, command, name=verb.name, rich_help_panel=verb.panel))


def name_of(command: CommandInfo) -> str:
    return command.name or command.callback.__name__  # type: ignore[union-attr]


def _command(verb: Verb, command: CommandInfo, **changes: str) -> CommandInfo:
    ours = copy(command)
    ours.epilog = _typed(verb, command.epilog or "")
    for name, value in changes.items():
        setattr(ours, name, value)
    return ours


def _group(verb: Verb, group: TyperInfo) -> TyperInfo:
    ours, theirs = copy(group), group.typer_instance
    assert theirs is not None
    commands = copy(theirs)
    commands.registered_commands = [_command(verb, command) for command in theirs.registered_commands]
    commands.info = copy(theirs.info)
    commands.info.epilog = _typed(verb, str(theirs.info.epilog))
    ours.name, ours.rich_help_panel, ours.typer_instance = verb.name, verb.panel, commands
    return ours


def _typed(verb: Verb, epilog: str) -> str:
    return epilog.replace(f"$ {verb.equivalent}", f"$ {PROGRAM} {verb.name}")


for _verb in VERBS:
    _add(_verb)
