"""What the command lines share: what an exit status says, the foot of a help text, what a user's mistake looks like."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from enum import IntEnum
from functools import wraps
from typing import Any

import typer

from impls.errors import DeadheatError


class ExitStatus(IntEnum):
    """What `python -m bench`, `repro` and `reports` end with; `pytest --benchmark-only` ends with pytest's own."""

    FINE = 0
    """Done, and nothing to report."""
    FOUND = 1
    """Done, and there is what the command looks for: something slower, an unfit machine, a claim not tested."""
    REFUSED = 2
    """Not done: a mistake in what was asked, or something missing. As of an option that does not exist."""
    BROKEN = 70
    """A fault of Deadheat itself, with its traceback: never to be taken for FOUND."""


def foot(*examples: str, found: str = "") -> str:
    """What stands below a command's help: examples, and its exit statuses; `found` is what FOUND says here."""
    statuses = [f"{ExitStatus.FINE:d} done", f"{ExitStatus.REFUSED:d} not done, one line says why"]
    if found:
        statuses.insert(1, f"{ExitStatus.FOUND:d} {found}")
    return "\n\n".join([*(f"$ {example}" for example in examples), f"Exit status: {'; '.join(statuses)}."])


def one_line_errors(command: Callable[..., None]) -> Callable[..., None]:
    """A user's mistake is one line on stderr and the exit status REFUSED; our own is a traceback, and BROKEN."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except DeadheatError as problem:
            print(f"error: {problem}", file=sys.stderr)
            raise typer.Exit(ExitStatus.REFUSED) from None
        except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
            raise
        except Exception as fault:
            traceback.print_exc()
            print("error: this is a fault of Deadheat; please report it with the lines above", file=sys.stderr)
            raise typer.Exit(ExitStatus.BROKEN) from fault

    return run
