"""Processes that may import a framework, and that live for the whole session.

Some settings of a framework hold for a whole process, so there is one child for each framework, environment and
precision, and it answers one request after another: a function of a module, by name, with arguments and answer pickled.
A framework takes seconds to import, so children are forks of a process that has imported it: of one process wherever
their environments differ only in folders for compilers. A child that dies fails the test that asked, and the next
request starts a new one.

    python -m deadheat.contract.processes FD MODULE...      FD: a socket, over which come the connections of forks
"""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BufferedRWPair
from pathlib import Path
from threading import Lock, Semaphore
from typing import Any

import bench  # noqa: F401  # which brings the names of frameworks that only benchmarks need
from deadheat.contract.device import TESTED
from impls.frameworks import CACHE, filled, frameworks, is_card, load_framework
from impls.host import nvidia
from impls.host.process import set_parent_death_signal

AT_A_TIME = Semaphore(2)
"""As many children compute at once as the smallest machines have cores."""

MODEST = {
    # Two children with threads of their own would only be in each other's way.
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    # A fifth of what XLA takes to compile; what it computes is settled before it emits code. Code divided into parts,
    # for threads, takes longer in sum.
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
    " --xla_cpu_parallel_codegen_split_count=1",
    # Inductor would start a pool of processes, each of which imports PyTorch, for every child that compiles.
    "TORCHINDUCTOR_COMPILE_THREADS": "1",
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
class Parent:
    """A process that imports modules in an environment, and then forks a child for each connection."""

    environment: Mapping[str, str]
    modules: Sequence[str]
    log: Path
    _process: subprocess.Popen[bytes] | None = None
    _control: socket.socket | None = None
    _starting: Lock = field(default_factory=Lock)

    def connect(self) -> socket.socket:
        """A connection to a new child; it is closed where the process ends before it can fork."""
        ours, theirs = socket.socketpair()
        with theirs, self._starting:
            socket.send_fds(self._alive(), [b"fork"], [theirs.fileno()])
        return ours

    def _alive(self) -> socket.socket:
        if self._control is None or self._process is None or self._process.poll() is not None:
            self.close()
            self._control, theirs = socket.socketpair()
            with theirs, self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "deadheat.contract.processes", str(theirs.fileno()), *self.modules],
                    env={**os.environ, **MODEST, **self.environment, "PYTHONPATH": python_path()},
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
        return self._control

    def close(self) -> None:
        """End the process, and with it its children. A framework would take a second to end by itself."""
        if self._control and self._process:
            self._control.close()
            self._process.kill()
            self._process.wait()
            self._control = self._process = None


@dataclass
class Child:
    """One process, forked from its parent at its first request."""

    parent: Parent
    _link: socket.socket | None = None
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
        try:
            self._link = self._link or self.parent.connect()
            with self._link.makefile("rwb") as stream:
                pickle.dump((function, arguments), stream)
                stream.flush()
                return pickle.load(stream)  # type: ignore[no-any-return]
        except (EOFError, OSError) as problem:
            self.close()
            tail = self.parent.log.read_text(errors="replace")[-2000:]
            return False, ("Died", f"{function}{arguments}: {problem or 'its process ended'}\n{tail}")

    def close(self) -> None:
        """Close the connection, at which the child ends."""
        if self._link:
            self._link.close()
            self._link = None

    def drop(self) -> None:
        """Nothing more is asked; what was not begun is dropped."""
        self._turn.shutdown(cancel_futures=True)
        self.close()


Key = tuple[Any, ...]


@dataclass
class Children:
    """The session's children by what they are for."""

    folder: Path
    _parents: dict[Key, Parent] = field(default_factory=dict)
    _known: dict[Key, Child] = field(default_factory=dict)

    def of(self, contestant: str, precision: str) -> Child:
        """The child of framework:execution in that precision."""
        name, _, execution = contestant.partition(":")
        framework = load_framework(name)
        found = framework.execution(execution)
        purpose = f"{name}-{precision} {' '.join(found.environment)}"
        return self.child(purpose, found.environment, (*framework.preload, *found.preload))

    def child(self, name: str, environment: Mapping[str, str] | None = None, modules: Sequence[str] = ()) -> Child:
        """The child of that name and environment, forked where the first of these modules is imported, and most others.

        It imports the rest when it needs them. Every child is told every compiler's folder: those of others change
        nothing for it, and without them executions would have parents of their own.
        """
        settings = {
            **filled({**_folders(), **(environment or {})}, str(self.folder), TESTED),
            **nvidia.environment(TESTED),
        }
        where = (*modules[:1], *sorted(settings.items()))
        if where not in self._parents:
            self._parents[where] = Parent(settings, modules, self.folder / f"parent-{len(self._parents)}.log")
        key = (name, *where)
        if key not in self._known:
            self._known[key] = Child(self._parents[where])
        return self._known[key]

    def close(self) -> None:
        for child in self._known.values():
            child.drop()
        for parent in self._parents.values():
            parent.close()


def _folders() -> dict[str, str]:
    """The variables of all executions in which compilers are given a folder."""
    executions = (execution for framework in frameworks().values() for execution in framework.executions)
    return {name: value for one in executions for name, value in one.environment.items() if CACHE in value}


def answer(future: Future[Any]) -> Any:
    """What the child answered; where a framework lacks a layer, or CUDA, the test is skipped in its own words."""
    import pytest  # not in the children

    try:
        return future.result()
    except ChildFailed as failure:
        if failure.kind == "Unsupported" or (failure.kind == "Unavailable" and is_card(TESTED)):
            pytest.skip(str(failure).strip().splitlines()[-1])
        raise


def fork_for_each_connection(control: socket.socket, modules: Sequence[str]) -> None:
    """Import the modules, and serve each connection that comes over the socket in a fork, until it is closed."""
    for module in modules:
        importlib.import_module(module)
    gc.freeze()  # a fork's collections need not visit, and copy, what was imported
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel removes forks that have ended
    parent = os.getpid()
    while descriptors := socket.recv_fds(control, 16, 1)[1]:
        with socket.socket(fileno=descriptors[0]) as connection:
            if not os.fork():
                set_parent_death_signal(parent)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a compiler waits for its processes
                control.close()
                with connection.makefile("rwb") as stream:
                    serve(stream)
                return


def serve(stream: BufferedRWPair) -> None:
    """Answer requests until there are no more."""
    while True:
        try:
            function, arguments = pickle.load(stream)
        except EOFError:
            return
        pickle.dump(_answer(function, arguments), stream)
        stream.flush()


def _answer(function: str, arguments: list[Any]) -> tuple[bool, Any]:
    module, _, name = function.partition(":")
    try:
        return True, getattr(importlib.import_module(module), name)(*arguments)
    except Exception as problem:  # whatever it is, the test that asked reports it
        return False, (type(problem).__name__, traceback.format_exc())


if __name__ == "__main__":
    fork_for_each_connection(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
    os._exit(0)  # a framework would take a second to end by itself
