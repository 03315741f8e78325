"""What a node does with the unit of a trial: `python -m repro.runner.remote_trial UNIT PART`."""

from __future__ import annotations

import base64
import os
import pickle
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fleet import unit as units
from fleet.execute import SLOT
from fleet.unit import Unit
from impls.errors import DeadheatError, InvalidInput
from impls.host import usable
from impls.host.termination import Termination
from impls.paths import typed_path
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
    """Status 0 when there is a trial, whatever it came to; 1 when interrupted, 2 for an error in one line."""
    try:
        with Termination():
            train(units.read(typed_path(arguments[0])), typed_path(arguments[1]))
    except DeadheatError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
