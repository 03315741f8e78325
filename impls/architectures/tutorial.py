"""The networks of the Keras notebook "Introduction for classic CNNs", with its quirks, as it is widely used."""

from __future__ import annotations

from impls.layers import Activation, BatchNorm, Conv, Dense, Dropout, Flatten, GlobalAverage, Layer, Pool
from impls.network import Architecture

SOURCE = "tutorial notebook 'Introduction for classic CNNs'"
INPUT = (3, 224, 224)


def conv(
    name: str, channels: int, kernel: int | tuple[int, int], activation: str = "relu", **settings: object
) -> tuple[Layer, ...]:
    return (
        Conv(name, channels, kernel=kernel, **settings),  # type: ignore[arg-type]
        Activation(f"{name}-{activation}", activation),  # type: ignore[arg-type]
    )


def dense(name: str, units: int, activation: str = "relu") -> tuple[Layer, ...]:
    return Dense(name, units), Activation(f"{name}-{activation}", activation)  # type: ignore[arg-type]


def lenet(classes: int) -> tuple[Layer, ...]:
    return (
        *conv("conv1", 6, 5, "tanh"),
        Pool("pool1", kernel=2, stride=2),
        *conv("conv2", 16, 5, "tanh"),
        Pool("pool2", kernel=2, stride=2),
        Flatten("flatten"),
        *dense("dense1", 120, "tanh"),
        *dense("dense2", 84, "tanh"),
        Dense("dense3", classes),
    )


def alexnet(classes: int) -> tuple[Layer, ...]:
    return (
        *conv("conv1", 96, 11, stride=4),
        Pool("pool1", kernel=3, stride=2),
        *conv("conv2", 256, 5, padding="same"),
        Pool("pool2", kernel=3, stride=2),
        *conv("conv3", 384, 3, padding="same"),
        *conv("conv4", 384, 3, padding="same"),
        *conv("conv5", 256, 3, padding="same"),
        Pool("pool5", kernel=3, stride=2),
        Flatten("flatten"),
        *(*dense("dense1", 4096), Dropout("dropout1")),
        *(*dense("dense2", 4096), Dropout("dropout2")),
        *(*dense("dense3", 1000), Dropout("dropout3")),
        Dense("dense4", classes),
    )


def nin(classes: int) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for block, last in enumerate((96, 96, classes)):
        for index, (channels, kernel) in enumerate(((192, 5), (192, 1), (last, 1))):
            name = f"block{block}-conv{index}"
            layers += [
                Conv(name, channels, kernel=kernel, padding="same"),
                BatchNorm(f"{name}-bn"),
                Activation(f"{name}-relu", "relu"),
            ]
        layers += [
            Pool(f"block{block}-pool", kernel=3, stride=2, padding="same"),
            Dropout(f"block{block}-dropout", 0.2),
        ]
    return (*layers, GlobalAverage("gap"))


def vgg16(classes: int) -> tuple[Layer, ...]:
    stages = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
    layers: list[Layer] = []
    for number, (channels, count) in enumerate(stages, 1):
        for index in range(1, count + 1):
            name = f"conv{number}_{index}"
            kernel = (3, 2) if name == "conv2_1" else (3, 3)
            layers += conv(name, channels, kernel, padding="same")
        layers.append(Pool(f"pool{number}", kernel=2, stride=2))
    return (
        *(*layers, Flatten("flatten")),
        *(*dense("dense1", 4096), Dropout("dropout1")),
        *(*dense("dense2", 4096), Dropout("dropout2")),
        *(*dense("dense3", 1000), Dropout("dropout3")),
        Dense("dense4", classes),
    )


LENET = Architecture(
    name="lenet-tutorial",
    title="the tutorial's 'LetNet': max pooling, dense C3, plain tanh, softmax",
    source=f"{SOURCE}, LeNet",
    input_shape=INPUT,
    classes=100,
    table=lenet,
)

ALEXNET = Architecture(
    name="alexnet-tutorial",
    title="the tutorial's AlexNet: 54 x 54 maps, no LRN, an extra layer of 1000 units",
    source=f"{SOURCE}, AlexNet",
    input_shape=INPUT,
    classes=100,
    table=alexnet,
)

NIN = Architecture(
    name="nin-tutorial",
    title="the tutorial's NIN: batch normalisation, 5 x 5 throughout, dropout 0.2 after every block",
    source=f"{SOURCE}, NIN",
    input_shape=INPUT,
    classes=100,
    table=nin,
    deviations=(
        "the kernels' l2(1e-6) penalty is left out: every network here gets the same weight decay from the update rule",
    ),
)

VGG16 = Architecture(
    name="vgg16-tutorial",
    title="the tutorial's VGG-16: a 3 x 2 kernel in conv2_1, an extra layer of 1000 units, 17 classes",
    source=f"{SOURCE}, VGG-16",
    input_shape=INPUT,
    classes=17,
    fixed_classes=True,
    table=vgg16,
    deviations=(
        "the class count asked for is ignored and 17 used, as in the tutorial",
        "the tutorial ignores the size and channels asked for, too; here they are taken, so that a size means itself",
    ),
)
