"""One use of the reproduction half: claims to jobs, jobs to trials, trials to findings; what is done is never lost."""

from __future__ import annotations

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
from repro.claims.sequential import LOOKS, next_look
from repro.runner import agreement, plan
from repro.runner.choice import DatasetCache
from repro.runner.goals import Goal
from repro.runner.plan import Target
from repro.runner.remote import Where
from repro.runner.trials import Runner
from results import VERSION, machine
from results.schema.findings import Agreement, ClaimResult, Findings, Trained, Verdict
from results.schema.system import Machine, System
from results.schema.trial import Trial
from results.store import reproductions
from results.store.journal import ResultsError
from results.store.reproductions import ReproductionWriter


@dataclass(frozen=True)
class Options:
    """What was asked for. `seconds`: after which no trial is begun; `side_by_side`: trials at a time, as in Runner.

    `until_decided`: seeds are added after each look (`repro.claims.sequential`); `seeds` is then without meaning.
    `quick`: no claim was named, so cheap experiments suffice where no data was named either. `where`: the machines to
    train on (None: this one).
    """

    at: Target | None
    full: bool = False
    seeds: int = 3
    seconds: float | None = None
    side_by_side: int | None = None
    paths: Mapping[str, Path] = field(default_factory=dict)
    quiet: bool = False
    until_decided: bool = False
    quick: bool = False
    where: Where | None = None

    def command(self) -> str:
        """What asks for the same again, but for the claims."""
        parts = [COMMAND, "--until-decided" if self.until_decided else f"--seeds {self.seeds}"]
        if self.at:
            parts += [f"--framework {self.at.framework}"] + [f"--device {self.at.device}"] * (self.at.device != "cpu")
        parts += ["--full"] * self.full + [f"--data {name}=PATH" for name in self.paths]
        return " ".join(parts)


class ReproductionRunner:
    """A reproduction that is going on, in a folder of its own; a context manager, in which SIGTERM is as Ctrl-C."""

    def __init__(self, folder: ReproductionWriter, options: Options):
        self._folder, self._options = folder, options
        self._shelf = DatasetCache(options.paths)
        self._runner = Runner(folder, self._shelf, options.seconds, options.side_by_side, options.quiet, options.where)
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
            chosen = self._shelf.choose(claim, self._options.full, self._options.quick)
            if isinstance(chosen, str):
                found[claim.id] = not_testable(claim, chosen)
            else:
                experiments[claim.id] = chosen
        self._runner.say(chosen_data(experiments))
        found |= self._tested([claim for claim in claims if claim.id in experiments], experiments)
        results = [found[claim.id] for claim in claims]
        self._keep(claims=results)
        return results

    def _tested(self, claims: Sequence[Claim], experiments: Mapping[str, Experiment]) -> dict[str, ClaimResult]:
        """The results of claims by their trials, with more seeds for those that are open if so asked."""
        sequential = self._options.until_decided
        waiting = dict.fromkeys((claim.id for claim in claims), LOOKS[0] if sequential else self._options.seeds)
        found: dict[str, ClaimResult] = {}
        while waiting:
            for seeds in sorted(set(waiting.values())):
                self._train([experiments[id] for id, wanted in waiting.items() if wanted == seeds], seeds)
            judged = {claim.id: self._judged(claim, experiments[claim.id]) for claim in claims if claim.id in waiting}
            found |= judged
            self._keep(claims=list(found.values()))
            if not sequential or not self._runner.goes_on:
                return found
            following = {id: self._next_seeds(result, experiments[id]) for id, result in judged.items()}
            waiting = {id: seeds for id, seeds in following.items() if seeds and seeds > waiting[id]}
        return found

    def _next_seeds(self, result: ClaimResult, experiment: Experiment) -> int | None:
        """The number of seeds that may decide a claim which is open; None if it isn't, or if more do not help."""
        is_tuned = not experiment.learning_rates or len(self._rates(experiment)) == len(experiment.arms)
        is_missing = any(one.is_missing_trials for one in result.contrasts)
        if result.verdict is not Verdict.INCONCLUSIVE or not is_tuned or is_missing or not result.looks:
            return None
        return next_look(result.looks[-1])

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

    def _train(self, experiments: Iterable[Experiment], count: int) -> None:
        """Every trial that the experiments need for so many seeds, and that is not there yet, learning rates first."""
        unique = list(dict.fromkeys(experiments))
        at, seeds = self._at, range(1, count + 1)
        self._runner.run("learning rates", [job for one in unique for job in plan.tuning(one, at)])
        rates = {one: self._rates(one) for one in unique}
        every = [job for seed in seeds for one in unique for job in plan.jobs(one, at, [seed], rates[one])]
        self._runner.run("trials", every)

    def _rates(self, experiment: Experiment) -> dict[str, float]:
        return plan.best_rates(experiment, self._at, self._runner.trial)

    def _judged(self, claim: Claim, experiment: Experiment) -> ClaimResult:
        rates = self._rates(experiment)
        arms = plan.trained(experiment, self._at, self._runner.trial, rates, self._options.seeds)
        command = self._options.command()
        before = next((one for one in self.findings.claims if one.id == claim.id), None)
        # A claim that was judged by looks is judged by them for good: another rule would be one more look.
        sequential = self._options.until_decided or bool(before and before.looks)
        return by_trials(claim, experiment, arms, rates, command, self._at.framework, sequential)

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


def chosen_data(experiments: Mapping[str, Experiment]) -> str:
    """Which claims are tested on which data: "on cifar10: AX-1, NIN-2; on mnist: LN-2"."""
    claims: dict[str, list[str]] = {}
    for id, experiment in experiments.items():
        claims.setdefault(experiment.data, []).append(id)
    return "; ".join(f"on {name}: {', '.join(ids)}" for name, ids in claims.items())


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
