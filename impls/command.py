"""Shared parts of the command lines: exit statuses, help epilogs, and errors in one line."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import typer

from impls.errors import DeadheatError
from impls.paths import typed_path
from impls.terminal import OutputLost, outputs

PACKAGES = "results", "fleet", "bench", "repro", "reports"
"""The other packages of this project, whose names are common ones."""


class ExitStatus(IntEnum):
    """Exit statuses of `deadheat`, `python -m bench`, `repro` and `reports`; measuring (`run`) has pytest's."""

    OK = 0
    """Done, without findings."""
    FINDINGS = 1
    """Done, with findings: a slower case, an unfit machine, a claim not tested."""
    USAGE_ERROR = 2
    """Not done: invalid usage, or something missing. Also the status for an unknown option."""
    CUT = 141
    """The reader of the output has ended, as `head` does. A shell's status for a program killed by SIGPIPE."""
    INTERNAL_ERROR = 70
    """An internal error of Deadheat, with its traceback; distinct from FINDINGS."""


def path_argument(text: str) -> Path:
    """A path of the command line, for Typer's `parser`: with ~ replaced."""
    try:
        return typed_path(text)
    except DeadheatError as problem:
        raise typer.BadParameter(str(problem)) from None


def help_epilog(*examples: str, found: str = "", statuses: Sequence[str] = ()) -> str:
    """Epilog of a command's help: examples and exit statuses.

    `found`: the meaning of FINDINGS for this command; `statuses`: replace all of them.
    """
    default_statuses = [f"{ExitStatus.OK:d} done", f"{ExitStatus.USAGE_ERROR:d} error, named in one line"]
    if found:
        default_statuses.insert(1, f"{ExitStatus.FINDINGS:d} {found}")
    return "\n\n".join(
        [*(f"$ {example}" for example in examples), f"Exit status: {'; '.join(statuses or default_statuses)}."]
    )


def one_line_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Report a user error as one line on stderr with USAGE_ERROR, others with a traceback and INTERNAL_ERROR."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except DeadheatError as problem:
            print(f"error: {problem}", file=sys.stderr)
            raise typer.Exit(ExitStatus.USAGE_ERROR) from None
        except (typer.Exit, typer.Abort, typer.BadParameter, OutputLost):
            raise
        except Exception as fault:
            traceback.print_exc()
            print("error: internal error of Deadheat; please report it with the lines above", file=sys.stderr)
            raise typer.Exit(ExitStatus.INTERNAL_ERROR) from fault

    return run


def main(module: str, program: str) -> NoReturn:
    """Run the command line `app` of a module, called as `program`, and end the process with an ExitStatus."""
    status: Any = ExitStatus.USAGE_ERROR
    try:
        with outputs():
            for shadowing in _shadowing_modules():
                print(f"error: {shadowing}; rename it, or start in another folder", file=sys.stderr)
                break
            else:
                status = _status_of(import_module(module).app, program)
    except OutputLost as lost:
        status = _report_lost_output(lost.__cause__)
    sys.exit(status)


def _shadowing_modules() -> Iterator[str]:
    """Modules in the working directory that shadow Deadheat's packages, one message each."""
    home = Path(__file__).resolve().parent.parent
    for name in PACKAGES:
        spec = find_spec(name)
        place = spec and (spec.origin or next(iter(spec.submodule_search_locations or ()), None))
        if place and Path(place).resolve() != home / name / "__init__.py":
            yield f"{place!r} takes the place of Deadheat's package {name!r}"


def _status_of(app: Callable[..., object], program: str) -> Any:
    """The exit status of a command line."""
    try:
        return app(prog_name=program)
    except SystemExit as end:
        return end.code


def _report_lost_output(problem: BaseException | None) -> ExitStatus:
    """The status if the output is lost; prints one line on stderr unless its reader has ended."""
    if isinstance(problem, BrokenPipeError):
        return ExitStatus.CUT
    with contextlib.suppress(OSError):
        print(f"error: the output can't be written: {getattr(problem, 'strerror', problem)}", file=sys.stderr)
    return ExitStatus.USAGE_ERROR
