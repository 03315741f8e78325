"""Simonyan and Zisserman 2015: depth, kernel sizes, LRN, scale jitter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from impls import load_architecture
from impls.architectures.alexnet import classifier
from impls.layers import Flatten, Layer, Pool
from impls.network import Architecture
from repro.claims.experiment import BELOW_ZERO, Arm, Contrast, Experiment, Region
from repro.claims.metrics import TEST_ERROR, error_seen
from repro.data.images.augment import Augmentation, Flip, ScaleJitter
from repro.papers import _small as small
from repro.papers._photographs import CIFAR, IMAGENETTE, SETS, Photographs
from repro.recipe.initializers import Glorot
from repro.recipe.preprocessing import MeanImage
from repro.recipe.recipe import Recipe, Stage
from repro.recipe.views import Centre, Crops, Dense, Ensemble, View

FASHION = "fashion-mnist"
TRAIN = 5_000
STAGES: dict[str, tuple[small.Convolutions, ...]] = {
    "A": ((1,), (1,), (2,)),
    "A-LRN": ((1, "lrn"), (1,), (2,)),
    "B": ((2,), (2,), (2,)),
    "B 5x5": (("5x5",), ("5x5",), ("5x5",)),
    "C": ((2,), (2, "1x1"), (2, "1x1")),
    "D": ((2,), (3,), (3,)),
    "E": ((2,), (4,), (4,)),
}
"""Configurations by stage; three stages fit where the paper has five."""


def _small(name: str) -> Arm:
    table = partial(small.vgg, stages=STAGES[name])
    return Arm(name, small.architecture(f"vgg {name}", table), small.RECIPE, train=TRAIN)


PASSES = {IMAGENETTE.data: (Stage(16, 0.01), Stage(4, 0.001)), CIFAR.data: (Stage(7, 0.01), Stage(1, 0.001))}
"""Fewer than other networks have on photographs, as these take longer."""


def _medium(where: Photographs, name: str) -> Arm:
    """A small one on photographs."""
    table = partial(small.vgg, stages=STAGES[name])
    return where.arm(name, f"vgg {name}", table, where.recipe(stages=PASSES[where.data]))


def _large(name: str, scale: int = 256, augment: Augmentation | None = None) -> Arm:
    """The configuration on ImageNet with crops of 224 of images whose shorter side is `scale`."""
    recipe = Recipe(
        (Stage(30, 0.01), Stage(20, 0.001), Stage(12, 0.0001), Stage(12, 0.00001)),
        batch=256,
        initial=Glorot(),
        prepare=MeanImage(),
        augment=(augment or ScaleJitter(scale, scale, 224), Flip()),
    )
    return Arm(name, _architecture(name), recipe, size=224, views={"": Centre(224, (scale,))})


def _architecture(name: str) -> Architecture:
    if name == "B 5x5":
        return small.architecture("vgg-b 5x5", _shallow, side=224)
    return load_architecture(f"vgg-{name.lower()}")


def _shallow(classes: int) -> tuple[Layer, ...]:
    """B with each pair of 3 x 3 convolutions as one of 5 x 5 (section 4.1)."""
    layers: list[Layer] = []
    for stage, width in enumerate((64, 128, 256, 512, 512), 1):
        layers += [*small.conv(f"conv{stage}", width, 5), Pool(f"pool{stage}", kernel=2, stride=2)]
    return (*layers, Flatten("flatten"), *classifier(classes))


def _less(first: str, second: str, size: float) -> Contrast:
    """The first's test error is said to be the lower."""
    paper = f"{size:g} % top-1"
    return Contrast(f"test error, {first} less {second}", TEST_ERROR, first, second, BELOW_ZERO, paper, size=size)


def _each(names: Sequence[str], contrasts: tuple[Contrast, ...], cheap: bool = False) -> tuple[Experiment, ...]:
    """On ImageNet at the paper's scale, and small on photographs and on Fashion-MNIST."""
    return (
        Experiment("imagenet", tuple(map(_large, names)), contrasts),
        *(Experiment(one.data, tuple(_medium(one, name) for name in names), contrasts) for one in SETS),
        Experiment(FASHION, tuple(map(_small, names)), contrasts, cheap=cheap),
    )


