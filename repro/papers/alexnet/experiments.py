"""Krizhevsky et al. 2012: ReLU, local response normalisation, overlapping pooling, two towers, colour, depth."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from impls import load_architecture
from impls.architectures.alexnet import alexnet
from impls.layers import Conv, Layer, LocalResponseNorm, Pool
from repro.claims.experiment import ABOVE_ONE, BELOW_ZERO, Arm, Contrast, Experiment, Metric, Region
from repro.claims.metrics import TEST_ERROR, error_seen, images_to
from repro.data.images.augment import Flip, RandomCrop
from repro.papers import _imagenet
from repro.papers import _small as small
from repro.papers._photographs import SETS, Photographs
from repro.recipe.colour import Colour
from repro.recipe.initializers import Glorot
from repro.recipe.recipe import Recipe, Stage
from repro.recipe.views import Centre, Ten, View

TEN = error_seen("ten views")

# AX-1: four layers on CIFAR-10, no regularisation, a learning rate of its own for each.
RATES = (0.003, 0.01, 0.03, 0.1)


def _activation_arms(widths: tuple[int, ...], recipe: Recipe, train: int | None) -> tuple[Arm, ...]:
    return tuple(
        Arm(
            squash,
            small.architecture(f"four-layers-{squash}", partial(small.four_layers, widths=widths, squash=squash)),
            recipe,
            train=train,
        )
        for squash in ("relu", "tanh")
    )


def _faster(error: float, paper: str, size: float | None = None) -> Contrast:
    return Contrast(
        f"images to {error:g} % training error, tanh over ReLU",
        metric=images_to(error),
        first="tanh",
        second="relu",
        claimed=ABOVE_ONE,
        paper=paper,
        scale="ratio",
        size=size,
    )


def _to(error: float, passes: int) -> Recipe:
    """The paper's, which ends with the training error that is waited for."""
    stages = (Stage(passes, 0.01),)
    return Recipe(stages, batch=128, weight_decay=0.0, initial=Glorot(), measures=2, until=error)


SHORT = Recipe((Stage(5, 0.01),), batch=32, weight_decay=0.0, initial=Glorot(), measures=20, measured=1000)
RELU = (
    Experiment(
        "cifar10",
        _activation_arms((32, 32, 64), _to(0.25, 100), None),
        (_faster(25, "6", 6.0),),
        learning_rates=RATES,
        tuned_on=images_to(25),
    ),
    Experiment(
        "cifar10",
        _activation_arms((32, 32, 64), _to(0.25, 60), 20_000),
        (_faster(25, "6", 6.0),),
        learning_rates=RATES[1:],
        tuned_on=images_to(25),
    ),
    Experiment(
        "fashion-mnist",
        _activation_arms((16, 16, 32), SHORT, 8_000),
        (_faster(25, "6", 6.0), _faster(15, "not given")),
        learning_rates=RATES,
        tuned_on=images_to(15),
        cheap=True,
    ),
)

# AX-3: cuda-convnet's networks for CIFAR-10.
SAYS_NORM = "test error with LRN less without"


def _cuda_convnet_arm(name: str, widths: tuple[int, int, int, int], recipe: Recipe) -> Arm:
    table = partial(small.cifar_eleven, widths=widths, norm=name == "LRN")
    return Arm(name, small.architecture(name, table), recipe)


def _norm(metric: Metric) -> tuple[Contrast, ...]:
    return (Contrast(SAYS_NORM, metric, "LRN", "no LRN", BELOW_ZERO, "-2 % (11 % and 13 %)", size=-2.0),)


CROP = 24
"""Crops of 24 of 32 pixels; a test image is seen in ten of them (cuda-convnet's methodology)."""
AS_CROPS: dict[str, View] = {"": Centre(CROP), "ten views": Ten(CROP)}
CUDA_CONVNET = Recipe(
    (Stage(100, 0.01), Stage(20, 0.001)), batch=128, weight_decay=0.004, augment=(RandomCrop(CROP), Flip())
)
SHORTER = replace(CUDA_CONVNET, stages=(Stage(24, 0.01), Stage(6, 0.001)), initial=Glorot())
TRAIN = 6_000
BOTH = ("LRN", "no LRN")


def _on_crops(name: str, widths: tuple[int, int, int, int], recipe: Recipe) -> Arm:
    return replace(_cuda_convnet_arm(name, widths, recipe), size=CROP, views=AS_CROPS)


LRN_FOUR_LAYERS = (
    Experiment("cifar10", tuple(_on_crops(name, (64, 64, 64, 32), CUDA_CONVNET) for name in BOTH), _norm(TEN)),
    Experiment("cifar10", tuple(_on_crops(name, (32, 32, 32, 16), SHORTER) for name in BOTH), _norm(TEN)),
    Experiment(
        "fashion-mnist",
        tuple(replace(_cuda_convnet_arm(name, (16, 16, 16, 8), small.RECIPE), train=TRAIN) for name in BOTH),
        _norm(TEST_ERROR),
    ),
)

# The rest: AlexNet itself on ImageNet, and small ones on photographs and on Fashion-MNIST.
ALEXNET = load_architecture("alexnet")
BASE = small.architecture("alexnet", small.alexnet)


def _large(name: str, table: small.Table = ALEXNET.table, colour: bool = True) -> Arm:
    recipe, views = _imagenet.recipe(227, colour=colour), _imagenet.views(227)
    return Arm(name, replace(ALEXNET, name=f"alexnet {name}", table=table), recipe, size=227, views=views)


