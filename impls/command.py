"""Shared by the command lines: exit statuses, epilogs of help texts, one-line errors."""

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

PACKAGES = "results", "bench", "repro", "reports"
"""Those beside this one; their names are common ones."""


class ExitStatus(IntEnum):
    """What `deadheat`, `python -m bench`, `repro` and `reports` end with; measuring (`run`) ends with pytest's."""

    OK = 0
    """Done, and nothing to report."""
    FINDINGS = 1
    """Done, and there is what the command looks for: something slower, an unfit machine, a claim not tested."""
    USAGE_ERROR = 2
    """Not done: a mistake in what was asked, or something missing. As of an option that does not exist."""
    CUT = 141
    """What read the output has ended, as `head` does. The status that a shell gives to a program ended by SIGPIPE."""
    INTERNAL_ERROR = 70
    """A fault of Deadheat itself, with its traceback: never to be taken for FINDINGS."""


def path_argument(text: str) -> Path:
    """A path of the command line, for Typer's `parser`: with ~ replaced."""
    try:
        return typed_path(text)
    except DeadheatError as problem:
        raise typer.BadParameter(str(problem)) from None


def help_epilog(*examples: str, found: str = "", statuses: Sequence[str] = ()) -> str:
    """What stands below a command's help: examples, and its exit statuses.

    `found` is the meaning of FINDINGS here; `statuses` are those of a command that has others.
    """
    own = [f"{ExitStatus.OK:d} done", f"{ExitStatus.USAGE_ERROR:d} error, named in one line"]
    if found:
        own.insert(1, f"{ExitStatus.FINDINGS:d} {found}")
    return "\n\n".join([*(f"$ {example}" for example in examples), f"Exit status: {'; '.join(statuses or own)}."])


def one_line_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Wrap a command: a user's mistake is one line and USAGE_ERROR, our own a traceback and INTERNAL_ERROR."""

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
            for stranger in _strangers():
                print(f"error: {stranger}; rename it, or start in another folder", file=sys.stderr)
                break
            else:
                status = _status_of(import_module(module).app, program)
    except OutputLost as lost:
        status = _report_lost_output(lost.__cause__)
    sys.exit(status)


def _strangers() -> Iterator[str]:
    """What is imported in place of our packages, because it is in the working directory."""
    home = Path(__file__).resolve().parent.parent
    for name in PACKAGES:
        spec = find_spec(name)
        place = spec and (spec.origin or next(iter(spec.submodule_search_locations or ()), None))
        if place and Path(place).resolve() != home / name / "__init__.py":
            yield f"{place!r} takes the place of Deadheat's package {name!r}"


def _status_of(app: Callable[..., object], program: str) -> Any:
    """The status that a command line, which always exits, exits with."""
    try:
        return app(prog_name=program)
    except SystemExit as end:
        return end.code


def _report_lost_output(problem: BaseException | None) -> ExitStatus:
    """The status where the output is lost, after a line on stderr unless its reader is just gone."""
    if isinstance(problem, BrokenPipeError):
        return ExitStatus.CUT
    with contextlib.suppress(OSError):
        print(f"error: the output can't be written: {getattr(problem, 'strerror', problem)}", file=sys.stderr)
    return ExitStatus.USAGE_ERROR
