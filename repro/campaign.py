"""One use of the reproduction half: claims to jobs, jobs to trials, trials to findings; what is done is never lost."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from impls.errors import InvalidInput
from repro import agreement, plan, workers
from repro.claims import Claim
from repro.claims import claims as registered
from repro.data import Dataset
from repro.experiment import Experiment
from repro.findings import COMMAND, by_check, by_trials, untestable
from repro.job import Job
from repro.plan import Shelf, Where
from repro.progress import Meter
from repro.trainings.recipes import Goal
from repro.workers import Task
from results import VERSION, machine, reproduction
from results.claims import Agreement, ClaimResult, Findings, Trained
from results.journal import ResultsError
from results.reproduction import PICTURES, ReproductionWriter
from results.trial import Outcome, Trial

CHECKPOINTS = "checkpoints"


@dataclass(frozen=True)
class Options:
    """What was asked for. `seconds`: after which no trial is begun; `side_by_side`: trials at a time (None: cores)."""

    at: Where | None
    full: bool = False
    seeds: int = 3
    seconds: float | None = None
    side_by_side: int | None = None
    paths: Mapping[str, Path] = field(default_factory=dict)

    def command(self) -> str:
        """What asks for the same again, but for the claims."""
        parts = [COMMAND, f"--seeds {self.seeds}"]
        if self.at:
            parts += [f"--framework {self.at.framework}"] + [f"--device {self.at.device}"] * (self.at.device != "cpu")
        parts += ["--full"] * self.full + [f"--data {name}=PATH" for name in self.paths]
        return " ".join(parts)


class Campaign:
    """A reproduction that is going on, in a folder of its own; a context manager."""

    def __init__(self, folder: ReproductionWriter, options: Options):
        self._folder, self._options = folder, options
        self._shelf, self._meter = Shelf(options.paths), Meter()
        before = reproduction.read(folder.folder)
        self.trials: dict[str, Trial] = dict(before.trials)
        self.findings = before.findings
        self._start = monotonic()
        self._interrupted = False

    @property
    def folder(self) -> Path:
        return self._folder.folder

    def test(self, claims: Sequence[Claim]) -> list[ClaimResult]:
        """Settle every claim, the instant ones first. Ctrl-C ends it with what there is."""
        found = {claim.id: by_check(claim) for claim in claims if claim.check}
        self._keep(claims=list(found.values()))
        experiments = {}
        for claim in (claim for claim in claims if not claim.check):
            chosen = self._shelf.choose(claim, self._options.full)
            if isinstance(chosen, str):
                found[claim.id] = untestable(claim, chosen)
            else:
                experiments[claim.id] = chosen
        with self._until_interrupted():
            self._train(experiments.values())
        for claim in (claim for claim in claims if claim.id in experiments):
            found[claim.id] = self._judged(claim, experiments[claim.id])
        results = [found[claim.id] for claim in claims]
        self._keep(claims=results)
        return results

    def agree(self) -> Agreement | None:
        """Train the same in every framework there is, and see for how long the losses stay together."""
        everywhere = [plan.where(name, "cpu") for name in agreement.frameworks_here()]
        data = self._shelf.get(agreement.DATA)
        if len(everywhere) < 2 or isinstance(data, str):
            return None
        jobs = {at.framework: agreement.job(at) for at in everywhere}
        with self._until_interrupted():
            self._run("the same training in every framework", list(jobs.values()))
        found = agreement.judge({name: self._trial(job) for name, job in jobs.items()})
        self._keep(agreement=found)
        return found

    def fulfil(self, goals: Sequence[Goal], everywhere: Sequence[Where]) -> list[Trained]:
        """Train networks by their recipes, in each framework, to the accuracy that the recipe aims at."""
        jobs = {(goal, at): at.job(goal.arm, goal.data, plan.TUNED_ON_SEED) for goal in goals for at in everywhere}
        for goal in goals:
            if isinstance(problem := self._shelf.get(goal.data), str):
                raise ResultsError(problem)
        with self._until_interrupted():
            self._run("networks by their recipes", list(jobs.values()))
        found = []
        for goal in goals:
            trials = {at.framework: self._trial(jobs[goal, at]) for at in everywhere}
            found.append(goal.trained({name: trial for name, trial in trials.items() if trial}))
        self._keep(trained=found)
        return found

    @contextmanager
    def _until_interrupted(self) -> Iterator[None]:
        """Ctrl-C ends the training, and what is there is judged."""
        try:
            yield
        except KeyboardInterrupt:
            self._meter.say("interrupted: what has been trained is kept and judged")
            self._interrupted = True

    @property
    def _at(self) -> Where:
        if self._options.at is None:
            raise InvalidInput("no framework was chosen to train in")
        return self._options.at

    def _train(self, experiments: Iterable[Experiment]) -> None:
        """Every trial that the experiments need and that is not there yet, learning rates first."""
        unique = list(dict.fromkeys(experiments))
        if not unique:
            return
        at, seeds = self._at, range(1, self._options.seeds + 1)
        self._run("learning rates", [job for one in unique for job in plan.tuning(one, at)])
        rates = {one: self._rates(one) for one in unique}
        self._run("trials", [job for seed in seeds for one in unique for job in plan.jobs(one, at, [seed], rates[one])])

    def _rates(self, experiment: Experiment) -> dict[str, float]:
        """The learning rate with which each arm did best."""
        best: dict[str, tuple[float, float]] = {}
        for job in plan.tuning(experiment, self._at):
            trial = self._trial(job)
            if trial is None or trial.outcome is not Outcome.FINISHED or experiment.tuned_on is None:
                continue
            value = experiment.tuned_on.of(trial)
            if value is not None and job.learning_rate is not None:
                best[job.arm.name] = min(best.get(job.arm.name, (value, job.learning_rate)), (value, job.learning_rate))
        return {name: rate for name, (_, rate) in best.items()}

    def _judged(self, claim: Claim, experiment: Experiment) -> ClaimResult:
        rates = self._rates(experiment)
        arms: dict[str, dict[int, Trial]] = {arm.name: {} for arm in experiment.arms}
        for seed in itertools.count(1):
            there = {job.arm.name: self._trial(job) for job in plan.jobs(experiment, self._at, [seed], rates)}
            found = {name: trial for name, trial in there.items() if trial}
            if seed > self._options.seeds and not found:
                break
            for name, trial in found.items():
                arms[name][seed] = trial
        return by_trials(claim, experiment, arms, rates, self._options.command(), self._at.framework)

    def _trial(self, job: Job) -> Trial | None:
        data = self._shelf.get(job.data)
        return self.trials.get(job.id(data)) if isinstance(data, Dataset) else None

    def _run(self, what: str, jobs: Sequence[Job]) -> None:
        """Run the jobs that have not been run yet, and keep each trial as it ends."""
        tasks = {task.id: task for task in map(self._task, jobs) if not self._done(task.id)}
        if not tasks:
            return
        self._meter.begin(what, {task.id: self._work(task.job) for task in tasks.values()})
        try:
            with tempfile.TemporaryDirectory(prefix="deadheat-") as cache:
                told = lambda task, share: self._meter.tell(task.id, share)  # noqa: E731
                for trial in workers.run(list(tasks.values()), self._cores(), Path(cache), told, self._in_time):
                    self._folder.append(trial)
                    self.trials[trial.id] = trial
                    tasks[trial.id].log.unlink(missing_ok=True)
                    if self._done(trial.id):  # one that crashed goes on from there the next time
                        tasks[trial.id].checkpoint.unlink(missing_ok=True)
                    if trial.outcome is not Outcome.FINISHED:
                        self._meter.say(f"{trial.network}, seed {trial.seed}: {trial.outcome}: {trial.reason}")
        finally:
            self._meter.end()

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

    def _cores(self) -> list[int | None]:
        wanted = self._options.side_by_side
        if self._at.device != "cpu" or not hasattr(os, "sched_getaffinity"):
            return [None] * (wanted or min(4, os.cpu_count() or 1))
        return list(sorted(os.sched_getaffinity(0))[:wanted])

    def _in_time(self) -> bool:
        return not self._interrupted and self._within()

    def _within(self) -> bool:
        return self._options.seconds is None or monotonic() - self._start < self._options.seconds

    def _keep(
        self,
        claims: Sequence[ClaimResult] = (),
        agreement: Agreement | None = None,
        trained: Sequence[Trained] = (),
    ) -> None:
        """Write the findings: what is new in place of what was found before under the same name."""
        old = self.findings
        known = {one.id: one for one in (*old.claims, *claims)}
        order = {id: place for place, id in enumerate(registered())}
        self.findings = Findings(
            claims=tuple(known[id] for id in sorted(known, key=lambda id: order.get(id, len(order)))),
            agreement=agreement or old.agreement,
            trained=merged(old.trained, trained),
        )
        self._folder.save_findings(self.findings)

    def __enter__(self) -> Campaign:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.update_system(seconds=monotonic() - self._start)
        self._folder.close()


def merged(old: Iterable[Trained], new: Iterable[Trained]) -> tuple[Trained, ...]:
    """What was trained, the new in place of the old, framework by framework."""
    found: dict[str, Trained] = {}
    for one in (*old, *new):
        before = found.get(one.name)
        found[one.name] = replace(one, trials={**before.trials, **one.trials}) if before else one
    return tuple(found.values())


def begin(data: Path, command: str, name: str | None = None, resume: str | None = None) -> ReproductionWriter:
    """The folder of a new reproduction, or of one to go on with."""
    if resume is not None:
        folder = reproduction.find(resume, data)
        return ReproductionWriter.resume(folder, {**reproduction.read(folder).system, "resumed_by": command})
    name = name or f"{datetime.now(UTC):%Y%m%d-%H%M%S}-reproduction"
    return ReproductionWriter.create(data, name, system(command))


def system(command: str) -> dict[str, Any]:
    """What a reproduction says of itself beside its trials."""
    return {
        "deadheat": VERSION,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "machine": machine.describe(),
    }
