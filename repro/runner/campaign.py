"""One use of the reproduction half: claims to jobs, jobs to trials, trials to findings; what is done is never lost."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from impls.errors import InvalidInput
from impls.host import nvidia
from impls.host.termination import Termination
from repro.claims.claim import Claim
from repro.claims.claim import claims as registered
from repro.claims.experiment import Experiment
from repro.claims.findings import COMMAND, by_check, by_trials, not_testable
from repro.runner import agreement, plan
from repro.runner.goals import Goal
from repro.runner.plan import DatasetCache, Target
from repro.runner.trials import Runner
from results import VERSION, machine
from results.schema.findings import Agreement, ClaimResult, Findings, Trained
from results.schema.system import Machine, System
from results.schema.trial import Outcome, Trial
from results.store import reproductions
from results.store.journal import ResultsError
from results.store.reproductions import ReproductionWriter


@dataclass(frozen=True)
class Options:
    """What was asked for. `seconds`: after which no trial is begun; `side_by_side`: trials at a time (None: cores)."""

    at: Target | None
    full: bool = False
    seeds: int = 3
    seconds: float | None = None
    side_by_side: int | None = None
    paths: Mapping[str, Path] = field(default_factory=dict)
    quiet: bool = False

    def command(self) -> str:
        """What asks for the same again, but for the claims."""
        parts = [COMMAND, f"--seeds {self.seeds}"]
        if self.at:
            parts += [f"--framework {self.at.framework}"] + [f"--device {self.at.device}"] * (self.at.device != "cpu")
        parts += ["--full"] * self.full + [f"--data {name}=PATH" for name in self.paths]
        return " ".join(parts)


class ReproductionRunner:
    """A reproduction that is going on, in a folder of its own; a context manager, in which SIGTERM is as Ctrl-C."""

    def __init__(self, folder: ReproductionWriter, options: Options):
        self._folder, self._options = folder, options
        self._shelf = DatasetCache(options.paths)
        self._runner = Runner(folder, self._shelf, options.seconds, options.side_by_side, options.quiet)
        before = reproductions.read(folder.folder)
        self.findings = before.findings
        self._termination = Termination()
        self._seconds_before = float(before.system.seconds or 0.0)

    @property
    def folder(self) -> Path:
        return self._folder.folder

    @property
    def trials(self) -> Mapping[str, Trial]:
        """Every trial that there is, by id."""
        return self._runner.trials

    def test(self, claims: Sequence[Claim]) -> list[ClaimResult]:
        """Settle every claim, the instant ones first. Ctrl-C ends it with what there is."""
        found = {claim.id: by_check(claim) for claim in claims if claim.check}
        self._keep(claims=list(found.values()))
        experiments = {}
        for claim in (claim for claim in claims if not claim.check):
            chosen = self._shelf.choose(claim, self._options.full)
            if isinstance(chosen, str):
                found[claim.id] = not_testable(claim, chosen)
            else:
                experiments[claim.id] = chosen
        self._train(experiments.values())
        for claim in (claim for claim in claims if claim.id in experiments):
            found[claim.id] = self._judged(claim, experiments[claim.id])
        results = [found[claim.id] for claim in claims]
        self._keep(claims=results)
        return results

    def compare_frameworks(self) -> Agreement | None:
        """Train the same in every framework there is, and see for how long the losses stay together."""
        everywhere = [plan.where(name, "cpu") for name in agreement.frameworks_here()]
        data = self._shelf.get(agreement.DATA)
        if len(everywhere) < 2 or isinstance(data, str):
            return None
        jobs = {at.framework: agreement.job(at) for at in everywhere}
        self._runner.run("the same training in every framework", list(jobs.values()))
        found = agreement.judge({name: self._runner.trial(job) for name, job in jobs.items()})
        self._keep(agreement=found)
        return found

    def train_goals(self, goals: Sequence[Goal], everywhere: Sequence[Target]) -> list[Trained]:
        """Train networks by their recipes, in each framework, to the accuracy that the recipe aims at."""
        jobs = {(goal, at): at.job(goal.arm, goal.data, plan.TUNED_ON_SEED) for goal in goals for at in everywhere}
        for goal in goals:
            if isinstance(problem := self._shelf.get(goal.data), str):
                raise ResultsError(problem)
        self._runner.run("networks by their recipes", list(jobs.values()))
        found = []
        for goal in goals:
            trials = {at.framework: self._runner.trial(jobs[goal, at]) for at in everywhere}
            found.append(goal.trained({name: trial for name, trial in trials.items() if trial}))
        self._keep(trained=found)
        return found

    @property
    def _at(self) -> Target:
        if self._options.at is None:
            raise InvalidInput("no framework was chosen to train in")
        return self._options.at

    def _train(self, experiments: Iterable[Experiment]) -> None:
        """Every trial that the experiments need and that is not there yet, learning rates first."""
        unique = list(dict.fromkeys(experiments))
        if not unique:
            return
        at, seeds = self._at, range(1, self._options.seeds + 1)
        self._runner.run("learning rates", [job for one in unique for job in plan.tuning(one, at)])
        rates = {one: self._rates(one) for one in unique}
        every = [job for seed in seeds for one in unique for job in plan.jobs(one, at, [seed], rates[one])]
        self._runner.run("trials", every)

    def _rates(self, experiment: Experiment) -> dict[str, float]:
        """The learning rate with which each arm did best."""
        best: dict[str, tuple[float, float]] = {}
        for job in plan.tuning(experiment, self._at):
            trial = self._runner.trial(job)
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
            there = {job.arm.name: self._runner.trial(job) for job in plan.jobs(experiment, self._at, [seed], rates)}
            found = {name: trial for name, trial in there.items() if trial}
            if seed > self._options.seeds and not found:
                break
            for name, trial in found.items():
                arms[name][seed] = trial
        return by_trials(claim, experiment, arms, rates, self._options.command(), self._at.framework)

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

    def __enter__(self) -> ReproductionRunner:
        self._termination.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._termination.__exit__()
        self._folder.update_system(System(seconds=self._seconds_before + self._runner.seconds))
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
        folder = reproductions.find(resume, data)
        return ReproductionWriter.resume(folder, System(resumed_by=command))
    name = name or f"{datetime.now(UTC):%Y%m%d-%H%M%S}-reproduction"
    return ReproductionWriter.create(data, name, system(command).content())


def system(command: str) -> System:
    """What a reproduction says of itself beside its trials."""
    return System(
        deadheat=VERSION,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        machine=Machine.model_validate(machine.describe(nvidia.state())),
    )