NO_HELP = 0.3
"""Points of error by which LRN would have to be better to count as a help."""
LRN = _each(
    ("A", "A-LRN"),
    (Contrast("test error with LRN less without", TEST_ERROR, "A-LRN", "A", Region(low=-NO_HELP), "+0.1 % top-1"),),
    cheap=True,
)
DEPTH = _each(
    ("A", "B", "C", "D", "E"),
    (
        *(_less("B", "A", -0.9), _less("C", "B", -0.6), _less("D", "C", -1.1)),
        Contrast("test error, E less D", TEST_ERROR, "E", "D", Region(-1.0, 1.0), "+0.3 % top-1 (saturates)"),
    ),
)
NONLINEARITY = _each(("B", "C", "D"), (_less("C", "B", -0.6), _less("D", "C", -1.1)))
SMALL_KERNELS = _each(("B", "B 5x5"), (_less("B", "B 5x5", -7.0),), cheap=True)


def _scaled(name: str, low: int, high: int, side: int, views: dict[str, View], data: str) -> Arm:
    """The network trained on crops of images whose shorter side is drawn from `low` to `high`."""
    jitter = ScaleJitter(low, high, side)
    if data == "imagenet":
        arm = _large("D", augment=jitter)
    elif data == FASHION:
        arm = replace(_small("B"), recipe=replace(small.RECIPE, augment=(jitter, Flip())))
    else:
        (where,) = (one for one in SETS if one.data == data)
        arm = replace(_medium(where, "B"), recipe=where.recipe(jitter, stages=PASSES[data]))
    return replace(arm, name=name, size=side, views=views)


def _jitter(data: str, fixed: int, low: int, high: int, side: int) -> Experiment:
    """Training at a fixed scale, and tested there, against scales drawn from a range; test at one against three."""
    middle = (low + high) // 2
    several: dict[str, View] = {"": Centre(side, (middle,)), "three scales": Centre(side, (low, middle, high))}
    arms = (
        _scaled("fixed", fixed, fixed, side, {"": Centre(side, (fixed,))}, data),
        _scaled("jittered", low, high, side, several, data),
    )
    return Experiment(
        data,
        arms,
        (
            _less("jittered", "fixed", -1.2),
            Contrast(
                "test error at three scales less at one",
                metric=error_seen("three scales"),
                first="jittered",
                second="jittered",
                claimed=BELOW_ZERO,
                paper="-0.8 % top-1",
                other=TEST_ERROR,
                size=-0.8,
            ),
        ),
    )


JITTER = (
    _jitter("imagenet", 384, 256, 512, 224),
    _jitter(IMAGENETTE.data, 72, 60, 84, IMAGENETTE.side),
    _jitter(CIFAR.data, 32, 26, 38, CIFAR.side),
    _jitter(FASHION, 28, 26, 36, 24),
)


LESS = -0.2
"""Points of top-1 error between two ways of testing (table 5)."""


def _views(data: str, low: int, high: int, side: int, grid: int) -> Experiment:
    """A grid of crops against the network at every place of the maps, of one that was trained at many scales."""
    middle = (low + high) // 2
    dense, crops = Dense(side, middle), Crops(side, middle, grid)
    views: dict[str, View] = {"": dense, "crops": crops, "both": Ensemble(dense, crops)}
    arm = _scaled("network", low, high, side, views, data)
    claimed = ("crops", TEST_ERROR, "dense"), ("both", error_seen("crops"), "crops")
    contrasts = tuple(
        Contrast(
            f"test error, {name} less {than}",
            metric=error_seen(name),
            first="network",
            second="network",
            claimed=BELOW_ZERO,
            paper=f"{LESS:g} % top-1",
            other=other,
            size=LESS,
        )
        for name, other, than in claimed
    )
    return Experiment(data, (arm,), contrasts)


VIEWS = (
    _views("imagenet", 256, 512, 224, 5),
    _views(IMAGENETTE.data, 60, 84, IMAGENETTE.side, 3),
    _views(CIFAR.data, 26, 38, CIFAR.side, 3),
    _views(FASHION, 26, 36, 24, 3),
)
