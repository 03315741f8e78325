"""The command that repeats the measurement of a case."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence, Set

from results.schema.system import System

SPECIAL = frozenset('"$`\\!\n')
"""Characters that a shell interprets between double quotes; single quotes are used for them, which Windows lacks."""
FLAG = "--as-shipped"
VALUED = frozenset({"--preset", "--device", "--sizes-from", "--interpreter", "--keep-env"})
"""Options that change what a case is or how it is measured, but not for how long."""


def campaign_options(system: System) -> Sequence[str]:
    """The options with which a campaign's cases are measured, as far as they are recorded."""
    suite = system.suite.name
    return [*(["--suite", suite] if suite else []), *_kept(system, VALUED)]


def resume(system: System, campaign: str, minutes: int) -> str:
    """The command that goes on with a campaign; `minutes`: its budget, 0 for the suite's own."""
    budget = ["--budget", f"{minutes}m"] if minutes else []
    found = _kept(system, frozenset({"--results"}))
    return " ".join(["python -m bench run", shlex.join(["--resume", campaign, *budget, *found])])


def _kept(system: System, valued: Set[str]) -> Sequence[str]:
    """FLAG and the options `valued` of the recorded command, under their current names."""
    try:
        words = shlex.split(system.command or "")
    except ValueError:  # recorded text of any content
        words = []
    kept: list[str] = []
    for number, word in enumerate(words):
        word = word.replace("--bench-", "--", 1) if word.startswith("--bench-") else word
        name, equals, _ = word.partition("=")
        if (word == FLAG and valued is VALUED) or (name in valued and equals):
            kept.append(word)
        elif name in valued:
            kept += [name, *words[number + 1 : number + 2]]
    return kept


def reproduce(cases: Iterable[str], options: Sequence[str]) -> str:
    """The command for these cases of a campaign that was measured with `options`; reports/assets/detail.js does the
    same."""
    nodes = [f"bench/test_cases.py::test_case[{case}]" for case in cases]
    quoted = [shlex.quote(node) if SPECIAL & set(node) else f'"{node}"' for node in nodes]
    return " ".join(["python -m bench run", *quoted, *map(shlex.quote, options)])
