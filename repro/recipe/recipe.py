"""Training recipes as data: preparation, initial weights, passes, sizes, augmentation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from repro.data.images.augment import Augmentation
from repro.recipe.initializers import He, Initializer
from repro.recipe.preprocessing import Prepare, Standardise

if TYPE_CHECKING:
    import numpy as np


@runtime_checkable
class Fits(Protocol):
    """An augmentation that is fitted to the training images."""

    def fit(self, training: np.ndarray, prepared: np.ndarray) -> Augmentation:
        """Fit to training images (n, channels, height, width), as uint8 and as prepared float32."""


@dataclass(frozen=True)
class Stage:
    """`passes` over the training images at a learning rate."""

    passes: int
    learning_rate: float


@dataclass(frozen=True)
class Sizes:
    """The sides of training images: passes alternate between `sides`, or use a random one of them."""

    sides: tuple[int, ...]
    random: bool = False


@dataclass(frozen=True)
class Recipe:
    """All settings of a training except the network, the images and the seed.

    The update is impls.frameworks.Sgd's, the same in every framework. An incomplete last batch of a pass is dropped.
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
    """Measurements per pass of the errors on training and test images."""
    measured: int = 2000
    """Number of images of each used for them; the final error is on all test images."""
    until: float | None = field(default=None, repr=False)
    """The training ends with the measurement at which the training error is at most this share; None: with the last
    pass. Not in the text that a trial's id is made of, which has it if it is set (`repro.training.job`)."""

    @property
    def passes(self) -> int:
        return sum(stage.passes for stage in self.stages)
