"""Training claims as experiments: arms that differ in one thing, and what of them is compared with what."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from impls.network import Architecture
from repro.recipe.recipe import Recipe
from repro.recipe.views import View, Whole
from results.schema.trial import Trial


@dataclass(frozen=True)
class Metric:
    """A number that a trial comes to, in `unit`; None where it has none (it never reached that error)."""

    name: str
    unit: str
    of: Callable[[Trial], float | None]


@dataclass(frozen=True)
class Arm:
    """One way to train: a network and a recipe.

    `train` is how many training images it sees (None: all), `size` the side that they are trained at (None: the
    data's own, prepared). It is judged on the test images through each of `views`, the first of which the curve shows.
    `pictures`: what of it is kept to be looked at (`repro.training.visuals`).
    """

    name: str
    architecture: Architecture
    recipe: Recipe
    train: int | None = None
    size: int | None = None
    views: Mapping[str, View] = field(default_factory=lambda: {"": Whole()}, hash=False)
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Region:
    """The values that a claim asserts for a comparison; an end that is infinite is open."""

    low: float = -math.inf
    high: float = math.inf


BELOW_ZERO, ABOVE_ONE, BELOW_ONE = Region(high=0.0), Region(low=1.0), Region(high=1.0)

Scale = Literal["difference", "ratio", "value"]


@dataclass(frozen=True)
class Contrast:
    """`metric` of the arm `first`, less (or over) that of `second`, seed by seed, and what the claim says of it.

    `other` is the second arm's metric where it is another one (the same arm seen in another way). With the scale
    "value" there is no second arm. `paper` is the paper's own figure for the same, as text.
    """

    statement: str
    metric: Metric
    first: str
    second: str | None
    claimed: Region
    paper: str
    scale: Scale = "difference"
    other: Metric | None = None


@dataclass(frozen=True)
class Experiment:
    """Arms that share data, order, seeds and whatever else is not what they differ in.

    `learning_rates`: each arm takes the one of these with which it does best by `tuned_on`, found on a seed of its
    own; empty if the recipes say it. `cheap`: a part of what `tox -e reproduce` runs. `classes`: how many the data must
    have, where the paper's own figure is asked for.
    """

    data: str
    arms: tuple[Arm, ...]
    contrasts: tuple[Contrast, ...]
    learning_rates: tuple[float, ...] = ()
    tuned_on: Metric | None = None
    cheap: bool = False
    classes: int | None = None

    def arm(self, name: str) -> Arm:
        return next(arm for arm in self.arms if arm.name == name)
