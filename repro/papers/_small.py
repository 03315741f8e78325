"""The papers' networks in small, for images of 20 to 40 pixels: the same layers in the same order, but narrower."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from impls.architectures.alexnet import overlapping
from impls.layers import (
    Activation,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAverage,
    Layer,
    LocalResponseNorm,
    Pool,
    SpatialPyramid,
)
from impls.network import Architecture
from repro.recipe.initializers import Glorot
from repro.recipe.recipe import Recipe, Stage

RECIPE = Recipe((Stage(8, 0.01), Stage(2, 0.001)), batch=32, initial=Glorot())
"""How they are trained, unless that is the question."""

Table = Callable[[int], tuple[Layer, ...]]
Squash = Literal["relu", "tanh"]
Head = Literal["fc", "fc + dropout", "gap"]


def architecture(name: str, table: Table, side: int = 28) -> Architecture:
    """A table of this file as an architecture; channels and classes are the data's."""
    return Architecture(f"small.{name}", name, "scaled down for `tox -e reproduce`", (1, side, side), 10, table)


def conv(name: str, channels: int, kernel: int, squash: Squash = "relu", stride: int = 1) -> tuple[Layer, ...]:
    """A convolution that keeps the map's size, or divides it by its stride."""
    convolution = Conv(name, channels, kernel=kernel, stride=stride, padding=kernel // 2)
    return convolution, Activation(f"{name}-{squash}", squash)


FIRST, FIRST_OF_PHOTOGRAPH = (5, 1), (7, 2)
"""Kernel and stride of the first convolution, for images of about 28 and of about 56 pixels: maps of 28 cells."""


def classifier(classes: int, units: int, dropout: bool = True) -> tuple[Layer, ...]:
    """fc6, fc7, fc8 as AlexNet, VGG and SPP-net have them."""
    hidden = [
        layer
        for name in ("fc6", "fc7")
        for layer in (Dense(name, units), Activation(f"{name}-relu", "relu"), Dropout(f"{name}-dropout"))
        if dropout or not isinstance(layer, Dropout)
    ]
    return (*hidden, Dense("fc8", classes))


def four_layers(classes: int, widths: Sequence[int], squash: Squash = "relu") -> tuple[Layer, ...]:
    """Three convolutions and a full connection (Krizhevsky 2012, figure 1), pools as in cuda-convnet's layers-19pct."""
    stages = [
        (*conv(f"conv{number}", width, 5, squash), overlapping(f"pool{number}", "max" if number == 1 else "average"))
        for number, width in enumerate(widths, 1)
    ]
    return (*(layer for stage in stages for layer in stage), Flatten("flatten"), Dense("fc4", classes))


def cifar_eleven(classes: int, widths: Sequence[int], norm: bool) -> tuple[Layer, ...]:
    """cuda-convnet's network for CIFAR-10, its two locally connected layers as convolutions (section 3.3)."""
    norms = [[LocalResponseNorm(f"norm{number}", 9, 1e-3 / 9, 0.75, 1.0)] if norm else [] for number in (1, 2)]
    first, second, third, fourth = widths
    return (
        *(*conv("conv1", first, 5), overlapping("pool1"), *norms[0]),
        *(*conv("conv2", second, 5), *norms[1], overlapping("pool2")),
        *(*conv("conv3", third, 3), *conv("conv4", fourth, 3)),
        *(Flatten("flatten"), Dense("fc5", classes)),
    )


def alexnet(
    classes: int,
    norm: bool = True,
    overlap: bool = True,
    drop: Sequence[str] = (),
    first: tuple[int, int] = FIRST,
) -> tuple[Layer, ...]:
    """Five convolutions, three pools, three full connections; without the layers that begin with a name of `drop`."""
    pool = overlapping if overlap else partial(Pool, kernel=2, stride=2)  # maps of the same sizes
    layers: tuple[Layer, ...] = (
        *(*conv("conv1", 16, first[0], stride=first[1]), LocalResponseNorm("norm1"), pool("pool1")),
        *(*conv("conv2", 24, 5), LocalResponseNorm("norm2"), pool("pool2")),
        *(*conv("conv3", 32, 3), *conv("conv4", 32, 3), *conv("conv5", 24, 3), pool("pool5")),
        *(Flatten("flatten"), *classifier(classes, 128)),
    )
    return tuple(
        layer
        for layer in layers
        if (norm or not isinstance(layer, LocalResponseNorm)) and not layer.name.startswith(tuple(drop))
    )


def nin(classes: int, head: Head = "gap", dropout: bool = True, scale: int = 1) -> tuple[Layer, ...]:
    """Three blocks of a convolution and two 1 x 1 layers; the head is on the last block's class maps (table 5)."""
    blocks: list[Layer] = []
    widths = [(32, 24, 16), (32, 32, 32), (32, 32, classes)]
    for number, (block, kernel) in enumerate(zip(widths, (5, 5, 3)), 1):
        first, second, third = (width if width == classes else scale * width for width in block)
        blocks += [*conv(f"conv{number}", first, kernel), *conv(f"cccp{number}a", second, 1)]
        blocks += conv(f"cccp{number}b", third, 1)
        if number < len(widths):
            blocks += [overlapping(f"pool{number}"), *([Dropout(f"dropout{number}")] if dropout else [])]
    return (*blocks, *heads(classes, head))


def heads(classes: int, head: Head) -> tuple[Layer, ...]:
    """What stands on the class maps: their averages, or a full connection with or without dropout before it."""
    if head == "gap":
        return (GlobalAverage("gap"),)
    between = [Dropout("head-dropout")] if head == "fc + dropout" else []
    return (Flatten("flatten"), *between, Dense("fc", classes))


def plain(classes: int, head: Head) -> tuple[Layer, ...]:
    """A conventional network with as many maps at its end as there are classes (NIN, section 4.6)."""
    return (
        *(*conv("conv1", 16, 5), overlapping("pool1"), *conv("conv2", 16, 5), overlapping("pool2")),
        *(*conv("conv3", 16, 5), *conv("conv4", classes, 3), *heads(classes, head)),
    )


Convolutions = tuple[int | Literal["1x1", "5x5", "lrn"], ...]


def vgg(classes: int, stages: Sequence[Convolutions]) -> tuple[Layer, ...]:
    """Stages of 3 x 3 convolutions (a number each: so many), 1 x 1 and 5 x 5 ones, or LRN, with a pool after each."""
    layers: list[Layer] = []
    for stage, (kinds, width) in enumerate(zip(stages, (12, 24, 48)), 1):
        for place, kind in enumerate(_expand(kinds), 1):
            name = f"conv{stage}-{place}"
            layers += [LocalResponseNorm(f"norm{stage}")] if kind == "lrn" else conv(name, width, int(kind[0]))
        layers.append(Pool(f"pool{stage}", kernel=2, stride=2))
    return (*layers, Flatten("flatten"), *classifier(classes, 128))


def _expand(kinds: Convolutions) -> list[str]:
    return [one for kind in kinds for one in (["3x3"] * kind if isinstance(kind, int) else [kind])]


def zf(classes: int, levels: tuple[int, ...], first: tuple[int, int] = FIRST) -> tuple[Layer, ...]:
    """ZF-5 with a pyramid of `levels`, or with its last pool where there are none."""
    last: tuple[Layer, ...] = (overlapping("pool5"), Flatten("flatten"))
    return (
        *(*conv("conv1", 16, first[0], stride=first[1]), LocalResponseNorm("norm1"), overlapping("pool1")),
        *(*conv("conv2", 24, 3), LocalResponseNorm("norm2"), overlapping("pool2")),
        *(*conv("conv3", 32, 3), *conv("conv4", 32, 3), *conv("conv5", 24, 3)),
        *((SpatialPyramid("spp", levels),) if levels else last),
        *classifier(classes, 128),
    )


def linear(classes: int) -> tuple[Layer, ...]:
    """A linear classifier (LeCun 1998, section III-C)."""
    return Flatten("flatten"), Dense("output", classes)


def hidden(classes: int, units: int) -> tuple[Layer, ...]:
    """A network with one hidden layer (LeCun 1998, section III-C)."""
    return Flatten("flatten"), Dense("hidden", units), Activation("squash", "scaled_tanh"), Dense("output", classes)
