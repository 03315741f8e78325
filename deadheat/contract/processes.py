"""Processes that may import a framework, and that live for the whole session.

A framework takes seconds to import and some settings are read only then, so there is one child for each framework,
environment and precision, and it answers one request after another: a function of a module, by name, with
arguments and answer pickled. A child that dies fails the test that asked, and the next request starts a new one.
"""

from __future__ import annotations

import importlib
import os
import pickle
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Semaphore
from typing import IO, Any

import bench  # noqa: F401  # which brings the names of frameworks that only benchmarks need
from impls.frameworks import CACHE

AT_A_TIME = Semaphore(2)
"""As many children compute at once as the smallest machines have cores."""

MODEST = {
    # Two children with threads of their own would only be in each other's way.
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    # Half of what XLA takes to compile; what it computes is settled before LLVM sees it.
    "XLA_FLAGS": "--xla_backend_optimization_level=0",
    # A dozen children live side by side: what one does not use goes back to the system.
    "MALLOC_MMAP_THRESHOLD_": "8388608",
}


def python_path() -> str:
    """$PYTHONPATH of a process that is to find the modules that this one finds."""
    return os.pathsep.join(filter(None, sys.path))


class ChildFailed(AssertionError):
    """What went wrong in a child: its traceback, or how it died. `kind` is the exception's class there."""

    def __init__(self, kind: str, text: str):
        super().__init__(text)
        self.kind = kind


@dataclass
class Child:
    """One process, started at its first request."""

    environment: Mapping[str, str]
    log: Path
    _process: subprocess.Popen[bytes] | None = None
    _turn: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=1))

    def submit(self, function: str, *arguments: Any) -> Future[Any]:
        """The answer of `module.function(*arguments)`, computed in the child; a Future argument is waited for."""
        return self._turn.submit(self._ask, function, arguments)

    def _ask(self, function: str, arguments: tuple[Any, ...]) -> Any:
        known = [value.result() if isinstance(value, Future) else value for value in arguments]
        with AT_A_TIME:
            good, answer = self._exchange(function, known)
        time.sleep(0.001)  # lets waiting threads take the semaphore before this one asks again
        if not good:
            raise ChildFailed(*answer)
        return answer

    def _exchange(self, function: str, arguments: list[Any]) -> tuple[bool, Any]:
        process = self._alive()
        try:
            pickle.dump((function, arguments), process.stdin)  # type: ignore[arg-type]
            process.stdin.flush()  # type: ignore[union-attr]
            return pickle.load(process.stdout)  # type: ignore[arg-type,no-any-return]
        except (EOFError, BrokenPipeError):
            self._end()
            what = f"{function}{arguments}: exit status {process.returncode}\n{self._tail()}"
            return False, ("Died", what)

    def _alive(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "deadheat.contract.processes"],
                    env={**os.environ, **MODEST, **self.environment, "PYTHONPATH": python_path()},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                )
        return self._process

    def _tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def _end(self) -> None:
        if process := self._process:
            for pipe in (process.stdin, process.stdout):
                pipe.close()  # type: ignore[union-attr]
            process.wait()
            self._process = None

    def close(self) -> None:
        """Nothing more is asked; what was not begun is dropped. A framework would take a second to end by itself."""
        self._turn.shutdown(cancel_futures=True)
        if self._process:
            self._process.kill()
        self._end()


@dataclass
class Children:
    """The session's children by what they are for."""

    folder: Path
    _known: dict[Any, Child] = field(default_factory=dict)

    def child(self, name: str, environment: Mapping[str, str] | None = None) -> Child:
        """The child of that name and environment."""
        caches = str(self.folder)
        settings = {variable: value.replace(CACHE, caches) for variable, value in (environment or {}).items()}
        key = (name, *sorted(settings.items()))
        if key not in self._known:
            self._known[key] = Child(settings, self.folder / f"{name}-{len(self._known)}.log")
        return self._known[key]

    def close(self) -> None:
        for child in self._known.values():
            child.close()


def answer(future: Future[Any]) -> Any:
    """What the child answered; where a framework says that it lacks a layer, the test is skipped in its own words."""
    import pytest  # not in the children

    try:
        return future.result()
    except ChildFailed as failure:
        if failure.kind == "Unsupported":
            pytest.skip(str(failure).strip().splitlines()[-1])
        raise


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answers requests until there are no more."""
    while True:
        try:
            function, arguments = pickle.load(requests)
        except EOFError:
            return
        pickle.dump(_answer(function, arguments), answers)
        answers.flush()


def _answer(function: str, arguments: list[Any]) -> tuple[bool, Any]:
    module, _, name = function.partition(":")
    try:
        return True, getattr(importlib.import_module(module), name)(*arguments)
    except Exception as problem:  # whatever it is, the test that asked reports it
        return False, (type(problem).__name__, traceback.format_exc())


if __name__ == "__main__":
    os.nice(10)  # the tests beside it, which start campaigns, come first
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a framework prints must not get between the answers
    serve(sys.stdin.buffer, channel)
