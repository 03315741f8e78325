"""Training claims as experiments: arms that differ in one factor, and the contrasts between them."""

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
    """A number of a trial, in `unit`; None if the trial has none (such as an error never reached)."""

    name: str
    unit: str
    of: Callable[[Trial], float | None]


@dataclass(frozen=True)
class Arm:
    """One way to train: a network and a recipe.

    `train`: number of training images (None: all); `size`: side at which they are trained (None: the data's own,
    prepared). Test errors are measured with each of `views`; the curve shows the first. `pictures`: visualisations to
    keep (`repro.training.visuals`). `shrink`: side of the blocks of pixels that are averaged into one first.
    """

    name: str
    architecture: Architecture
    recipe: Recipe
    train: int | None = None
    size: int | None = None
    views: Mapping[str, View] = field(default_factory=lambda: {"": Whole()}, hash=False)
    pictures: tuple[str, ...] = ()
    shrink: int = 1


@dataclass(frozen=True)
class Region:
    """The interval of values that a claim asserts for a contrast; an infinite end is open."""

    low: float = -math.inf
    high: float = math.inf


BELOW_ZERO, ABOVE_ONE, BELOW_ONE = Region(high=0.0), Region(low=1.0), Region(high=1.0)

Scale = Literal["difference", "ratio", "value"]


@dataclass(frozen=True)
class Contrast:
    """Difference (or ratio) of `metric` between the arms `first` and `second`, per seed, and the claimed region.

    `other`: the second arm's metric if it differs (such as the same arm with another view). With the scale "value"
    there is no second arm. `paper`: the paper's figure for the same, as text; `size`: the effect that it reports, in
    the contrast's unit (a factor for a ratio), None where it gives no figure of an effect.
    """

    statement: str
    metric: Metric
    first: str
    second: str | None
    claimed: Region
    paper: str
    scale: Scale = "difference"
    other: Metric | None = None
    size: float | None = None


@dataclass(frozen=True)
class Experiment:
    """Arms that share data, order, seeds and everything else except the factor under test.

    `learning_rates`: candidates; each arm uses its best one by `tuned_on`, found with a separate seed; empty if the
    recipes set the rate. `cheap`: part of the default run of `tox -e reproduce`. `classes`: number of classes that the
    data must have for the paper's figure.
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
