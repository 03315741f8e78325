"""The console command `deadheat`: every command of `python -m bench`, `repro` and `reports` under one name."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import typer
from typer.models import CommandInfo

import bench.cli
import reports.cli
import repro.cli
from impls.command import help_epilog

PROGRAM = "deadheat"


@dataclass(frozen=True)
class Verb:
    """A command of `deadheat`: the command `called` of the program `source`, listed in `panel` of the help."""

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

app = typer.Typer(
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


def _command(verb: Verb) -> CommandInfo:
    """The verb's command as its own program has it, but for its name and how its examples are typed."""
    registered = APPS[verb.source].registered_commands
    command = copy(next(one for one in registered if (one.name or one.callback.__name__) == verb.called))  # type: ignore[union-attr]
    command.name, command.rich_help_panel = verb.name, verb.panel
    command.epilog = (command.epilog or "").replace(f"$ {verb.equivalent}", f"$ {PROGRAM} {verb.name}")
    return command


app.registered_commands.extend(map(_command, VERBS))
