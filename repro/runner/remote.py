"""Trials on other machines: each is a unit that an engine brings to a node, and a part that comes back."""

from __future__ import annotations

import base64
import contextlib
import pickle
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fleet import node as nodes
from fleet.driver import Driver, Observer, Silent
from fleet.engine import Engine, load_engine
from fleet.part import LOG, Ended, PartError
from fleet.screen import Screen
from fleet.unit import PART, PYTHON, UNIT, Needs, Unit
from fleet.work import Work
from impls.frameworks import is_card
from repro.runner.workers import Task, failed_trial
from results.schema.record import UnreadableRecord
from results.schema.system import AttemptFacts, NodeFacts, System
from results.schema.trial import FAILURES, Outcome, Trial, from_json
from results.store.journal import read_system
from results.store.reproductions import ReproductionWriter

COMMAND = (PYTHON, "-m", "repro.runner.remote_trial", UNIT, PART)
TRIAL, PICTURES = "trial.json", "pictures.npz"
"""The files of a part."""
TIME_LIMIT = 24 * 3600.0
"""Of a trial, in seconds."""


@dataclass(frozen=True)
class Where:
    """The machines to train on: an engine by name with its options, and a folder for checkpoints that all of them see.

    Without `checkpoints` a trial whose node is lost starts again from its first image.
    """

    engine: str
    options: Mapping[str, str] = field(default_factory=dict)
    checkpoints: Path | None = None

    def check(self) -> None:
        """UnknownName if there is no such engine."""
        load_engine(self.engine)

    def start(self) -> Engine:
        """DeadheatError if the engine can't be reached."""
        return load_engine(self.engine).start(self.options)


def unit_of(task: Task, campaign: str, checkpoints: Path | None) -> Unit:
    """The unit of a trial. The job travels as Python pickles it: nodes have the same packages."""
    job = task.job
    payload = {
        "campaign": campaign,
        "trial": task.id,
        "job": base64.b64encode(pickle.dumps(job)).decode(),
        "data": str(task.folder.absolute()),
        "checkpoints": str(checkpoints.absolute()) if checkpoints else "",
    }
    needs = Needs(exclusive=False, cards=int(is_card(job.device)))
    label = f"{job.arm.architecture.name}, seed {job.seed}"
    return Unit(label, COMMAND, payload, needs, TIME_LIMIT, software=nodes.software())


def run(
    tasks: Sequence[Task],
    where: Where,
    writer: ReproductionWriter,
    keep: Callable[[Trial], None],
    in_time: Callable[[], bool],
    quiet: bool,
) -> None:
    """Run each task on a node; `keep` gets its trial when it is there. None is begun when `in_time` says no."""
    made = [(unit_of(task, writer.folder.name, where.checkpoints), task) for task in tasks]
    sink = _Sink(writer, {unit.id: task for unit, task in made}, keep)
    with contextlib.closing(where.start()) as engine, Work(sink, [unit for unit, _ in made]) as work:
        observer: Observer = Silent() if quiet else Screen()
        Driver(engine, [work], observer, may_begin=in_time).run()


class _Sink:
    """The reproduction that trials become a part of."""

    def __init__(self, writer: ReproductionWriter, tasks: Mapping[str, Task], keep: Callable[[Trial], None]):
        self._writer, self._tasks, self._keep = writer, tasks, keep
        self._nodes = dict(read_system(writer.folder)[0].nodes)  # of the trials before these
        self._failed: dict[str, Trial] = {}

    @property
    def folder(self) -> Path:
        return self._writer.folder

    def accept(self, unit: Unit, ended: Ended, part: Path) -> None:
        task = self._tasks[unit.id]
        try:
            trial = from_json((part / TRIAL).read_text(encoding="utf-8"))
        except (OSError, UnreadableRecord) as problem:
            raise PartError(f"the part has no trial: {problem}") from None
        if (log := part.parent / LOG).is_file():
            shutil.copyfile(log, task.log)
        if trial.outcome in FAILURES:  # may be the node's fault: another attempt tells
            self._failed[unit.id] = trial
            raise PartError(f"{trial.outcome}: {trial.reason}")
        if (part / PICTURES).is_file():
            task.figures_path.parent.mkdir(exist_ok=True)
            shutil.copyfile(part / PICTURES, task.figures_path)
        self._keep(trial)
        self._nodes[ended.node] = NodeFacts.model_validate(ended.facts)
        self._writer.update_system(System(nodes=self._nodes))

    def give_up(self, unit: Unit, reason: str, skipped: bool) -> None:
        task = self._tasks[unit.id]
        outcome = Outcome.SKIPPED if skipped else Outcome.CRASHED
        self._keep(self._failed.get(unit.id) or failed_trial(task.job, task.id, outcome, reason))

    def note(self, attempts: Sequence[AttemptFacts]) -> None:
        self._writer.update_system(System(attempts=tuple(attempts)))
