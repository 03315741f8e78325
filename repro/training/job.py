"""Jobs: the specification of a trial, and the digest that is its id."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from impls.network import Network
from repro.claims.experiment import Arm
from repro.data import Dataset
from repro.recipe.recipe import Recipe

METHOD = 1
"""Version of the training code; raised when the same job gives other results."""


@dataclass(frozen=True)
class Job:
    """An arm, a seed, and where it runs. `learning_rate` replaces the recipe's first one, the others in proportion.

    `losses`: number of first steps whose losses are kept.
    """

    arm: Arm
    data: str
    seed: int
    framework: str
    execution: str
    device: str = "cpu"
    learning_rate: float | None = None
    losses: int = 0

    @property
    def recipe(self) -> Recipe:
        """The arm's recipe at the job's learning rate."""
        recipe = self.arm.recipe
        if self.learning_rate is None:
            return recipe
        factor = self.learning_rate / recipe.stages[0].learning_rate
        stages = tuple(replace(stage, learning_rate=stage.learning_rate * factor) for stage in recipe.stages)
        return replace(recipe, stages=stages)

    def network(self, data: Dataset) -> Network:
        """The arm's network for the data's channels and classes, at its training side."""
        channels, height, width = data.shape
        height, width = height // self.arm.shrink, width // self.arm.shrink
        prepare = self.recipe.prepare
        size = (self.arm.size, self.arm.size) if self.arm.size else (prepare.side(height), prepare.side(width))
        return self.arm.architecture.at(size, channels, len(data.classes))

    def images(self, data: Dataset) -> int:
        """Number of training images."""
        return min(self.arm.train or len(data.train.labels), len(data.train.labels))

    def id(self, data: Dataset) -> str:
        """A digest of everything that determines the outcome, except versions and the processor."""
        network = replace(self.network(data), architecture="")  # the name does not affect the outcome
        training = METHOD, network, self.recipe, self.images(data), tuple(self.arm.views.items()), data.digest
        where = self.seed, self.framework, self.execution, self.device, self.losses
        return hashlib.sha256(repr((*training, *where, *self._later)).encode()).hexdigest()[:16]

    @property
    def _later(self) -> Iterator[tuple[str, object]]:
        """Settings that older trials do not have: part of the id where they are set, so that older ids stay."""
        if self.arm.shrink != 1:
            yield "shrink", self.arm.shrink
        if self.recipe.until is not None:
            yield "until", self.recipe.until

    def settings(self, data: Dataset) -> Mapping[str, str]:
        """The settings of the training, in words."""
        network, recipe = self.network(data), self.recipe
        return {
            "images": f"{self.images(data):,} of {len(data.train.labels):,}",
            "input": "x".join(map(str, network.input_shape)),
            "parameters": f"{network.parameters:,}",
            "MACs": f"{network.macs:,}",
            "passes": ", then ".join(f"{stage.passes} at {stage.learning_rate:g}" for stage in recipe.stages),
            "batch": str(recipe.batch),
            "momentum": f"{recipe.momentum:g}",
            "weight decay": f"{recipe.weight_decay:g}",
            "first weights": repr(recipe.initial),
            "preparation": repr(recipe.prepare),
            "augmentation": "; ".join(map(repr, recipe.augment)) or "none",
            "sizes": repr(recipe.sizes) if recipe.sizes else "one",
            **({"ends": f"at {recipe.until:.0%} training error"} if recipe.until is not None else {}),
            **({"pixels": f"means of {self.arm.shrink} x {self.arm.shrink}"} if self.arm.shrink != 1 else {}),
        }
