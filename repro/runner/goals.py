"""Recipes that train the papers' own networks on data at hand, to an accuracy that each is known to reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from impls import load_architecture
from impls.errors import UnknownName
from repro import data
from repro.claims.experiment import Arm
from repro.data.images.augment import Flip, RandomCrop
from repro.papers._small import architecture, nin
from repro.recipe.initializers import FanIn, Glorot
from repro.recipe.preprocessing import InkRange
from repro.recipe.recipe import Recipe, Stage
from results.schema.findings import Trained
from results.schema.trial import Trial


@dataclass(frozen=True)
class Goal:
    """An arm, and the share of test images that it gets right in every framework."""

    arm: Arm
    data: str
    aim: float

    def trained(self, trials: Mapping[str, Trial]) -> Trained:
        told = next((trial.settings for trial in trials.values() if trial.settings), {})
        scale = f"{told.get('images', 'no')} images of {self.data}, passes {told.get('passes', 'none')}"
        return Trained(
            self.arm.name,
            scale,
            self.aim,
            {name: trial.id for name, trial in trials.items()},
            f"python -m repro train {self.arm.name}",
        )


LENET = Recipe(
    (Stage(6, 0.02), Stage(3, 0.005), Stage(1, 0.001)),
    batch=32,
    weight_decay=1e-4,
    initial=FanIn(),
    prepare=InkRange(),
    measured=2_000,
)
RBF = Recipe(
    (Stage(8, 0.002), Stage(5, 0.0005), Stage(2, 0.0001)),
    batch=32,
    weight_decay=0.0,
    initial=FanIn(),
    prepare=InkRange(),
    measured=2_000,
)
NIN = Recipe((Stage(6, 0.02), Stage(2, 0.002)), batch=32, weight_decay=1e-4, initial=Glorot())

MNIST = replace(LENET, stages=(Stage(8, 0.02), Stage(4, 0.005), Stage(3, 0.001)))
CIFAR = Recipe(
    (Stage(8, 0.02), Stage(3, 0.004), Stage(1, 0.0008)),
    batch=32,
    weight_decay=1e-4,
    initial=Glorot(),
    augment=(RandomCrop(32, padding=4), Flip()),
)
NARROW = architecture("nin-cifar10-narrow", partial(nin, scale=3), side=32)
"""Half as wide as the paper's: a pass over CIFAR-10 takes a quarter of the paper's multiply-accumulates."""

SHOWN = ("filters", "mistakes")

GOALS = (
    Goal(Arm("lenet5-dense", load_architecture("lenet5-dense"), LENET, pictures=SHOWN), "fashion-mnist", 0.89),
    Goal(Arm("lenet5", load_architecture("lenet5"), RBF, pictures=SHOWN), "fashion-mnist", 0.89),
    Goal(
        Arm("nin-mnist", load_architecture("nin-mnist"), NIN, pictures=(*SHOWN, "maps")),
        "fashion-mnist",
        0.91,
    ),
    Goal(Arm("lenet5-mnist", load_architecture("lenet5-dense"), MNIST, pictures=SHOWN), "mnist", 0.9885),
    Goal(Arm("nin-cifar10-narrow", NARROW, CIFAR, pictures=(*SHOWN, "maps")), "cifar10", 0.80),
)
"""lenet5-mnist: within 0.2 % of the paper's error of 0.95 % (LeCun 1998, section III-B)."""


def goals_here(paths: Mapping[str, Path]) -> list[Goal]:
    """The goals whose data is here."""
    return [goal for goal in GOALS if data.available(goal.data, paths.get(goal.data))]


def load_goal(name: str) -> Goal:
    """The recipe for a network; UnknownName with the nearest otherwise."""
    known = {goal.arm.name: goal for goal in GOALS}
    if name not in known:
        raise UnknownName("recipe", name, known)
    return known[name]
