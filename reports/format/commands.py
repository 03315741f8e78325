"""The command that repeats the measurement of a case."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from results.schema.system import System

SPECIAL = frozenset('"$`\\!\n')
"""Characters that a shell interprets between double quotes; single quotes are used for them, which Windows lacks."""
FLAG = "--as-shipped"
VALUED = frozenset({"--preset", "--device", "--sizes-from", "--interpreter", "--keep-env"})
"""Options that change what a case is or how it is measured, but not for how long."""


def campaign_options(system: System) -> Sequence[str]:
    """The options with which a campaign's cases are measured, as far as they are recorded."""
    suite = system.suite.name
    try:
        words = shlex.split(system.command or "")
    except ValueError:  # recorded text of any content
        words = []
    kept = ["--suite", suite] if suite else []
    for number, word in enumerate(words):
        word = word.replace("--bench-", "--", 1) if word.startswith("--bench-") else word
        name, equals, _ = word.partition("=")
        if word == FLAG or (name in VALUED and equals):
            kept.append(word)
        elif name in VALUED:
            kept += [name, *words[number + 1 : number + 2]]
    return kept


def reproduce(cases: Iterable[str], options: Sequence[str]) -> str:
    """The command for these cases of a campaign that was measured with `options`; reports/assets/detail.js does the
    same."""
    nodes = [f"bench/test_cases.py::test_case[{case}]" for case in cases]
    quoted = [shlex.quote(node) if SPECIAL & set(node) else f'"{node}"' for node in nodes]
    return " ".join(["python -m bench run", *quoted, *map(shlex.quote, options)])
