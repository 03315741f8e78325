"""Lin et al. 2014: dropout between blocks, what stands on the class maps, and the data sets' figures."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from impls import load_architecture
from impls.architectures.nin import cifar
from impls.layers import Dropout, GlobalAverage, Layer
from repro.claims.experiment import BELOW_ONE, BELOW_ZERO, Arm, Contrast, Experiment, Region
from repro.claims.metrics import TEST_ERROR, error_seen
from repro.data.images.augment import Flip, RandomCrop
from repro.papers import _small
from repro.recipe.initializers import Glorot, Normal
from repro.recipe.recipe import Recipe, Stage
from repro.recipe.views import MaxActivation, View, Whole

AUTHOR = Recipe(
    (Stage(200, 0.1), Stage(30, 0.01), Stage(30, 0.001)), batch=128, weight_decay=1e-4, initial=Normal(std=0.05)
)
"""The first author's parameter files in plain SGD on the mean loss; their rates for biases are twice as large."""
SMALL = Recipe((Stage(12, 0.015), Stage(3, 0.0015)), batch=32, weight_decay=1e-4, initial=Glorot())
TRAIN = 6_000
LONGER = Recipe((Stage(32, 0.015), Stage(8, 0.0015)), batch=32, weight_decay=1e-4, initial=Glorot())
"""For CIFAR-10: against over-fitting, which dropout and averages are for, more passes over few images."""
OF_CIFAR, WIDER = 10_000, 2
"""Of its 50,000 training images; and the widths of the blocks over those for grey images."""
WHOLE: dict[str, View] = {"": Whole()}
SEEN: dict[str, View] = {**WHOLE, "strongest": MaxActivation()}


HUNDRED = replace(AUTHOR, stages=tuple(replace(one, learning_rate=one.learning_rate / 5) for one in AUTHOR.stages))
HUNDRED = replace(HUNDRED, weight_decay=5e-4)
"""The author's file for CIFAR-100, but for its smaller first weights in the first block."""


def _figure(data: str, network: str, paper: float, within: float, recipe: Recipe = AUTHOR) -> tuple[Experiment, ...]:
    """The paper's own figure on a data set, met."""
    arm = Arm(network, load_architecture(network), recipe)
    return (Experiment(data, (arm,), (_met(network, paper, within),)),)


def _met(arm: str, paper: float, within: float) -> Contrast:
    claimed = Region(paper - within, paper + within)
    return Contrast(f"test error, {arm}", TEST_ERROR, arm, None, claimed, f"{paper} %", scale="value")


CIFAR100 = _figure("cifar100", "nin-cifar100", 35.68, 1.0, HUNDRED)
SVHN = _figure("svhn", "nin-svhn", 2.35, 0.2)
MNIST = _figure("mnist", "nin-mnist", 0.47, 0.1)


def _cifar10() -> Experiment:
    """10.41 % as it is, 8.81 % with shifts and mirror images."""
    arm = Arm("nin-cifar10", load_architecture("nin-cifar10"), AUTHOR)
    moved = replace(arm, name="augmented", recipe=replace(AUTHOR, augment=(RandomCrop(32, padding=4), Flip())))
    return Experiment(
        "cifar10",
        (arm, moved),
        (_met("nin-cifar10", 10.41, 0.5), _met("augmented", 8.81, 0.5)),
    )


CIFAR10 = (_cifar10(),)


def _large(name: str, head: _small.Head, dropout: bool = True) -> Arm:
    """The author's network for CIFAR-10 with another head, or without dropout between blocks."""
    table = partial(_with_head, head=head, dropout=dropout)
    return Arm(name, replace(load_architecture("nin-cifar10"), name=f"nin {name}", table=table), AUTHOR)


def _with_head(classes: int, head: _small.Head, dropout: bool) -> tuple[Layer, ...]:
    kept = [layer for layer in cifar(classes) if not isinstance(layer, GlobalAverage)]
    return (*(layer for layer in kept if dropout or not isinstance(layer, Dropout)), *_small.heads(classes, head))


