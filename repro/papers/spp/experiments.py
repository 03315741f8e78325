"""He et al. 2015: the pyramid, several training sizes, full images, views on maps."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from impls import load_architecture
from repro.claims.experiment import BELOW_ZERO, Arm, Contrast, Experiment, Region
from repro.claims.metrics import TEST_ERROR, error_seen, images_to
from repro.data.images.augment import Flip, RandomCrop
from repro.papers import _imagenet
from repro.papers import _photographs as photographs
from repro.papers import _small as small
from repro.recipe.recipe import Sizes, Stage
from repro.recipe.views import WITH_MIDDLES, Centre, OnMaps, Ten, View, Whole

SIDE, SMALLER = 24, 19
"""Crops of 24 of 28 pixels stand for 224 of 256, and 19 for 180."""
SMALL = replace(small.RECIPE, augment=(RandomCrop(SIDE), Flip()), measures=4)
TRAIN = 5_000
RANDOM = Sizes(tuple(range(SMALLER, SIDE + 1)), random=True)
LEVELS = {"pyramid": (3, 2, 1), "fewer bins": (2, 1), "no pyramid": ()}
VIEWS: dict[str, View] = {
    "": Centre(SIDE),
    "full image": Whole(),
    "ten views": Ten(SIDE),
    "ten views on maps": OnMaps(SIDE),
    "many views": OnMaps(SIDE, (24, 28, 32, 36), WITH_MIDDLES),
}
STAGES = (Stage(30, 0.01), Stage(20, 0.001), Stage(20, 0.0001))
"""70 passes of ZF-5, the rate divided by ten twice (section 3.1); when, the paper leaves to the validation error."""
SCALES = (224, 256, 300, 360, 448, 560)
"""The paper's (section 3.1.5)."""
ONLY_CROPS: dict[str, View] = {"": Centre(SIDE)}
"""A network without a pyramid takes images of one size."""


def _small(name: str, levels: str = "pyramid", sizes: Sizes | None = None) -> Arm:
    table = partial(small.zf, levels=LEVELS[levels])
    views = VIEWS if LEVELS[levels] else ONLY_CROPS
    recipe = replace(SMALL, sizes=sizes)
    return Arm(name, small.architecture(f"zf {levels}", table), recipe, train=TRAIN, size=SIDE, views=views)


ON_PHOTOGRAPHS = photographs.SIDE, 45
"""224 and 180, a quarter of each."""
OF_PHOTOGRAPHS: dict[str, View] = {
    **photographs.VIEWS,
    "full image": Whole(),
    "ten views on maps": OnMaps(photographs.SIDE),
    "many views": OnMaps(photographs.SIDE, (56, 64, 75, 90), WITH_MIDDLES),
}


def _medium(name: str, levels: str = "pyramid", sizes: Sizes | None = None) -> Arm:
    """A small one on photographs."""
    table = partial(small.zf, levels=LEVELS[levels], first=small.FIRST_OF_PHOTOGRAPH)
    views = OF_PHOTOGRAPHS if LEVELS[levels] else photographs.VIEWS
    return photographs.arm(name, f"zf {levels}", table, photographs.recipe(sizes=sizes, measures=2), views)


def _large(name: str, architecture: str = "zf5-spp", sizes: Sizes | None = None) -> Arm:
    views: dict[str, View] = dict(_imagenet.views(224))
    if load_architecture(architecture).variant_of:
        many = OnMaps(224, SCALES, WITH_MIDDLES)
        views |= {"full image": Whole(), "ten views on maps": OnMaps(224), "many views": many}
    recipe = _imagenet.recipe(224, sizes=sizes, stages=STAGES)
    return Arm(name, load_architecture(architecture), recipe, size=224, views=views)


ONE, FEWER, NONE = _small("pyramid"), _small("fewer bins", "fewer bins"), _small("no pyramid", "no pyramid")
TWO, ANY = _small("two sizes", sizes=Sizes((SMALLER, SIDE))), _small("random size", sizes=RANDOM)
SOME_SIZE = Sizes(tuple(range(ON_PHOTOGRAPHS[1], ON_PHOTOGRAPHS[0] + 1)), random=True)
MEDIUM_ONE, MEDIUM_NONE = _medium("pyramid"), _medium("no pyramid", "no pyramid")
MEDIUM_FEWER = _medium("fewer bins", "fewer bins")
MEDIUM_TWO, MEDIUM_ANY = (
    _medium("two sizes", sizes=Sizes(ON_PHOTOGRAPHS[::-1])),
    _medium("random size", sizes=SOME_SIZE),
)
LARGE_ONE, LARGE_NONE = _large("pyramid"), _large("no pyramid", "zf5")
LARGE_TWO = _large("two sizes", sizes=Sizes((180, 224)))
LARGE_ANY = _large("random size", sizes=Sizes(tuple(range(180, 225)), random=True))


