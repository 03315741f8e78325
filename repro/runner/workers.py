"""Trials side by side: a process each, a core each, as many at a time as there is room for.

Each is a fresh interpreter, so one that crashes or runs out of memory costs only itself. Of the shell's variables it
has those that it needs to run (impls.host.environment): the others may change what a training comes to. On a CPU
a trial is bound to a core of its own: these networks are too small to gain from a second one.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from impls.errors import DeadheatError, is_out_of_memory, one_line
from impls.frameworks import filled, load_framework
from impls.host import nvidia
from impls.host.environment import clean
from impls.host.process import (
    STEADY_ALLOCATOR,
    exit_reason,
    keep_to_cores,
    on_cores,
    redirect_output,
    set_parent_death_signal,
    threads,
)
from impls.host.termination import SIGNALS
from repro import data
from repro.training import trial
from repro.training.job import Job
from results.schema.trial import Outcome, Trial


@dataclass(frozen=True)
class Task:
    """A job with its digest, the folder of its data, and the files that its state and its pictures are kept in."""

    id: str
    job: Job
    folder: Path
    checkpoint: Path
    figures_path: Path

    @property
    def log(self) -> Path:
        """What its process prints."""
        return self.checkpoint.with_suffix(".log")


@dataclass(frozen=True)
class _Running:
    task: Task
    process: BaseProcess
    link: Connection
    core: int | None


Report = Callable[[Task, float], None]


def run(
    tasks: Sequence[Task], cores: Sequence[int | None], cache: Path, told: Report, in_time: Callable[[], bool]
) -> Iterator[Trial]:
    """Each task's trial as it ends. None is begun any more when `in_time` says no; what runs then is finished.

    cores: the cores to bind trials to, one trial each; None leaves one where the system puts it.
    """
    waiting, free = list(tasks), list(cores)
    running: dict[Connection, _Running] = {}
    try:
        while running or (waiting and in_time()):
            while waiting and free and in_time():
                begun = _begin(waiting.pop(0), free.pop(), cache)
                running[begun.link] = begun
            for link in wait(list(running)):
                one = running[link]  # type: ignore[index]
                message = _message(one)
                if isinstance(message, float):
                    told(one.task, message)
                    continue
                del running[one.link]
                free.append(one.core)
                one.link.close()
                one.process.join()
                yield message
    finally:
        for one in running.values():
            one.process.kill()
            one.process.join()


def failed_trial(job: Job, id: str, outcome: Outcome, reason: str) -> Trial:
    """A trial that came to nothing."""
    return Trial(
        id=id,
        network=job.arm.architecture.name,
        data=job.data,
        framework=job.framework,
        execution=job.execution,
        device=job.device,
        seed=job.seed,
        outcome=outcome,
        reason=reason,
    )


def _begin(task: Task, core: int | None, cache: Path) -> _Running:
    context = multiprocessing.get_context("spawn")
    task.log.unlink(missing_ok=True)  # of an earlier attempt
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(task, theirs), daemon=True)
    with _environment(variables(task.job, core, cache, os.environ)):  # some are read as the process begins
        process.start()
    theirs.close()
    return _Running(task, process, ours, core)


def variables(job: Job, core: int | None, cache: Path, shell: Mapping[str, str]) -> dict[str, str]:
    """All variables of a trial's process. core: to compute on it alone; cache: for what its framework compiles."""
    execution = load_framework(job.framework).execution(job.execution)
    return {
        **clean(shell),
        **STEADY_ALLOCATOR,
        **({} if core is None else {**threads(1), **on_cores([core])}),
        **nvidia.environment(job.device),
        **filled(execution.environment, str(cache), job.device),
    }


def _message(one: _Running) -> float | Trial:
    """How far the trial is, or what it came to."""
    try:
        told: float | Trial = one.link.recv()
    except (EOFError, OSError, pickle.UnpicklingError):  # it ended, perhaps in the middle of telling
        one.process.kill()
        one.process.join()
        reason = exit_reason(one.process.exitcode or 0, one.task.log)
        return failed_trial(one.task.job, one.task.id, Outcome.CRASHED, reason)
    return told


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """These are all the variables that a process started meanwhile has."""
    before = dict(os.environ)
    _set_environment(variables)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(variables: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)


# From here on: in the process of a trial.


def _serve(task: Task, link: Connection) -> None:
    with task.log.open("wb") as log:
        redirect_output(log.fileno())
    set_parent_death_signal(os.getppid())  # else it would continue to train after its parent has died
    for one in (signal.SIGINT, *SIGNALS):  # these are for the process that asks, which then kills this one
        signal.signal(one, signal.SIG_IGN)
    keep_to_cores()
    with contextlib.suppress(BrokenPipeError):
        link.send(_outcome(task, link.send))


def _outcome(task: Task, tell: Callable[[float], None]) -> Trial:
    try:
        found = data.load(task.job.data, task.folder)
        return trial.run(task.job, found, task.checkpoint, task.figures_path, tell)
    except Exception as problem:  # whatever a framework raises costs this trial, and no other
        ours = isinstance(problem, DeadheatError)
        if not ours:
            traceback.print_exc()
        outcome = Outcome.OUT_OF_MEMORY if is_out_of_memory(problem) else Outcome.FAILED
        return failed_trial(task.job, task.id, outcome, str(problem) if ours else one_line(problem))
