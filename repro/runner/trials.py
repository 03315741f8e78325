"""Jobs to trials: those that are not there yet are run side by side, and each is kept as it ends."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic

from impls.frameworks import is_card
from impls.host import usable
from repro.data import Dataset
from repro.runner import remote, workers
from repro.runner.choice import DatasetCache
from repro.runner.progress import Meter
from repro.runner.remote import Where
from repro.runner.workers import Task
from repro.training.job import Job
from results.schema.trial import FAILURES, Outcome, Trial
from results.store import reproductions
from results.store.logs import Logs
from results.store.reproductions import PICTURES, ReproductionWriter

CHECKPOINTS = "checkpoints"


class Runner:
    """Runs the jobs of one reproduction into its folder. `trials`: every trial that is there, by id.

    seconds: after which no trial is begun; side_by_side: trials at a time, None for as many as there are usable cores,
    on a card for one; quiet: without progress; where: the machines to train on, None for this one.
    """

    def __init__(
        self,
        folder: ReproductionWriter,
        shelf: DatasetCache,
        seconds: float | None,
        side_by_side: int | None,
        quiet: bool = False,
        where: Where | None = None,
    ):
        self._folder, self._shelf, self._meter = folder, shelf, Meter(quiet or where is not None)
        self._where, self._quiet = where, quiet
        self._logs = Logs(folder.folder)
        self._seconds, self._side_by_side = seconds, side_by_side
        self.trials: dict[str, Trial] = dict(reproductions.read(folder.folder).trials)
        self._start = monotonic()
        self._interrupted = False

    @property
    def seconds(self) -> float:
        """Since it was made."""
        return monotonic() - self._start

    @property
    def goes_on(self) -> bool:
        """Whether more trials may be begun: there is time, and nobody has interrupted it."""
        return self._in_time()

    def say(self, line: str) -> None:
        """A line of progress; nothing if there is none to say."""
        if line:
            self._meter.say(line)

    def trial(self, job: Job) -> Trial | None:
        """What a job came to; None if it has not been run."""
        data = self._shelf.get(job.data)
        return self.trials.get(job.id(data)) if isinstance(data, Dataset) else None

    def run(self, what: str, jobs: Sequence[Job]) -> None:
        """Run the jobs that have not been run yet. Ctrl-C ends it, and all that would come after it."""
        tasks = {task.id: task for task in map(self._task, jobs) if not self._done(task.id)}
        if not tasks or not self._in_time():
            return
        self._meter.begin(what, {task.id: self._work(task.job) for task in tasks.values()})
        try:
            self._run(tasks, [task.job.device for task in tasks.values()])
        except KeyboardInterrupt:
            self._interrupted = True
            self._meter.say("interrupted: what has been trained is kept and judged")
        finally:
            self._meter.end()

    def _run(self, tasks: Mapping[str, Task], devices: Sequence[str]) -> None:
        if self._where:
            remote.run(list(tasks.values()), self._where, self._folder, self._keep(tasks), self._in_time, self._quiet)
            return
        keep = self._keep(tasks)
        with tempfile.TemporaryDirectory(prefix="deadheat-") as cache:
            for trial in workers.run(
                list(tasks.values()),
                self._cores(devices),
                Path(cache),
                lambda task, share: self._meter.tell(task.id, share),
                self._in_time,
            ):
                keep(trial)

    def _keep(self, tasks: Mapping[str, Task]) -> Callable[[Trial], None]:
        """A function that keeps a trial as it ends, once."""

        def keep(trial: Trial) -> None:
            if self._done(trial.id):
                return
            if trial.outcome in FAILURES:
                trial = replace(trial, log=self._logs.keep(tasks[trial.id].log))
            self._folder.append(trial)
            self.trials[trial.id] = trial
            tasks[trial.id].log.unlink(missing_ok=True)
            if self._done(trial.id):  # one that crashed goes on from there the next time
                tasks[trial.id].checkpoint.unlink(missing_ok=True)
            if trial.outcome is not Outcome.FINISHED:
                log = f" (log: {trial.log})" if trial.log else ""
                self._meter.say(f"{trial.network}, seed {trial.seed}: {trial.outcome}: {trial.reason}{log}")

        return keep

    def _done(self, id: str) -> bool:
        """Whether a trial is there that came to its own end; one that crashed is tried again."""
        return id in self.trials and self.trials[id].outcome in (Outcome.FINISHED, Outcome.DIVERGED)

    def _task(self, job: Job) -> Task:
        data = self._shelf.get(job.data)
        assert isinstance(data, Dataset)
        id, folder = job.id(data), self._folder.folder
        (folder / CHECKPOINTS).mkdir(exist_ok=True)
        places = folder / CHECKPOINTS / f"{id}.npz", folder / PICTURES / f"{id}.npz"
        return Task(id, job, self._shelf.folder(job.data), *places)

    def _work(self, job: Job) -> float:
        data = self._shelf.get(job.data)
        assert isinstance(data, Dataset)
        return float(job.network(data).macs * job.images(data) * job.recipe.passes)

    def _cores(self, devices: Sequence[str]) -> list[int | None]:
        """The cores to bind trials to; where they are not what is computed on, or can't be bound to, only how many.

        On a card one trial at a time: it may need all of its memory, and in exclusive mode a second one would fail.
        """
        wanted, cores = self._side_by_side, len(usable.usable_cores())
        if any(map(is_card, devices)):
            return [None] * (wanted or 1)
        if not hasattr(os, "sched_setaffinity"):
            return [None] * (wanted or min(4, cores))
        return list(usable.allowed_cores()[: wanted or cores])

    def _in_time(self) -> bool:
        return not self._interrupted and (self._seconds is None or self.seconds < self._seconds)
