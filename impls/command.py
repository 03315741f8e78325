"""What every command line does with a user's mistake."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import typer

from impls.errors import DeadheatError


def one_line_errors(command: Callable[..., None], status: int = 1) -> Callable[..., None]:
    """A user's mistake is one line on stderr and that exit status."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except DeadheatError as problem:
            print(f"error: {problem}", file=sys.stderr)
            raise typer.Exit(status) from None

    return run