def _small_nin(name: str, head: _small.Head, dropout: bool = True) -> Arm:
    return _narrow(name, head, dropout, SMALL, TRAIN)


def _medium(name: str, head: _small.Head, dropout: bool = True) -> Arm:
    """For CIFAR-10 in a few hours."""
    return _narrow(name, head, dropout, LONGER, OF_CIFAR, scale=WIDER, side=32)


def _narrow(
    name: str, head: _small.Head, dropout: bool, recipe: Recipe, train: int, scale: int = 1, side: int = 28
) -> Arm:
    table = partial(_small.nin, head=head, dropout=dropout, scale=scale)
    views = SEEN if head == "gap" else WHOLE
    return Arm(name, _small.architecture(f"nin {name}", table, side), recipe, train=train, views=views)


def _less(claimed: Region) -> tuple[Contrast, ...]:
    return (
        Contrast(
            "test error with dropout between blocks over without",
            metric=TEST_ERROR,
            first="dropout",
            second="none",
            claimed=claimed,
            paper="0.72 (10.41 % and 14.51 %)",
            scale="ratio",
            size=0.72,
        ),
    )


DROPOUT = (
    Experiment("cifar10", (_large("dropout", "gap"), _large("none", "gap", dropout=False)), _less(Region(high=0.8))),
    Experiment("cifar10", (_medium("dropout", "gap"), _medium("none", "gap", dropout=False)), _less(BELOW_ONE)),
    Experiment(
        "fashion-mnist",
        (_small_nin("dropout", "gap"), _small_nin("none", "gap", dropout=False)),
        _less(BELOW_ONE),
        cheap=True,
    ),
)


def _below(first: str, second: str, size: float, said: str = "") -> Contrast:
    """The first head's test error is said to be the lower."""
    statement = f"test error, {said or f'{first} less {second}'}"
    return Contrast(statement, TEST_ERROR, first, second, BELOW_ZERO, f"{size:g} %", size=size)


ORDER = (
    _below("fc + dropout", "fc", -0.71),
    _below("gap", "fc + dropout", -0.47, "global average less fc + dropout"),
)
HEAD: tuple[_small.Head, ...] = ("fc", "fc + dropout", "gap")
HEADS = (
    Experiment("cifar10", tuple(_large(head, head) for head in HEAD), ORDER),
    Experiment("cifar10", tuple(_medium(head, head) for head in HEAD), ORDER),
    Experiment("fashion-mnist", tuple(_small_nin(head, head) for head in HEAD), ORDER, cheap=True),
)
BETWEEN = (
    _below("fc + dropout", "fc", -1.57),
    _below("gap", "fc", -1.1, "global average less fc"),
    _below("fc + dropout", "gap", -0.47, "fc + dropout less global average"),
)


def _plain(head: _small.Head, recipe: Recipe, train: int | None) -> Arm:
    architecture = _small.architecture(f"plain {head}", partial(_small.plain, head=head))
    return Arm(head, architecture, recipe, train=train)


CNN_HEADS = (
    Experiment("cifar10", tuple(_plain(head, AUTHOR, None) for head in HEAD), BETWEEN),
    Experiment("cifar10", tuple(_plain(head, LONGER, OF_CIFAR) for head in HEAD), BETWEEN),
    Experiment("fashion-mnist", tuple(_plain(head, SMALL, TRAIN) for head in HEAD), BETWEEN),
)
PEAK = (
    Contrast(
        "images whose strongest activation is in another class's map",
        metric=error_seen("strongest"),
        first="gap",
        second=None,
        claimed=Region(high=50.0),
        paper="the strongest are in the true class's map",
        scale="value",
    ),
)
MAPS = (
    Experiment("cifar10", (replace(_large("gap", "gap"), views=SEEN),), PEAK),
    Experiment("cifar10", (_medium("gap", "gap"),), PEAK),
    Experiment("fashion-mnist", (_small_nin("gap", "gap"),), PEAK, cheap=True),
)