def _small(name: str, table: small.Table = BASE.table, recipe: Recipe = small.RECIPE) -> Arm:
    return Arm(name, small.architecture(f"alexnet {name}", table), recipe, train=TRAIN)


def _without(classes: int, kind: type[Layer] | None = None, names: tuple[str, ...] = ()) -> tuple[Layer, ...]:
    """AlexNet without the layers of a kind, or those that begin with a name."""
    layers = alexnet(classes, groups=2)
    return tuple(one for one in layers if type(one) is not kind and not one.name.startswith(names))


def _two_by_two(classes: int) -> tuple[Layer, ...]:
    """AlexNet with pools of 2 x 2, which give maps of the same size."""
    return tuple(
        replace(one, kernel=2, ceil=False) if isinstance(one, Pool) else one for one in alexnet(classes, groups=2)
    )


def _half(classes: int) -> tuple[Layer, ...]:
    """The one-GPU network of section 3.2: half of every layer's maps but conv5's, no groups."""
    halved = {"conv1": 48, "conv2": 128, "conv3": 192, "conv4": 192}
    return tuple(
        replace(one, channels=halved.get(one.name, one.channels), groups=1) if isinstance(one, Conv) else one
        for one in alexnet(classes, groups=2)
    )


def _medium(where: Photographs, name: str, colour: bool = False, **options: object) -> Arm:
    """A small one on photographs."""
    table = partial(small.alexnet, first=where.first, **options)  # type: ignore[arg-type]
    return where.arm(name, f"alexnet {name}", table, where.recipe(colour=colour))


def _pair(data: str, first: Arm, second: Arm, says: Contrast, metric: Metric = TEN, cheap: bool = False) -> Experiment:
    """The first arm's test error is said to be the lower."""
    return Experiment(data, (first, second), (replace(says, metric=metric),), cheap=cheap)


def _lower(statement: str, first: str, second: str, size: float, claimed: Region = BELOW_ZERO) -> Contrast:
    return Contrast(statement, TEN, first, second, claimed, f"{size:g} % top-1", size=size)


IMAGENET, FASHION = _imagenet.DATA, "fashion-mnist"
NORM = _lower(SAYS_NORM, "LRN", "no LRN", -1.4)
LRN_IMAGENET = (
    _pair(IMAGENET, _large("LRN"), _large("no LRN", partial(_without, kind=LocalResponseNorm)), NORM),
    *(_pair(one.data, _medium(one, "LRN"), _medium(one, "no LRN", norm=False), NORM) for one in SETS),
    _pair(FASHION, _small("LRN"), _small("no LRN", partial(small.alexnet, norm=False)), NORM, TEST_ERROR),
)
POOLS = _lower("test error with overlapping pools less without", "3/2", "2/2", -0.4)
OVERLAP = (
    _pair(IMAGENET, _large("3/2"), _large("2/2", _two_by_two), POOLS),
    *(_pair(one.data, _medium(one, "3/2"), _medium(one, "2/2", overlap=False), POOLS) for one in SETS),
    _pair(FASHION, _small("3/2"), _small("2/2", partial(small.alexnet, overlap=False)), POOLS, TEST_ERROR, cheap=True),
)
JITTERED = replace(small.RECIPE, augment=(Colour(),))
JITTER = _lower("test error with colour jitter less without", "jitter", "none", -1.0)
COLOUR = (
    _pair(IMAGENET, _large("jitter"), _large("none", colour=False), replace(JITTER, claimed=Region(high=-1.0))),
    *(_pair(one.data, _medium(one, "jitter", colour=True), _medium(one, "none"), JITTER) for one in SETS),
    _pair(FASHION, _small("jitter", recipe=JITTERED), _small("none"), JITTER, TEST_ERROR),
)
TOWERS = _lower("test error of two towers less one of half the maps", "two towers", "one", -1.7)
TWO_TOWERS = (_pair(IMAGENET, _large("two towers"), _large("one", _half), TOWERS),)


TOP1_2012 = (
    Experiment(
        _imagenet.DATA,
        (_large("alexnet"),),
        (Contrast("top-1 error, ten views", TEN, "alexnet", None, Region(39.7, 41.7), "40.7 %", scale="value"),),
        classes=1000,
    ),
)

MIDDLE = ("conv3", "conv4")


def _ablation_contrasts(least: float, metric: Metric = TEST_ERROR) -> tuple[Contrast, ...]:
    return tuple(
        Contrast(
            f"test error without {name} less with it",
            metric=metric,
            first=f"no {name}",
            second="all",
            claimed=Region(low=least),
            paper="about 2 % top-1",
            size=2.0,
        )
        for name in MIDDLE
    )


WITHOUT_MIDDLE = (
    Experiment(
        IMAGENET,
        (_large("all"), *(_large(f"no {name}", partial(_without, names=(name,))) for name in MIDDLE)),
        _ablation_contrasts(1.0),
    ),
    *(
        Experiment(
            one.data,
            (_medium(one, "all"), *(_medium(one, f"no {name}", drop=(name,)) for name in MIDDLE)),
            _ablation_contrasts(0.0, TEN),
        )
        for one in SETS
    ),
    Experiment(
        FASHION,
        (_small("all"), *(_small(f"no {name}", partial(small.alexnet, drop=(name,))) for name in MIDDLE)),
        _ablation_contrasts(0.0),
    ),
)
