"""A perceptron with one hidden layer, and a network with AlexNet's kinds of layers."""

from __future__ import annotations

from impls.layers import Activation, Conv, Dense, Flatten, Layer, LocalResponseNorm, Pool
from impls.network import Architecture


def perceptron(classes: int) -> tuple[Layer, ...]:
    return Flatten("flatten"), Dense("hidden", 8), Activation("hidden-relu", "relu"), Dense("output", classes)


OUTSIDE_MLP = Architecture(
    name="outside-mlp",
    title="a perceptron from outside the project",
    source="Rosenblatt 1958, much simplified",
    input_shape=(1, 4, 4),
    classes=3,
    table=perceptron,
)


def small_alexnet(classes: int) -> tuple[Layer, ...]:
    return (
        *(Conv("conv1", kernel=5, stride=2, channels=8), Activation("relu1", "relu"), LocalResponseNorm("norm1")),
        *(Conv("conv2", kernel=5, channels=12, padding=2, groups=2), Activation("relu2", "relu")),
        *(LocalResponseNorm("norm2"), Pool("pool2", kernel=3, stride=2), Flatten("flatten")),
        *(Dense("fc6", 24), Activation("relu6", "relu"), Dense("fc8", classes)),
    )


OUTSIDE_ALEXNET = Architecture(
    name="outside-alexnet",
    title="a small AlexNet from outside the project",
    source="Krizhevsky 2012, much smaller",
    input_shape=(3, 33, 25),
    classes=10,
    table=small_alexnet,
)
