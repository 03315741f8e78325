"""The same training in every framework: for how many steps do the losses stay together?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from impls import load_architecture
from impls.frameworks import frameworks
from repro.claims.experiment import Arm
from repro.recipe.preprocessing import InkRange
from repro.recipe.recipe import Recipe, Stage
from repro.runner.plan import Target
from repro.training.job import Job
from results.schema.findings import Agreement
from results.schema.trial import Trial

DATA = "fashion-mnist"
STEPS = 3000
TOLERANCE = 1e-3
"""Relative difference of losses from which they have parted: what one looks at on a plot."""
BATCH = 32

ARM = Arm(
    "lenet5-dense",
    load_architecture("lenet5-dense"),
    Recipe((Stage(2, 0.02),), batch=BATCH, prepare=InkRange(), measured=500),
    train=STEPS * BATCH // 2,
)


def frameworks_here() -> list[str]:
    """Every framework that trials can run in and that is installed."""
    return [
        name for name, one in frameworks().items() if one.supports_checkpointing and not one.missing(one.executions[0])
    ]


def job(at: Target) -> Job:
    return replace(at.job(ARM, DATA, seed=0), losses=STEPS)


def judge(trials: Mapping[str, Trial | None]) -> Agreement | None:
    """How long the losses of all frameworks that have any lay within the tolerance; None with fewer than two.

    A trial that ended early parts from the others there.
    """
    losses = {name: trial.losses for name, trial in trials.items() if trial and trial.losses}
    if len(losses) < 2:
        return None
    steps = list(zip(*losses.values(), strict=False))
    together = next((step for step, values in enumerate(steps) if _apart(values)), len(steps))
    return Agreement(
        statement="LeNet-5 (dense) on Fashion-MNIST from the same weights, images and order",
        tolerance=TOLERANCE,
        together=together,
        steps=STEPS,
        trials={name: trial.id for name, trial in trials.items() if trial and name in losses},
    )


def _apart(values: tuple[float, ...]) -> bool:
    return max(values) - min(values) > TOLERANCE * min(map(abs, values))