def _less(first: str, second: str, size: float) -> Contrast:
    """The first's test error is said to be the lower."""
    paper = f"{size:g} % top-1"
    return Contrast(f"test error, {first} less {second}", TEST_ERROR, first, second, BELOW_ZERO, paper, size=size)


def _each(
    large: tuple[Arm, ...],
    medium: tuple[Arm, ...],
    little: tuple[Arm, ...],
    contrasts: tuple[Contrast, ...],
    cheap: bool = False,
) -> tuple[Experiment, ...]:
    """On ImageNet at the paper's scale, and small on photographs and on Fashion-MNIST."""
    return (
        Experiment("imagenet", large, contrasts),
        Experiment(photographs.DATA, medium, contrasts),
        Experiment("fashion-mnist", little, contrasts, cheap=cheap),
    )


PYRAMID = _each(
    (LARGE_ONE, LARGE_TWO, LARGE_NONE),
    (MEDIUM_ONE, MEDIUM_TWO, MEDIUM_NONE),
    (ONE, TWO, NONE),
    (_less("pyramid", "no pyramid", -1.01), _less("two sizes", "pyramid", -0.38)),
)
FEWER_PARAMETERS = _each(
    (_large("fewer bins", "zf5-spp30"), LARGE_NONE),
    (MEDIUM_FEWER, MEDIUM_NONE),
    (FEWER, NONE),
    (_less("fewer bins", "no pyramid", -0.93),),
)
RANDOM_SIZE = _each(
    (LARGE_ONE, LARGE_TWO, LARGE_ANY),
    (MEDIUM_ONE, MEDIUM_TWO, MEDIUM_ANY),
    (ONE, TWO, ANY),
    (_less("two sizes", "random size", -0.38), _less("random size", "pyramid", -0.3)),
)


def _full(name: str, size: float) -> Contrast:
    return Contrast(
        f"test error, full image less crop, {name}",
        metric=error_seen("full image"),
        first=name,
        second=name,
        claimed=BELOW_ZERO,
        paper=f"{size:g} % top-1",
        other=TEST_ERROR,
        size=size,
    )


FULL_IMAGE = _each(
    (LARGE_ONE, LARGE_TWO),
    (MEDIUM_ONE, MEDIUM_TWO),
    (ONE, TWO),
    (_full("pyramid", -0.46), _full("two sizes", -0.5)),
    cheap=True,
)


def _same(within: float) -> tuple[Contrast, ...]:
    return (
        Contrast(
            "test error, ten views on maps less ten views of the image",
            metric=error_seen("ten views on maps"),
            first="pyramid",
            second="pyramid",
            claimed=Region(-within, within),
            paper="within 0.1 % top-5",
            other=error_seen("ten views"),
        ),
    )


VIEWS_ON_MAPS = (
    Experiment("imagenet", (LARGE_ONE,), _same(0.1)),
    Experiment(photographs.DATA, (MEDIUM_ONE,), _same(0.5)),
    Experiment("fashion-mnist", (ONE,), _same(0.5), cheap=True),
)
MORE = (
    Contrast(
        "test error, views at several scales less ten",
        metric=error_seen("many views"),
        first="pyramid",
        second="pyramid",
        claimed=BELOW_ZERO,
        paper="-1.59 % top-5 (96 views)",
        other=error_seen("ten views"),
        size=-1.59,
    ),
)
MANY_VIEWS = _each((LARGE_ONE,), (MEDIUM_ONE,), (ONE,), MORE, cheap=True)
RATE = (
    Contrast(
        "images to 25 % training error, two sizes over one",
        metric=images_to(25),
        first="two sizes",
        second="pyramid",
        claimed=Region(0.67, 1.5),
        paper="about the same",
        scale="ratio",
    ),
)
SAME_RATE = _each((LARGE_ONE, LARGE_TWO), (MEDIUM_ONE, MEDIUM_TWO), (ONE, TWO), RATE, cheap=True)
