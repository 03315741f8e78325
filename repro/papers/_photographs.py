"""The papers' networks in small on photographs: ten classes of ImageNet at 64 pixels, and CIFAR-10."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repro.claims.experiment import Arm
from repro.data.images.augment import Augmentation, Flip, RandomCrop
from repro.papers import _small
from repro.recipe.colour import Colour
from repro.recipe.initializers import Glorot
from repro.recipe.recipe import Recipe, Sizes, Stage
from repro.recipe.views import Centre, Ten, View


@dataclass(frozen=True)
class Photographs:
    """A data set of photographs, and how the small networks see it.

    `side`: of the crops that stand for 224 of 256 pixels; `smaller`: what stands for 180. `first`: kernel and stride of
    the first convolution. `shrink`: by how much images are reduced first.
    """

    data: str
    side: int
    smaller: int
    first: tuple[int, int]
    stages: tuple[Stage, ...]
    shrink: int = 1

    @property
    def views(self) -> dict[str, View]:
        return {"": Centre(self.side), "ten views": Ten(self.side)}

    def recipe(
        self,
        crop: Augmentation | None = None,
        colour: bool = False,
        sizes: Sizes | None = None,
        stages: tuple[Stage, ...] | None = None,
        measures: int = 1,
    ) -> Recipe:
        """Random crops and flips, as the papers train."""
        augment = (crop or RandomCrop(self.side), Flip(), *((Colour(),) if colour else ()))
        stages = stages or self.stages
        return Recipe(stages, batch=32, initial=Glorot(), augment=augment, sizes=sizes, measures=measures)

    def arm(
        self, name: str, network: str, table: _small.Table, how: Recipe, views: Mapping[str, View] | None = None
    ) -> Arm:
        """A small network with that table."""
        architecture = _small.architecture(network, table, side=self.side)
        return Arm(name, architecture, how, size=self.side, views=views or self.views, shrink=self.shrink)


IMAGENETTE = Photographs(
    "imagenette128",
    side=56,  # of 64
    smaller=45,
    first=_small.FIRST_OF_PHOTOGRAPH,
    stages=(Stage(24, 0.01), Stage(6, 0.001)),
    shrink=2,  # the effort of a trial falls to a quarter, so that four times as many seeds can be trained
)
CIFAR = Photographs(
    "cifar10",
    side=24,  # of 32: maps of 6 in 8 cells, so that a view in the middle begins at a cell
    smaller=19,
    first=_small.FIRST,
    stages=(Stage(10, 0.01), Stage(2, 0.001)),  # over 10,000 images 15 passes left an error of 51 %
)
SETS = (IMAGENETTE, CIFAR)
"""The one closest to the papers' images first. With 10,000 test images CIFAR-10 tells smaller differences."""
