"""The papers' training on ImageNet (if the data set is present): AlexNet's recipe, which VGG and SPP-net follow."""

from __future__ import annotations

from repro.data.images.augment import Flip, RandomCrop
from repro.recipe.colour import Colour
from repro.recipe.initializers import Initializer, Normal
from repro.recipe.preprocessing import MeanImage
from repro.recipe.recipe import Recipe, Sizes, Stage
from repro.recipe.views import Centre, Ten, View

DATA = "imagenet"
STAGES = (Stage(30, 0.01), Stage(20, 0.001), Stage(20, 0.0001), Stage(20, 0.00001))
"""About 90 passes, the rate divided by ten three times (Krizhevsky 2012, section 5); when, the paper leaves to the
validation error."""
BIASED = ("conv2", "conv4", "conv5", "fc6", "fc7")
"""Layers whose biases begin at 1."""


def recipe(
    side: int,
    initial: Initializer | None = None,
    colour: bool = True,
    sizes: Sizes | None = None,
    stages: tuple[Stage, ...] = STAGES,
) -> Recipe:
    """AlexNet's, with crops of a side."""
    return Recipe(
        stages,
        batch=128,
        initial=initial or Normal(BIASED, 0.01),
        prepare=MeanImage(),
        augment=(RandomCrop(side), Flip(), *((Colour(),) if colour else ())),
        sizes=sizes,
    )


def views(side: int) -> dict[str, View]:
    """The middle of the image, and ten views of it."""
    return {"": Centre(side), "ten views": Ten(side)}
