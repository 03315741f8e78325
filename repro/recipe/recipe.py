"""How a network is trained, as data: preparation, initial weights, passes, sizes, augmentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from repro.data.augment import Augmentation
from repro.recipe.initializers import He, Initializer
from repro.recipe.preprocessing import Prepare, Standardise

if TYPE_CHECKING:
    import numpy as np


@runtime_checkable
class Fits(Protocol):
    """An augmentation that goes by the training images."""

    def fit(self, training: np.ndarray, prepared: np.ndarray) -> Augmentation:
        """What it comes to for training images (n, channels, height, width), as bytes and as prepared."""


@dataclass(frozen=True)
class Stage:
    """So many passes over the training images at a learning rate."""

    passes: int
    learning_rate: float


@dataclass(frozen=True)
class Sizes:
    """The sides that images are trained at: each pass takes the next of `sides` by turns, or a random one of them."""

    sides: tuple[int, ...]
    random: bool = False


@dataclass(frozen=True)
class Recipe:
    """Everything of a training but the network, the images and the seed.

    The update is impls.frameworks.Sgd's, the same in every framework. Batches that would be smaller than `batch` are
    left out of a pass.
    """

    stages: tuple[Stage, ...]
    batch: int = 64
    momentum: float = 0.9
    weight_decay: float = 5e-4
    initial: Initializer = He()
    prepare: Prepare = Standardise()
    augment: tuple[Augmentation | Fits, ...] = ()
    sizes: Sizes | None = None
    measures: int = 1
    """How often a pass stops to measure the errors on training and test images."""
    measured: int = 2000
    """Images of each that are looked at then; at the end it is all test images."""

    @property
    def passes(self) -> int:
        return sum(stage.passes for stage in self.stages)
