"""The same framework with faults planted, one an execution. Named by this module, not registered."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from impls.frameworks import Execution, Framework, Plan
from outside.model import Batch, NumPyModel

FAULTS = {
    "fine": "nothing is wrong",
    "raises": "raises in the timed step",
    "asserts": "fails an assertion that has no message",
    "miscompiles": "raises what a compiler said, in many lines",
    "killed": "killed by SIGKILL",
    "segfault": "killed by SIGSEGV",
    "hangs": "never answers",
    "exhausts": "runs out of memory",
    "greedy": "takes memory until the kernel refuses",
    "parricide": "kills the zygote that it was forked from",
    "diverges": "returns NaN when timed",
    "babbles": "writes to stdout and stderr",
    "late": "dies when it has had some turns",
    "swapped": "computes with its hidden weights transposed",
    "unsupported": "says that it cannot",
}

COMPILER = """C++ compile error

Command:
g++ -O3 kernel.cpp -o kernel.so

Output:
In file included from kernel.cpp:1:
kernel.h:2:10: fatal error: omp.h: No such file or directory
"""
LATE = 18
"""Rounds of several steps after which it dies: at most five come before the turns, and seven in the first of them."""

FAULTY = Framework(
    name="outside.faulty",
    title="NumPy with faults",
    model="outside.faulty:FaultyModel",
    executions=(
        *(Execution(name, note) for name, note in FAULTS.items()),
        Execution("absent", "needs a package that does not exist", requires=("no_such_package",)),
        Execution("stillborn", "its zygote cannot import", preload=("no_such_module",)),
        Execution("dawdles", "its zygote imports for a minute", preload=("outside.dawdles",)),
    ),
    requires=("numpy",),
    preload=("outside.faulty",),
)


GIVES_EVIDENCE = 2
"""Calls in which no contestant errs: the gate looks at the second one, after one on other images."""


class FaultyModel(NumPyModel):
    """Behaves while giving evidence (scores from one call for each of the gate's images) and errs when it is timed."""

    def __init__(self, plan: Plan):
        super().__init__(plan)
        self._fault = plan.execution
        self._calls = self._steps = self._rounds = 0
        if self._fault == "unsupported":
            from impls.errors import Unsupported

            raise Unsupported("outside.faulty: has no arithmetic today")

    def load(self, weights: Any, statistics: Any) -> None:
        if self._fault == "swapped":
            weights = dict(weights)
            hidden = weights["hidden.weight"]
            weights["hidden.weight"] = hidden.reshape(len(hidden), 4, 4).transpose(0, 2, 1).reshape(hidden.shape)
        super().load(weights, statistics)

    def infer(self, batch: Batch) -> np.ndarray:
        self._calls += 1
        self._steps += 1
        scores = super().infer(batch)
        return self._err(scores) if self._calls > GIVES_EVIDENCE else scores

    def _err(self, scores: np.ndarray) -> np.ndarray:
        match self._fault:
            case "raises":
                raise ArithmeticError("planted fault")
            case "asserts":
                assert scores is None
            case "miscompiles":
                raise RuntimeError(COMPILER)
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "segfault":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "hangs":
                time.sleep(3600)
            case "exhausts":
                raise MemoryError("planted: out of memory")
            case "greedy":
                _take_all_memory()
            case "parricide":
                os.kill(os.getppid(), signal.SIGKILL)
                time.sleep(3600)  # the kernel kills a zygote's children with it
            case "diverges":
                return scores * np.nan
            case "babbles":
                print("rubbish on stdout" * 10)
                print("rubbish on stderr" * 10, file=sys.stderr)
        return scores

    def synchronize(self, outputs: object) -> None:
        """The end of a round; in warm-up a round is one step."""
        self._rounds += self._steps > 1
        self._steps = 0
        if self._fault == "late" and self._rounds == LATE:
            os._exit(3)


def _take_all_memory() -> None:
    """Address space, that is, up to 2 GiB more than now: no page is touched, so other processes are not affected."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + 2 * 2**30
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    taken = []
    while True:
        taken.append(np.empty(2**28, np.uint8))
