"""`python -m MODULE ARGUMENT...` in a fork of an interpreter that has imported the packages that Deadheat uses.

To import pytest, pandas and the others takes most of a second of a core, which hundreds of tests would spend anew. The
fork imports Deadheat's own modules itself, so that it has the state, the entry points and the environment of a command.
Where the start of an interpreter is what a test shows (signals, installation), it starts one.
"""

from __future__ import annotations

import atexit
import importlib
import json
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import IO

PRELOADED = ["pytest", "pandas", "numpy", "scipy.stats", "pydantic", "rich.progress", "typer", "jinja2", "psutil"]
PRELOADED += ["matplotlib.figure", "pytest_benchmark.plugin", "PIL.Image", "requests", "tabulate", "cpuinfo"]


def run_module(
    arguments: Sequence[object], cwd: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """What `python -m` with these arguments, in that folder and environment, prints and answers."""
    command = [str(argument) for argument in arguments]
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        process = context().Process(
            target=serve,
            args=(command, str(cwd), dict(environment), installed(), _Inherited(stdout), _Inherited(stderr)),
        )
        process.start()
        process.join()
        said = [_text(file) for file in (stdout, stderr)]
        return subprocess.CompletedProcess([sys.executable, "-m", *command], process.exitcode or 0, *said)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace").replace("\r\n", "\n")


@cache
def context() -> ForkServerContext:
    """The server of this process: it starts with the first command and ends with this process."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(PRELOADED)
    return found


@cache
def installed() -> list[str]:
    """The path of modules that an interpreter has without a folder and without $PYTHONPATH."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", "import json, sys; print(json.dumps(sys.path[1:]))"]
    done = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    return list(json.loads(done.stdout))


class _Inherited:
    """A file's descriptor on its way to the fork."""

    def __init__(self, file: IO[bytes]):
        self.descriptor = file.fileno()

    def __reduce__(self) -> tuple[object, ...]:
        from multiprocessing.reduction import DupFd

        return _detach, (DupFd(self.descriptor),)


def _detach(sent: object) -> int:
    return sent.detach()  # type: ignore[attr-defined,no-any-return]


def serve(
    command: list[str], cwd: str, environment: dict[str, str], installed: list[str], stdout: int, stderr: int
) -> None:
    """The fork: becomes the command, and exits with its status."""
    for target, descriptor in ((1, stdout), (2, stderr)):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(cwd)
    sys.path[:] = [cwd, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)), *installed]
    sys.argv[:] = [command[0], *command[1:]]
    importlib.invalidate_caches()
    status = _status(command[0])
    atexit._run_exitfuncs()  # multiprocessing leaves them out
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


def _status(module: str) -> int:
    """The exit status that Python gives what the module raises."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ending:
        if isinstance(ending.code, str):
            print(ending.code, file=sys.stderr)
            return 1
        return int(ending.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0
