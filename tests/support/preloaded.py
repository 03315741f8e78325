"""`python -m MODULE ARGUMENT...` in a fork of an interpreter that has imported Deadheat and the packages that it uses.

To import pytest, pandas and the others takes seconds of a core, and Deadheat's own modules most of another one, which
hundreds of tests would spend anew. No cache of a module holds an answer by then, so the fork finds entry points and
variables as a command does. Where the start of an interpreter is what a test shows (encodings, installation), it starts
one.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PRELOADED = ["pytest", "pandas", "numpy", "scipy.stats", "pydantic", "rich.progress", "typer", "jinja2", "psutil"]
PRELOADED += ["matplotlib.figure", "pytest_benchmark.plugin", "PIL.Image", "requests", "tabulate", "cpuinfo"]
# Without bench.plugin: pytest warns of a plug-in that was imported before it could rewrite its assertions.
PRELOADED += ["bench.cli", "bench.session", "bench.terminal.summary", "bench.terminal.summary_json", "results.advice"]
PRELOADED += ["results.tables.cases", "reports.pages.campaign", "repro.runner.trials", "repro.cli"]


def run_module(
    arguments: Sequence[object], cwd: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """What `python -m` with these arguments, in that folder and environment, prints and answers."""
    with Command(arguments, cwd, environment) as command:
        command.wait()
        said = command.stdout.result(), command.stderr.result()
        return subprocess.CompletedProcess(command.arguments, command.returncode, *said)


class Command:
    """`python -m` with these arguments, which goes on while tests watch it; subprocess.Popen has the same names.

    `before`: called in the fork, so they must be picklable. `merged`: its errors are part of its output. It hears
    Ctrl-C and the end of a terminal even where the tests do not, as in a shell's background or under nohup.
    """

    def __init__(
        self,
        arguments: Sequence[object],
        cwd: Path,
        environment: Mapping[str, str],
        before: Sequence[Callable[[], object]] = (),
        merged: bool = False,
    ):
        command = [str(argument) for argument in arguments]
        self.arguments = [sys.executable, "-m", *command]
        self._reading = ThreadPoolExecutor(2)
        with ExitStack() as written:  # the ends that the fork alone is to hold
            self.stdout, output = self._read(written)
            self.stderr, errors = (self.stdout, output) if merged else self._read(written)
            streams = _Inherited(output), _Inherited(errors)
            facts = command, str(cwd), dict(environment), installed(), tuple(before)
            self._process = context().Process(target=serve, args=(*facts, *streams))
            self._process.start()

    def _read(self, written: ExitStack) -> tuple[Future[str], int]:
        """What will come out of a pipe until all of its writers have ended, and the end that they write to."""
        reader, writer = os.pipe()
        written.callback(os.close, writer)
        return self._reading.submit(_text, reader), writer

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def returncode(self) -> int:
        """Its exit status; below 0 for a signal. It must have ended."""
        status = self.poll()
        assert status is not None, "it has not ended"
        return status

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        return self.returncode

    def kill(self) -> None:
        self._process.kill()

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *raised: object) -> None:
        self._reading.shutdown()
        self._process.close()


def _text(descriptor: int) -> str:
    with open(descriptor, "rb") as file:
        return file.read().decode(errors="replace").replace("\r\n", "\n")


@cache
def context() -> ForkServerContext:
    """The server of this process: it starts with the first command and ends with this process."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(PRELOADED)
    with contextlib.chdir(ROOT):  # where the server finds Deadheat, whatever a test's working directory is
        forkserver.ensure_running()
    return found


@cache
def installed() -> list[str]:
    """The path of modules that an interpreter has without a folder and without $PYTHONPATH."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", "import json, sys; print(json.dumps(sys.path[1:]))"]
    done = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    return list(json.loads(done.stdout))


class _Inherited:
    """A descriptor on its way to the fork."""

    def __init__(self, descriptor: int):
        self.descriptor = descriptor

    def __reduce__(self) -> tuple[object, ...]:
        from multiprocessing.reduction import DupFd

        return _detach, (DupFd(self.descriptor),)


def _detach(sent: object) -> int:
    return sent.detach()  # type: ignore[attr-defined,no-any-return]


def serve(
    command: list[str],
    cwd: str,
    environment: dict[str, str],
    installed: list[str],
    before: tuple[Callable[[], object], ...],
    stdout: int,
    stderr: int,
) -> None:
    """The fork: becomes the command, and exits with its status."""
    for target, descriptor in ((1, stdout), (2, stderr)):
        os.dup2(descriptor, target)
    for descriptor in {stdout, stderr}:
        os.close(descriptor)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    for action in before:
        action()
    encoding = environment.get("PYTHONIOENCODING") or None
    sys.stdout = os.fdopen(1, "w", encoding=encoding, closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding=encoding, errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # where the fork server found it
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
