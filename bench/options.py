"""The options of measuring, and their names: each has one of its own, --bench-NAME, and a short one, --NAME.

Only the own names are registered with pytest, which refuses a name that two plug-ins register. A short name is
replaced in the command line, where no other plug-in has registered it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from bench.plan import suite
from impls.errors import InvalidInput
from results.schema import renames
from results.store.campaigns import DATA

PREFIX = "--bench-"


@dataclass(frozen=True)
class Option:
    """An option by its bare `name`; `settings` are those of argparse."""

    name: str
    help: str
    metavar: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def short(self) -> str:
        return f"--{self.name}"

    @property
    def own(self) -> str:
        return f"{PREFIX}{self.name}"

    @property
    def dest(self) -> str:
        """The name of its value in pytest's configuration."""
        return self.own.removeprefix("--").replace("-", "_")


OPTIONS = (
    Option("suite", "suite to measure: a name or a .toml file (default: quick)", "NAME", {"default": "quick"}),
    Option("results", f"folder for campaigns (default: {DATA})", "DIR", {"default": str(DATA)}),
    Option("preset", f"how to measure: {', '.join(suite.preset_names())} (default: the suite's)", "NAME"),
    Option("budget", "time limit of the measurement, such as 90s or 20m (default: the suite's)", "TIME"),
    Option(
        "target", "stop a group once every 95 % interval is within ±SHARE, such as 2% (default: the suite's)", "SHARE"
    ),
    Option("memory", "memory limit for contestants that run concurrently, such as 8GiB (default: the suite's)", "SIZE"),
    Option(
        "sustained",
        "duration of a sustained run per case, for utilisation and energy meters (default: the preset's)",
        "TIME",
    ),
    Option(
        "as-shipped",
        "use the default allocator, threads and cores of each framework",
        settings={"action": "store_true"},
    ),
    Option(
        "level",
        "measure every contestant tuned, or idiomatic: as its framework's tutorials write it (default: the suite's)",
        "LEVEL",
    ),
    Option(
        "interpreter",
        "run the contestants of a framework with the Python at PATH; repeat it with another label to compare two",
        "FRAMEWORK@LABEL=PATH",
        {"action": "append", "default": []},
    ),
    Option(
        "keep-env",
        "pass an environment variable, or all that match a pattern such as 'OMP_*', to launches; recorded; repeatable",
        "NAME",
        {"action": "append", "default": []},
    ),
    Option(
        "prove-parity",
        "compute the evidence of equal networks anew, also where an earlier campaign's is still valid",
        settings={"action": "store_true"},
    ),
    Option("sizes-from", "take the input sizes of streams from the images in FOLDER (suite stream)", "FOLDER"),
    Option("resume", "resume an interrupted campaign in its folder", "CAMPAIGN"),
    Option(
        "devices",
        "divide every step over N devices, or over each of several numbers, such as 1,2,4 (default: the suite's)",
        "N,…",
    ),
    Option("device", "cpu or cuda (default: cpu)", "DEVICE", {"default": "cpu"}),
    Option("report", "folder for the HTML report (default: reports/html)", "DIR", {"default": "reports/html"}),
    Option("json", "also write the summary as JSON: every case with its verdict, every warning", "FILE"),
    Option(
        "no-report",
        "do not write the report (later: python -m bench report)",
        settings={"action": "store_true"},
    ),
)
BY_SHORT = {option.short: option for option in OPTIONS}


def register(parser: pytest.Parser) -> None:
    """Register every option under its own name."""
    group = parser.getgroup(
        "deadheat", "deadheat: measure with --benchmark-only, select cases with -k; --NAME is short for --bench-NAME"
    )
    for option in OPTIONS:
        shown = {"metavar": option.metavar} if option.metavar else {}
        text = f"{option.short}: {option.help}".replace("%", "%%")
        group.addoption(option.own, dest=option.dest, help=text, **shown, **option.settings)


def in_full(arguments: Sequence[str], is_taken: Callable[[str], bool] = lambda name: False) -> list[str]:
    """The arguments with own names in the place of short ones, up to "--".

    InvalidInput for a short name that `is_taken`: its value would go to another plug-in, unseen.
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return [*(_in_full(argument, is_taken) for argument in arguments[:end]), *arguments[end:]]


def _in_full(argument: str, is_taken: Callable[[str], bool]) -> str:
    name, equals, value = argument.partition("=")
    if name in renames.OPTIONS and not is_taken(name):
        name = renames.option(name)
    if name not in BY_SHORT:
        return argument
    own = BY_SHORT[name].own
    if is_taken(name):
        raise InvalidInput(
            f"{name} is an option of another pytest plug-in here; write {own}, or use python -m bench run"
        )
    return f"{own}{equals}{value}"


def is_registered(parser: pytest.Parser, name: str) -> bool:
    """Whether pytest's parser knows an option of that name."""
    try:
        return name not in parser.parse_known_and_unknown_args([name])[1]
    except pytest.UsageError:  # it is known, and lacks its value
        return True
