"""A perceptron with one hidden layer."""

from __future__ import annotations

from impls.layers import Activation, Dense, Flatten, Layer
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
