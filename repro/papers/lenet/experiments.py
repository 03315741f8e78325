"""LeCun et al. 1998: passes, training-set size, distortions, other classifiers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from impls import load_architecture
from repro.claims.experiment import BELOW_ZERO, Arm, Contrast, Experiment, Metric, Region
from repro.claims.metrics import AT_THE_END, HALFWAY, RISE, TEST_ERROR, TRAINING_ERROR
from repro.data.images.augment import RandomAffine
from repro.papers import _small
from repro.recipe.initializers import FanIn
from repro.recipe.preprocessing import InkRange
from repro.recipe.recipe import Recipe, Stage

RATES = (0.0005, 0.0002, 0.0001, 0.00005, 0.00001)
PASSES = (2, 3, 3, 4, 8)
"""The paper's global learning rate by pass (appendix C). Ours is scaled so that its first is `FIRST`."""
FIRST = 0.05
SCHEDULE = tuple(Stage(count, FIRST * rate / RATES[0]) for count, rate in zip(PASSES, RATES))

LENET5 = load_architecture("lenet5-dense")
RECIPE = Recipe(SCHEDULE, batch=32, weight_decay=0.0, initial=FanIn(), prepare=InkRange(), measured=4_000)
MNIST = Arm("lenet5-dense", LENET5, RECIPE)
FASHION = replace(MNIST, train=10_000)


NAME = "lenet5-dense"


def _stays(within: float) -> tuple[Contrast, ...]:
    """The test error hardly moves in the second half of the passes, and doesn't rise."""
    return (
        Contrast(
            "test error after all passes less that after half of them",
            metric=AT_THE_END,
            first=NAME,
            second=NAME,
            claimed=Region(-within, within),
            paper="0, by the curve of Fig. 5",
            other=HALFWAY,
        ),
        Contrast("test error at the end above its least", RISE, NAME, None, Region(high=within), "0", scale="value"),
    )


def _comes_to(metric: Metric, claimed: Region, paper: str) -> Contrast:
    return Contrast(metric.name, metric, NAME, None, claimed, paper, scale="value")


LOW = (
    Contrast(
        "training error over test error",
        metric=TRAINING_ERROR,
        first=NAME,
        second=NAME,
        claimed=Region(high=0.5),
        paper="0.37 (0.35 % and 0.95 %)",
        scale="ratio",
        other=TEST_ERROR,
    ),
)
STABILISES = (
    Experiment("mnist", (MNIST,), (*_stays(0.1), _comes_to(TEST_ERROR, Region(0.75, 1.15), "0.95 %"))),
    Experiment("fashion-mnist", (FASHION,), _stays(0.5), cheap=True),
)
TRAINING_ERROR_LOW = (
    Experiment("mnist", (MNIST,), (*LOW, _comes_to(TRAINING_ERROR, Region(high=0.45), "0.35 %"))),
    Experiment("fashion-mnist", (FASHION,), LOW, cheap=True),
)
DISTORTED = RandomAffine(translation=2.0, scale=0.1, squeeze=0.1, shear=0.1, fill=InkRange.LOW)


def _distortions(arm: Arm, data: str) -> Experiment:
    distorted = replace(arm, name="distorted", recipe=replace(arm.recipe, augment=(DISTORTED,)))
    says = Contrast(
        "test error with distortions less without",
        TEST_ERROR,
        "distorted",
        "lenet5-dense",
        BELOW_ZERO,
        "-0.15 %",
        size=-0.15,
    )
    return Experiment(data, (arm, distorted), (says,))


DISTORTIONS = (_distortions(MNIST, "mnist"), _distortions(FASHION, "fashion-mnist"))


def _more_data(data: str, counts: tuple[int, ...], cheap: bool = False) -> Experiment:
    arms = tuple(Arm(f"{count:,} images", LENET5, RECIPE, train=count) for count in counts)
    contrasts = tuple(
        Contrast(f"test error, {more.name} less {fewer.name}", TEST_ERROR, more.name, fewer.name, BELOW_ZERO, "below 0")
        for fewer, more in zip(arms, arms[1:])
    )
    return Experiment(data, arms, contrasts, cheap=cheap)


MORE_DATA = (
    _more_data("mnist", (15_000, 30_000, 60_000)),
    _more_data("fashion-mnist", (2_500, 5_000, 10_000), cheap=True),
)


def _classifiers(data: str, train: int | None) -> Experiment:
    arms = tuple(
        Arm(name, architecture, RECIPE, train=train)
        for name, architecture in {
            "linear": _small.architecture("linear", _small.linear),
            "300 hidden": _small.architecture("hidden", partial(_small.hidden, units=300)),
            "lenet5-dense": LENET5,
        }.items()
    )
    contrasts = tuple(
        Contrast(f"test error, {better} less {worse}", TEST_ERROR, better, worse, BELOW_ZERO, f"{size:g} %", size=size)
        for better, worse, size in (("300 hidden", "linear", -7.3), ("lenet5-dense", "300 hidden", -3.75))
    )
    return Experiment(data, arms, contrasts, cheap=data == "fashion-mnist")


CLASSIFIERS = (_classifiers("mnist", None), _classifiers("fashion-mnist", 10_000))
