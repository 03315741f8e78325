"""How fast a trial is beside its bare step: `python tests/tools/trial_speed.py pytorch tensorflow jax`.

For each framework, on one core: processor time of a training step by itself, of a step within a trial (batches
prepared, losses read, evaluations left out), and the share of evaluations in the trial. Processor time, because other
work on the machine takes the wall clock's. Compilation is part of a trial, so few steps make it look slow.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

NETWORK, STEPS = "nin-mnist", 200
ONE_CORE = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}


def main(frameworks: list[str]) -> None:
    print("framework    bare step  step of a trial  bare / trial  evaluation")
    for name in frameworks:
        process = [sys.executable, __file__, "--one", name]
        subprocess.run(process, env={**os.environ, **ONE_CORE, "PYTHONPATH": os.getcwd()}, check=True)


def one(name: str) -> None:
    import numpy as np

    from impls.frameworks import load_framework
    from repro import data
    from repro.recipe.recipe import Stage
    from repro.runner.goals import load_goal
    from repro.training.job import Job
    from repro.training.sampling import passes
    from repro.training.trial import Training

    class Watched(Training):
        """A trial that adds up the processor time of its evaluations."""

        evaluating = 0.0

        def _error(self, *arguments: Any) -> float:
            start = time.process_time()
            error = super()._error(*arguments)
            self.evaluating += time.process_time() - start
            return error

    goal = load_goal(NETWORK)
    dataset = data.load(goal.data)
    recipe = replace(goal.arm.recipe, stages=(Stage(1, 0.02),))
    arm = replace(goal.arm, train=recipe.batch * STEPS, recipe=recipe, pictures=())
    job = Job(arm, goal.data, 0, name, load_framework(name).executions[0].name)
    with tempfile.TemporaryDirectory() as folder:
        training = Training(job, dataset, Path(folder) / "state.npz", lambda share: None)
        model = training._model(passes(recipe, 0)[0])
        places = np.arange(recipe.batch)
        batch = model.put(*training._batch(places, None, []))
        bare = median(_timed(lambda: model.synchronize(model.train(batch))) for _ in range(60))
        watched = Watched(job, dataset, Path(folder) / "other.npz", lambda share: None)
        whole = _timed(watched.run)
    steps, share = whole - watched.evaluating, watched.evaluating / whole
    print(f"{name:12} {1e3 * bare:6.1f} ms {1e3 * steps / STEPS:13.1f} ms {bare * STEPS / steps:13.0%} {share:11.0%}")


def _timed(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    one(sys.argv[2]) if sys.argv[1:2] == ["--one"] else main(sys.argv[1:])
