"""`python -m bench run`: pytest on the cases, in any folder, with the package's own configuration and no other."""

from __future__ import annotations

import os
import shlex
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from bench import options, plugin

CASES = plugin.HOME / "test_cases.py"
NODE = f"{plugin.HOME.name}/{CASES.name}::"
"""What the ids of the tests begin with."""
CONFIGURATION = (
    f"-c{os.devnull}",
    f"--rootdir={plugin.HOME.parent}",
    "--import-mode=importlib",
    "--noconftest",
    "--strict-markers",
    "-pno:cacheprovider",
    "--benchmark-only",
)
"""Without a file, what pytest reads where it is called, or beside a path in its options, has no effect here."""


@dataclass(frozen=True)
class Invocation:
    """A plug-in that tells bench.plugin what was typed."""

    command: str
    __name__ = plugin.INVOCATION  # by which pytest registers it


def run(arguments: Sequence[str], called: str) -> int:
    """Measure; `arguments` are pytest's, short names of options ours. The exit status, which is pytest's.

    `called`: the command that was typed, without arguments, which the campaign keeps.

    Ids of tests (bench/test_cases.py::...) choose cases; without one it is all of the suite.
    """
    nodes = [str(plugin.HOME.parent / argument) for argument in arguments if argument.startswith(NODE)]
    others = [argument for argument in arguments if not argument.startswith(NODE)]
    typed = Invocation(f"{called} {shlex.join(arguments)}".rstrip())
    # Cases first: some options take all that follows them.
    command = [*(nodes or [str(CASES)]), *CONFIGURATION, *options.in_full(others)]
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # whatever PYTHONWARNINGS says
        return int(pytest.main(command, plugins=[plugin, typed]))
