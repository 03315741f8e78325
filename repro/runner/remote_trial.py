"""What a node does with the unit of a trial: `python -m repro.runner.remote_trial UNIT PART`."""

from __future__ import annotations

import base64
import os
import pickle
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fleet import command
from fleet.execute import SLOT
from fleet.unit import Unit
from impls.errors import InvalidInput
from impls.host import usable
from repro import data
from repro.runner import workers
from repro.runner.remote import PICTURES, TRIAL
from repro.runner.workers import Task
from repro.training.job import Job
from results.schema.trial import to_json


def task_of(unit: Unit, part: Path) -> Task:
    """The trial of a unit, with the data of this node. InvalidInput if that is not the data of the campaign."""
    payload = unit.payload
    job: Job = pickle.loads(base64.b64decode(payload["job"]))
    there = Path(payload["data"])
    folder = there if there.exists() else data.find(job.data)
    id = str(payload["trial"])
    if job.id(data.load(job.data, folder)) != id:
        raise InvalidInput(f"{job.data} in {str(folder)!r} is not the data that the campaign is trained on")
    checkpoints = Path(payload["checkpoints"]) if payload["checkpoints"] else part
    checkpoints.mkdir(parents=True, exist_ok=True)
    return Task(id, job, folder, checkpoints / f"{id}.npz", part / PICTURES)


def train(unit: Unit, part: Path) -> None:
    """Run the trial in a process of its own, as one without an engine; on a CPU, on the core of the node's slot."""
    task = task_of(unit, part)
    cores = usable.allowed_cores()
    core = cores[int(os.environ.get(SLOT, "0")) % len(cores)] if task.job.device == "cpu" else None
    with tempfile.TemporaryDirectory(prefix="deadheat-") as cache:
        for trial in workers.run([task], [core], Path(cache), lambda *_: None, lambda: True):
            (part / TRIAL).write_text(to_json(trial) + "\n", encoding="utf-8")
    if task.log.is_file():
        sys.stdout.write(task.log.read_text(errors="replace"))
    for left in (task.checkpoint, task.log):
        left.unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> int:
    return command.main(train, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
