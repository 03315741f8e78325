"""The papers' networks in small on photographs: ten classes of ImageNet, reduced to 64 pixels, in crops of 56."""

from __future__ import annotations

from collections.abc import Mapping

from impls.network import Architecture
from repro.claims.experiment import Arm
from repro.data.images.augment import Augmentation, Flip, RandomCrop
from repro.papers import _small
from repro.recipe.colour import Colour
from repro.recipe.initializers import Glorot
from repro.recipe.recipe import Recipe, Sizes, Stage
from repro.recipe.views import Centre, Ten, View

DATA = "imagenette128"
SHRINK = 2
"""Of 128 pixels: the effort of a trial falls to a quarter, so that four times as many seeds can be trained."""
STORED, SIDE = 64, 56
"""Crops of 56 of 64 pixels stand for 224 of 256."""
STAGES = (Stage(24, 0.01), Stage(6, 0.001))
VIEWS: dict[str, View] = {"": Centre(SIDE), "ten views": Ten(SIDE)}


def recipe(
    crop: Augmentation | None = None,
    colour: bool = False,
    sizes: Sizes | None = None,
    stages: tuple[Stage, ...] = STAGES,
    measures: int = 1,
) -> Recipe:
    """Random crops and flips, as the papers train."""
    augment = (crop or RandomCrop(SIDE), Flip(), *((Colour(),) if colour else ()))
    return Recipe(stages, batch=32, initial=Glorot(), augment=augment, sizes=sizes, measures=measures)


def arm(name: str, network: str, table: _small.Table, how: Recipe, views: Mapping[str, View] = VIEWS) -> Arm:
    """A small network with that table."""
    return Arm(name, architecture(network, table), how, size=SIDE, views=views, shrink=SHRINK)


def architecture(name: str, table: _small.Table) -> Architecture:
    return _small.architecture(name, table, side=SIDE)
